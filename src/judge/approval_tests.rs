//! Devices in a policy: which listeners are at one, and what is said where that is not known.

use std::sync::Arc;

use super::super::judge_by;
use super::super::sample::host;
use crate::audit::Outcome;
use crate::error::Exit;
use crate::model::{ADDRESSES, DeviceAddress, Gap, Snapshot};
use crate::policy::Policy;
use crate::registry::Registry;
use crate::report::Report;

/// A host with `eth0` as its second device, which bears these addresses; `None` where they could not be read.
fn at(listeners: &[&str], addresses: Option<&[&str]>) -> Snapshot {
    let mut snapshot = host(listeners);
    let of_eth0 = |ip: &&str| DeviceAddress { index: 2, ip: ip.parse().expect(ip) };
    let of_lo = DeviceAddress { index: 1, ip: [127, 0, 0, 1].into() };
    let all = addresses.map(|addresses| addresses.iter().map(of_eth0).chain([of_lo]).collect());
    if all.is_none() {
        let [why, consequence, remedy] = ["why", "so what", "do this"].map(str::to_owned);
        snapshot.gaps.push(Gap { what: ADDRESSES.to_owned(), why, consequence, remedy });
    }
    snapshot.namespaces[0].addresses = all;
    snapshot
}

fn judged(snapshot: Snapshot, policy: &str) -> Report {
    let files = [("policy.toml".to_owned(), format!("schema = 1\n{policy}"))];
    let policy = Policy::parse(&files, &|rule| crate::rules::by_name(rule).is_some()).expect("a policy");
    assert!(policy.asks_for_addresses());
    judge_by(snapshot, &Registry::builtin(), Some(Arc::new(policy)), String::new())
}

/// The rules about the policy that fired.
fn rules(report: &Report) -> Vec<&'static str> {
    let mut rules: Vec<_> = report.findings.iter().map(|finding| finding.rule.name).collect();
    rules.retain(|rule| ["forbidden", "policy-mismatch", "missing", "unexpected", "suppression-unused"].contains(rule));
    rules
}

const EXPECT: &str = "[settings]\nrequire_coverage = []\ndefault = \"deny\"\nloopback = \"enforce\"\n[[expect]]\nport = 22\naddress = \"if:eth0\"\nexe = \"/x\"\nrequired = true\n";

#[test]
fn a_listener_is_at_a_device_by_its_address_or_by_the_device_that_it_is_bound_to() {
    let eth0 = ["10.0.0.5", "fd00::5", "fe80::5"];
    let cases = [
        ("tcp/10.0.0.5:22", true),
        ("tcp/[::ffff:10.0.0.5]:22", true),
        ("tcp/[fd00::5]:22", true),
        ("tcp/[fe80::5]%eth0:22", true),
        ("tcp/0.0.0.0%eth0:22", true),
        // The other device may bear the same one.
        ("tcp/[fe80::5]%lo:22", false),
        ("tcp/10.0.0.6:22", false),
        ("tcp/127.0.0.1:22", false),
        ("tcp/0.0.0.0:22", false),
        ("tcp/[::]:22", false),
        ("tcp/0.0.0.0%lo:22", false),
    ];
    for (listener, is_there) in cases {
        let report = judged(at(&[&format!("{listener} exe=/x")], Some(&eth0)), EXPECT);
        let want = if is_there { &[][..] } else { &["policy-mismatch", "missing"] };
        let mut told = rules(&report);
        told.sort_by_key(|rule| *rule == "missing");
        assert_eq!((told.as_slice(), report.listeners[0].wants_addresses), (want, false), "{listener}");
        assert_eq!(report.listeners[0].expectation.is_some(), is_there, "{listener}");
    }
}

#[test]
fn what_addresses_would_decide_is_neither_claimed_nor_denied() {
    let undecided = |listener: &str, policy: &str| {
        let report = judged(at(&[&format!("{listener} exe=/x")], None), policy);
        let outcome = Outcome::of(&report);
        let unmet: Vec<_> = outcome.unmet.into_iter().map(|unmet| unmet.told).collect();
        (rules(&report), report.listeners[0].wants_addresses, outcome.exit, unmet)
    };
    let said =
        "at which network device tcp/10.0.0.5:22 listens, which the policy asks with if:, is not known: why; do this";
    let open = (Vec::new(), true, Exit::Unknown, vec![said.to_owned()]);
    assert_eq!(undecided("tcp/10.0.0.5:22", EXPECT), open);
    let both = format!("{EXPECT}[[expect]]\nport = 22\naddress = \"if:eth1\"\nexe = \"/x\"\nrequired = true\n");
    assert_eq!(undecided("tcp/10.0.0.5:22", &both), open, "neither is missing");
    assert_eq!(
        undecided(
            "tcp/10.0.0.5:22",
            "[settings]\nrequire_coverage = []\n[[forbid]]\nport = 22\naddress = \"if:eth0\"\n"
        ),
        open
    );
    // Whatever its address is, it is somebody else.
    let (rules, wants, ..) = undecided("tcp/10.0.0.5:22", &EXPECT.replace("/x", "/y"));
    assert_eq!((rules.first(), wants), (Some(&"policy-mismatch"), false));
    // These need no address of a device.
    for listener in ["tcp/0.0.0.0%eth0:22", "tcp/0.0.0.0:22"] {
        assert!(!undecided(listener, EXPECT).1, "{listener}");
    }
    // Another expectation settles it, and nobody knows whether the first one was met.
    let other = format!("{EXPECT}[[expect]]\nport = 22\nexe = \"/x\"\n");
    assert_eq!(undecided("tcp/10.0.0.5:22", &other), (Vec::new(), false, Exit::Ok, Vec::new()));
}

#[test]
fn a_finding_that_is_not_known_to_be_accepted_is_told() {
    let suppress = "[settings]\ndefault = \"deny\"\n[[suppress]]\nrule = \"unexpected\"\nreason = \"x\"\nexpires = 2100-01-01\n\
                    match = { port = 22, address = \"if:eth0\" }\n";
    assert_eq!(rules(&judged(at(&["tcp/10.0.0.5:22 exe=/x"], None), suppress)), ["unexpected"]);
    let known = judged(at(&["tcp/10.0.0.5:22 exe=/x"], Some(&["10.0.0.5"])), suppress);
    assert!(known.findings.iter().all(|finding| !finding.is_live()), "{:?}", known.findings);
    let other = judged(at(&["tcp/10.0.0.5:22 exe=/x"], Some(&[])), suppress);
    assert_eq!(rules(&other).len(), 2, "{:?}", rules(&other));
}

#[test]
fn a_device_without_a_name_may_be_the_one() {
    let nameless = |addresses: Option<&[&str]>| {
        let mut snapshot = at(&["tcp/0.0.0.0%eth0:22 exe=/x"], addresses);
        if let Some(devices) = &mut snapshot.namespaces[0].interfaces {
            devices.retain(|device| device.loopback);
        }
        let report = judged(snapshot, EXPECT);
        (rules(&report), report.listeners[0].wants_addresses)
    };
    assert_eq!(nameless(Some(&[])), (Vec::new(), true));
    assert_eq!(nameless(None), (Vec::new(), true));
}
