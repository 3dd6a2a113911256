//! Policies as people write them, and as they should not.

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = r#"
schema = 1
[settings]
default = "deny"
warn_at = "low"
critical_at = "critical"
require_coverage = ["tcp", "owners"]
loopback = "enforce"
containers = "host"
remind_after = "12h"

[[expect]]
id = "ssh"
transport = "tcp"
port = 22
address = ["any", "10.0.0.0/8", "if:eth1"]
exe = "/usr/sbin/sshd"
user = "root"
unit = "ssh.service"
required = true
reason = "admin access, CHG-17"

[[expect]]
port = [3323, "8323-8324"]
uid = [0, 1000]

[[forbid]]
port = [23, 3221]
reason = "CHG-2"

[[suppress]]
rule = "cleartext-management"
match = { transport = "tcp", port = 3221, exe = "/usr/local/sbin/xnmd" }
reason = "lab router emulator, VLAN 40 only"
expires = 2027-01-31

[severity]
wildcard-bind = "info"
"#;

fn knows(rule: &str) -> bool {
    matches!(rule, "cleartext-management" | "wildcard-bind")
}

fn parsed(text: &str) -> Result<Policy, PolicyError> {
    Policy::parse(&[("a.toml".to_owned(), text.to_owned())], &knows)
}

#[test]
fn an_example_is_read_in_full() {
    let policy = parsed(EXAMPLE).expect("a policy");
    let Policy { settings, expects, forbids, suppresses, severities, .. } = &policy;
    assert_eq!((settings.default, settings.warn_at), (Fallback::Deny, Severity::Low));
    assert_eq!((settings.critical_at, settings.loopback), (Severity::Critical, Loopback::Enforce));
    assert_eq!((settings.containers, settings.remind_after), (Containers::Host, 43_200_000));
    assert_eq!(settings.require_coverage, [Coverage::Transport(Transport::Tcp), Coverage::Owners]);
    assert_eq!(expects[0].selector.addresses.len(), 3);
    assert_eq!((expects[0].required, expects[0].origin.line), (true, 12));
    assert!(expects[0].name().starts_with("ssh (tcp/22 address=any,10.0.0.0/8,if:eth1 exe=/usr/sbin/sshd "));
    assert_eq!(expects[1].name(), "port 3323,8323-8324 uid=0,1000");
    assert_eq!(policy.place(expects[1].origin), "a.toml:23");
    assert_eq!(forbids[0].selector.ports, [(23, 23), (3221, 3221)]);
    assert_eq!(suppresses[0].expires, "2027-01-31");
    assert_eq!(suppresses[0].ends.to_string(), "2027-02-01T00:00:00.000Z");
    assert_eq!((severities.len(), policy.severity_of("wildcard-bind")), (1, Some(Severity::Info)));
    assert_eq!(policy.sha256.len(), 64);
}

