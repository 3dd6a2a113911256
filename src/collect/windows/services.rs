//! Services: which of them a process runs, and which of those a socket belongs to.

use std::collections::BTreeMap;

use super::question::Question;
use crate::collect::seam::{Kernel, Refusal};
use crate::model::Text;

/// The services that run, by process.
#[derive(Debug, Default)]
pub struct Services(BTreeMap<u32, Vec<Text>>);

impl Services {
    /// The services of a process, by name.
    pub fn of(&self, pid: u32) -> &[Text] {
        self.0.get(&pid).map_or(&[], Vec::as_slice)
    }
}

/// Reads the list of services.
pub fn list(kernel: &dyn Kernel<Question>) -> Result<Services, Refusal> {
    let answer = kernel.get(&Question::Services)?;
    let mut services = Services::default();
    for line in String::from_utf8_lossy(&answer).lines() {
        let Some((pid, name)) = line.split_once(' ') else { continue };
        let (Ok(pid), Some(name)) = (pid.parse(), Text::unescape(name)) else { continue };
        services.0.entry(pid).or_default().push(name);
    }
    for names in services.0.values_mut() {
        names.sort();
        names.dedup();
    }
    Ok(services)
}

/// The service of a process that a socket with this number belongs to. The system names a module: it counts where that is
/// the name of one of the services that the process runs, and is nobody's guess.
pub fn of_socket(kernel: &dyn Kernel<Question>, pid: u32, tag: u64, services: &[Text]) -> Option<Text> {
    if tag == 0 {
        return None;
    }
    let named = kernel.get(&Question::Module(pid, tag)).ok()?;
    services.iter().find(|service| service.as_bytes().eq_ignore_ascii_case(&named)).cloned()
}
