//! Overlays: files that an administrator writes, and files that somebody else did.

use proptest::prelude::*;

use crate::model::Transport;

use super::super::{EntrySource, Registry};
use super::with_overlay;

const GOOD: &str = r#"# ours
[[service]]
port = 3221
transport = "tcp"
name = "our-feed"
aliases = ["feed"]
title = "Our feed"
source = "vendor"
owners = ["feedd"]
counterparts = ["tcp/3220 xnm-ssl", "use the new one"]
[service.weakness]
class = "cleartext-credentials"
why = "It sends a password"
condition = "none"
severity = { public = "high", lan = "medium", loopback = "info" }
"#;

#[test]
fn an_overlay_adds_to_the_registry() {
    let (builtin, ours) = (Registry::builtin(), with_overlay(GOOD));
    assert_eq!((builtin.overlays(), ours.overlays()), (0, 1));
    assert_eq!(ours.entries(), builtin.entries() + 1);
    let entry = ours.candidates(Transport::Tcp, 3221)[0];
    // Whatever it calls itself, it is the user's.
    assert_eq!((entry.name(), entry.source()), ("our-feed", EntrySource::User));
    assert_eq!(entry.is_management(), None);
    assert_eq!(ours.by_name("FEED"), [entry]);
    assert_eq!(ours.owned_by(b"feedd"), [entry]);
    assert_eq!(ours.iana_name(Transport::Tcp, 3221).map(|(name, _)| name), Some("xnm-clear-text"));
}

#[test]
fn a_wrong_overlay_is_named_by_place_and_key() {
    let line = |number: usize, new: &str| {
        let lines: Vec<&str> = GOOD.lines().collect();
        [&lines[..number - 1], &[new], &lines[number..]].concat().join("\n")
    };
    for (text, want) in [
        (line(3, "port = 70000"), "a.toml:3:8: key `port`: expected a port from 1"),
        (line(3, "port = \"9-3\""), "a.toml:3:8: key `port`: expected a port from 1"),
        (line(3, "port = \"+1-3\""), "a.toml:3:8: key `port`: expected a port from 1"),
        (line(3, "port = true"), "a.toml:3:8: key `port`: wrong type of value"),
        (line(4, "transport = \"secret\""), "a.toml:4:13: key `transport`: expected one of any, tcp"),
        (line(4, ""), "a.toml:2:1: key `transport`: a key is missing"),
        (line(5, "name = \"a secret\""), "a.toml:5:8: key `name`: expected a name"),
        (line(7, "title = \"sec\\u0007ret\""), "a.toml:7:9: key `title`: a character that does not print"),
        (line(7, "title = \"sec\\u202eret\""), "a.toml:7:9: key `title`: a character that does not print"),
        (line(7, "title = \"\""), "a.toml:7:9: key `title`: expected 1 to 1000 bytes"),
        (line(7, "title = secret"), "a.toml:7:9: this is not TOML"),
        (line(7, "titel = \"secret\""), "a.toml:7:1: key `titel`: unknown key"),
        (line(8, "source = \"user\""), "a.toml:8:10: key `source`: expected one of iana, defacto, vendor"),
        (line(9, "owners = [\"a\", \"A.exe\"]"), "a.toml:9:16: key `owners`: the same owner twice"),
        (line(9, "owners = [\"/sbin/secret\"]"), "a.toml:9:11: key `owners`: expected the base name"),
        (line(10, "counterparts = [\"tcp/99999 x\"]"), "a.toml:10:17: key `counterparts`: expected a service"),
        (
            line(15, "severity = { public = \"low\", lan = \"high\", loopback = \"info\" }"),
            "a.toml:15:12: key `severity`: a n",
        ),
        (line(6, "name = \"secret\""), "a.toml:6:1: key `name`: a key stands twice"),
        (line(6, "\"odd secret\" = 1"), "a.toml:6:1: unknown key"),
        (line(9, "owners = [\"secret=1\", 5]"), "a.toml:9:23: wrong type of value"),
        (line(1, "[[secret]]"), "a.toml:1:3: key `secret`: unknown key"),
        (format!("{GOOD}{GOOD}"), "a.toml:18:8: key `port`: port, transport and name stand in"),
        ("root:x:0:0:secret\n".into(), "a.toml:1:18: this is not TOML"),
        ("\"odd secret\" = 1\n".into(), "a.toml:1:1: unknown key"),
    ] {
        let error = Registry::with_overlays([("a.toml", text.as_str())]).err();
        let message = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(message.starts_with(want), "want {want}\ngot  {message}");
        assert!(!message.contains("secret") || want.contains("secret"), "{message}");
    }
}

#[test]
fn only_services_may_be_added() {
    let clash = "[[clash]]\nport = 1\ntransport = \"tcp\"\nuses = [\"a\"]\n";
    let error = Registry::with_overlays([("ok.toml", GOOD), ("b.toml", clash)]).expect_err("it is refused");
    assert_eq!((error.file.as_str(), error.line), ("b.toml", 1));
    assert!(error.problem.contains("[[service]]"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,400}") {
        let _ = Registry::with_overlays([("x", text.as_str())]);
    }

    #[test]
    fn a_damaged_overlay_is_read_or_refused_with_its_place(
        at in 0..GOOD.len(), cut in 0..40_usize, put in "(\\PC|[\"\\[\\]{}=.\n#'\\\\-]){0,12}"
    ) {
        let end = (at + cut).min(GOOD.len());
        let text = format!("{}{put}{}", &GOOD[..at], &GOOD[end..]);
        if let Err(error) = Registry::with_overlays([("x", text.as_str())]) {
            let lines = text.split('\n').count();
            prop_assert!((1..=lines).contains(&error.line), "{error}");
            let line = text.split('\n').nth(error.line - 1).unwrap_or_default();
            prop_assert!((1..=line.chars().count() + 1).contains(&error.column), "{error}");
        }
    }
}
