//! A finding as an entry of the journal: one datagram in its native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>), so that `journalctl EARMARK_RULE=…` finds it.

use super::words::printable;
use crate::finding::{Finding, Status};
use crate::model::{Severity, Text};
use crate::report::Report;

/// What entries of this kind have in common, for `journalctl MESSAGE_ID=…`.
const MESSAGE_ID: &str = "f3a3d6425f9a4f15a4fce1eb4cd2edc7";

/// The datagram that tells the journal of a finding of a report. What is not known has no field.
pub fn journal_entry(report: &Report, finding: &Finding) -> Vec<u8> {
    let listener = finding.listener().map(|at| &report.listeners[at]);
    let owner = listener.and_then(|listener| report.first_owner(listener));
    let entry = || report.entry_of(finding).map(|(kind, what, place)| format!("{kind} {what} ({place})"));
    let namespace = || report.netns_of(finding)?.name.as_ref().map(Text::escaped);
    let subject = listener.map(|listener| listener.endpoint.clone()).or_else(namespace).or_else(entry);
    let status = match finding.is_live() {
        true => finding.status,
        false => Some(Status::Suppressed),
    };
    let severity = finding.severity;
    let message = [severity.name(), finding.rule.name, &subject.unwrap_or_default()].join(" ");
    let fields = [
        ("MESSAGE", Some(format!("{}: {}", message.trim_end(), finding.message))),
        ("MESSAGE_ID", Some(MESSAGE_ID.to_owned())),
        ("PRIORITY", Some(priority(severity, status).to_string())),
        ("SYSLOG_IDENTIFIER", Some("earmark".to_owned())),
        ("EARMARK_RULE", Some(finding.rule.name.to_owned())),
        ("EARMARK_SEVERITY", Some(severity.name().to_owned())),
        ("EARMARK_STATUS", status.map(|status| status.name().to_owned())),
        ("EARMARK_RUN_ID", Some(report.run_id.clone())),
        ("EARMARK_ENDPOINT", listener.map(|listener| listener.endpoint.clone())),
        ("EARMARK_EXE", owner.and_then(|owner| owner.exe.as_ref()).map(Text::escaped)),
        ("EARMARK_UNIT", listener.and_then(|listener| report.unit(listener).0).map(Text::escaped)),
        ("EARMARK_FINGERPRINT", Some(report.fingerprint_of(finding).digest())),
    ];
    let mut datagram = Vec::new();
    for (name, value) in fields {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            field(name, printable(&value).as_bytes(), &mut datagram);
        }
    }
    datagram
}

/// The priority of syslog(3): critical, error, warning, notice or informational.
fn priority(severity: Severity, status: Option<Status>) -> u8 {
    match severity {
        // What somebody has accepted alarms nobody.
        _ if status == Some(Status::Suppressed) => 6,
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Info => 6,
    }
}

/// Adds a field. A value with a newline has its length before it, as 64 bits with the lowest byte first: otherwise it
/// would end there, and what follows would be another field.
fn field(name: &str, value: &[u8], datagram: &mut Vec<u8>) {
    datagram.extend_from_slice(name.as_bytes());
    if value.contains(&b'\n') {
        datagram.push(b'\n');
        datagram.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        datagram.push(b'=');
    }
    datagram.extend_from_slice(value);
    datagram.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::sample;
    use super::*;

    /// Reads a datagram as the journal does.
    fn decode(mut datagram: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut fields = Vec::new();
        while !datagram.is_empty() {
            let end = datagram.iter().position(|byte| b"=\n".contains(byte)).expect("a name ends");
            let (name, rest) = datagram.split_at(end);
            let length = match rest[0] {
                b'=' => rest[1..].iter().position(|byte| *byte == b'\n').expect("a value ends"),
                _ => usize::try_from(u64::from_le_bytes(rest[1..9].try_into().expect("8 bytes"))).expect("a length"),
            };
            let start = if rest[0] == b'=' { 1 } else { 9 };
            fields.push((String::from_utf8(name.to_vec()).expect("a name"), rest[start..start + length].to_vec()));
            assert_eq!(rest[start + length], b'\n');
            datagram = &rest[start + length + 1..];
        }
        fields
    }

    fn is_name(name: &str) -> bool {
        let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        name.len() <= 64 && name.bytes().all(known) && name.starts_with(|first: char| first.is_ascii_uppercase())
    }

    #[test]
    fn each_finding_is_an_entry() {
        let report = sample::router();
        let entries: Vec<_> = report.findings.iter().map(|finding| decode(&journal_entry(&report, finding))).collect();
        assert!(entries.iter().flatten().all(|(name, _)| is_name(name)));
        let text = |(name, value): &(String, Vec<u8>)| format!("{name}={}", String::from_utf8_lossy(value));
        let entries: Vec<String> =
            entries.iter().map(|fields| fields.iter().map(text).collect::<Vec<_>>().join("\n")).collect();
        insta::assert_snapshot!(entries.join("\n\n"));
    }

    #[test]
    fn what_was_accepted_alarms_nobody() {
        let report = sample::router();
        let mut finding = report.findings[0].clone();
        let field = |finding: &Finding, wanted: &str| {
            let fields = decode(&journal_entry(&report, finding));
            fields.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
        };
        finding.status = Some(Status::Known);
        assert_eq!(field(&finding, "PRIORITY"), Some(b"2".to_vec()));
        assert_eq!(field(&finding, "EARMARK_STATUS"), Some(b"known".to_vec()));
        finding.suppression = Some(0);
        assert_eq!(field(&finding, "PRIORITY"), Some(b"6".to_vec()));
        assert_eq!(field(&finding, "EARMARK_STATUS"), Some(b"suppressed".to_vec()));
        (finding.status, finding.suppression) = (None, None);
        assert_eq!(field(&finding, "EARMARK_STATUS"), None);
    }

    proptest! {
        #[test]
        fn no_value_can_pose_as_a_field(values in proptest::collection::vec(any::<Vec<u8>>(), 0..8)) {
            let mut datagram = Vec::new();
            values.iter().for_each(|value| field("EARMARK_EXE", value, &mut datagram));
            let decoded: Vec<Vec<u8>> = decode(&datagram).into_iter().map(|(_, value)| value).collect();
            prop_assert_eq!(decoded, values);
        }

        #[test]
        fn hostile_names_stay_in_their_field(name in proptest::collection::vec(any::<u8>(), 0..40)) {
            let report = sample::hostile(&Text::from(&name[..]));
            for finding in &report.findings {
                let fields = decode(&journal_entry(&report, finding));
                let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                prop_assert_eq!(names.len(), fields.len(), "no field twice");
                prop_assert!(fields.iter().all(|(name, value)| is_name(name) && !value.contains(&b'\n')));
            }
        }
    }
}