#[test]
fn files_add_up_and_later_settings_count() {
    let first = "schema = 1\n[settings]\ndefault = \"deny\"\nloopback = \"info\"\n[[expect]]\nport = 22\n";
    let second = "schema = 1\n[settings]\ndefault = \"allow\"\n[[expect]]\nport = 80\n";
    let files = [("1.toml".to_owned(), first.to_owned()), ("2.toml".to_owned(), second.to_owned())];
    let policy = Policy::parse(&files, &knows).expect("a policy");
    assert_eq!((policy.settings.default, policy.settings.loopback), (Fallback::Allow, Loopback::Info));
    assert_eq!(policy.expects.len(), 2);
    assert_eq!(policy.place(policy.expects[1].origin), "2.toml:4");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_never_with_its_content() {
    let wrong = [
        ("", "schema"),
        ("schema = 2", "schema"),
        ("schema = 1\nsecret = 1", "secret"),
        ("schema = 1\n[settings]\ndefault = \"hunter2\"", "default"),
        ("schema = 1\n[settings]\nwarn_at = \"critical\"\ncritical_at = \"low\"", "warn_at"),
        ("schema = 1\n[settings]\nremind_after = \"0d\"", "remind_after"),
        ("schema = 1\n[[expect]]\nport = 0", "port"),
        ("schema = 1\n[[expect]]\nport = \"9-3\"", "port"),
        ("schema = 1\n[[expect]]\nport = 99999", "port"),
        ("schema = 1\n[[expect]]\nport = []", "port"),
        ("schema = 1\n[[expect]]\naddress = \"hunter2\"", "address"),
        ("schema = 1\n[[expect]]\naddress = \"10.0.0.1/8\"", "address"),
        ("schema = 1\n[[expect]]\nexe = \"sshd\"", "exe"),
        ("schema = 1\n[[expect]]\nuser = \"a\\u001bb\"", "user"),
        ("schema = 1\n[[expect]]\ntransport = \"hunter2\"", "transport"),
        ("schema = 1\n[[expect]]\nuid = -1", "uid"),
        ("schema = 1\n[[forbid]]\nreason = \"x\"", "forbid"),
        (
            "schema = 1\n[[suppress]]\nrule = \"hunter2\"\nmatch = { port = 1 }\nreason = \"x\"\nexpires = 2027-01-31",
            "rule",
        ),
        (
            "schema = 1\n[[suppress]]\nrule = \"wildcard-bind\"\nmatch = { user = \"x\" }\nreason = \"x\"\nexpires = 2027-01-31",
            "match",
        ),
        ("schema = 1\n[[suppress]]\nrule = \"wildcard-bind\"\nmatch = { port = 1 }\nreason = \"x\"", "expires"),
        ("schema = 1\n[[suppress]]\nrule = \"wildcard-bind\"\nmatch = { port = 1 }\nexpires = 2027-01-31", "reason"),
        (
            "schema = 1\n[[suppress]]\nrule = \"wildcard-bind\"\nmatch = { port = 1 }\nreason = \"x\"\nexpires = \"hunter2\"",
            "expires",
        ),
        (
            "schema = 1\n[[suppress]]\nrule = \"wildcard-bind\"\nmatch = { port = 1 }\nreason = \"x\"\nexpires = 2027-01-31T00:00:00Z",
            "expires",
        ),
        ("schema = 1\n[severity]\nhunter2 = \"low\"", ""),
        ("schema = 1\n[severity]\nwildcard-bind = \"off\"", ""),
        ("hunter2", ""),
    ];
    let mut told = String::new();
    for (text, key) in wrong {
        let error = parsed(text).expect_err(text);
        told += &format!("{error}\n");
        assert!(!error.to_string().contains("hunter2"), "{text}: {error}");
        assert!(error.to_string().contains(key), "{text}: {error}");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_policy_has_an_end() {
    let many = format!("schema = 1\n{}", "[[expect]]\nport = 1\n".repeat(MOST_ENTRIES + 1));
    assert!(parsed(&many).expect_err("too many").to_string().contains("10000"));
}

#[test]
fn lints_tell_what_its_author_would_want_to_know() {
    let text = r#"
schema = 1
[[expect]]
port = 22
[[expect]]
port = 22
[[expect]]
transport = "packet"
port = 1
exe = "/x"
[[expect]]
port = 23
exe = "/usr/sbin/telnetd"
[[forbid]]
port = "20-30"
transport = ["tcp", "udp"]
[[forbid]]
port = 23
[[suppress]]
rule = "wildcard-bind"
match = { port = 1 }
reason = "x"
expires = 2026-01-01
[[suppress]]
rule = "wildcard-bind"
match = { port = 1 }
reason = "x"
expires = 2026-01-10
[[suppress]]
rule = "wildcard-bind"
match = { port = 1 }
reason = "x"
expires = 2027-01-10
"#;
    let policy = parsed(text).expect("a policy");
    // 2026-01-02T00:00:00Z
    let lints = policy.lints(Timestamp(1_767_312_000_000));
    let lines = lints.iter().map(|lint| format!("{}: {}: {}\n", policy.place(lint.origin), lint.kind, lint.message));
    insta::assert_snapshot!(lines.collect::<String>());
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_an_error(text in "\\PC{0,200}") {
        let _ = parsed(&text);
    }

    #[test]
    fn a_changed_policy_is_a_policy_or_an_error(at in 0usize..900, put in "[\\[\\]={}\"a-z0-9\n/*:.-]{0,4}", take in 0usize..6) {
        let mut text: Vec<char> = EXAMPLE.chars().collect();
        let at = at.min(text.len());
        let end = (at + take).min(text.len());
        text.splice(at..end, put.chars());
        let text: String = text.into_iter().collect();
        if let Ok(policy) = parsed(&text) {
            policy.lints(Timestamp(0));
        }
    }
}
