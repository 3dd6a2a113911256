//! Interpreters, named by the script that they run.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a live test runs programs")]
#![allow(dead_code, reason = "each live test uses a part of what they share")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use support::world::{Need, absent, earmark, installed, report, start, world};

#[test]
fn an_interpreter_is_told_with_its_script() {
    world("an_interpreter_is_told_with_its_script", Need::Namespaces, || {
        if !installed("perl") {
            return absent("perl");
        }
        let place = std::env::temp_dir().join(format!("earmark-script-{}-{}", std::process::id(), line!()));
        std::fs::create_dir_all(&place).expect("a directory");
        let script = place.join("answering-machine.pl");
        // The port is the last argument, which must not be told.
        let text = "#!/usr/bin/perl\nuse Socket; socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in($ARGV[-1], \
                    INADDR_LOOPBACK)) or die; listen(S, 1); $| = 1; print \"ready\\n\"; <STDIN>;";
        std::fs::write(&script, text).expect("written");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let direct = start(Command::new(&script).args(["secret", "7201"]));
        let named = start(Command::new("perl").arg(&script).args(["secret", "7202"]));
        let option = start(Command::new("perl").arg("-w").arg(&script).args(["secret", "7203"]));
        let report = report(&[]);
        let told = |port: u16| {
            let rows = report["listeners"].as_array().expect("a list");
            rows.iter().find(|row| row["port"] == port).expect("a row")["owners"][0]["script"].clone()
        };
        let path = script.to_str().expect("UTF-8");
        assert_eq!((told(7201), told(7202), told(7203)), (path.into(), path.into(), serde_json::Value::Null));
        let table = String::from_utf8(earmark(&[]).stdout).expect("UTF-8");
        assert!(table.contains("perl answering-machine.pl"), "{table}");
        assert_eq!(earmark(&["answering-machine.pl"]).status.code(), Some(0));
        let capture = String::from_utf8_lossy(&earmark(&["capture"]).stdout).into_owned();
        assert!(capture.contains("answering-machine.pl") && !capture.contains("secret"));
        drop((direct, named, option));
        std::fs::remove_dir_all(&place).expect("removed");
    });
}
