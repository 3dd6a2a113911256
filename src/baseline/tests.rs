//! What is recorded of hosts, and that a policy of it finds nothing to say.

use std::sync::Arc;

use super::*;
use crate::judge::sample::host;
use crate::judge::{judge, judge_by};
use crate::policy::Policy;
use crate::registry::Registry;
use crate::rules;

const HOST: [&str; 11] = [
    "tcp/0.0.0.0:22 exe=/usr/sbin/sshd user=root unit=ssh.service",
    "tcp/[::]:22 exe=/usr/sbin/sshd user=root unit=ssh.service pid=4000",
    "tcp/0.0.0.0:80 exe=/usr/sbin/nginx user=root unit=nginx.service",
    "tcp/0.0.0.0:443 exe=/usr/sbin/nginx user=root unit=nginx.service",
    "tcp/127.0.0.1:6379 exe=/usr/bin/redis-server user=redis unit=redis.service",
    "tcp/10.0.0.5:9001 exe=/opt/app/bin/app uid=1500",
    "tcp/0.0.0.0:40001 exe=/usr/sbin/rpc.statd user=statd",
    "udp/0.0.0.0:40002 exe=/usr/sbin/chronyd user=_chrony",
    "tcp/0.0.0.0:3221 exe=/usr/sbin/mgd user=root",
    "tcp/127.0.0.1:4444 exe=/dev/shm/.x file=deleted user=www-data",
    "tcp/0.0.0.0:9999 nobody",
];

fn recorded(listeners: &[&str]) -> String {
    record(&judge(host(listeners), &Registry::builtin(), String::new()))
}

#[test]
fn a_host_is_written_for_review() {
    insta::assert_snapshot!(recorded(&HOST));
}

#[test]
fn the_same_host_gives_the_same_text_in_any_order() {
    let mut turned = HOST;
    turned.reverse();
    assert_eq!(recorded(&turned), recorded(&HOST));
}

#[test]
fn what_is_recorded_is_a_policy_that_expects_the_host() {
    let text = recorded(&HOST);
    let policy = Policy::parse(&[("recorded.toml".to_owned(), text.clone())], &|rule| rules::by_name(rule).is_some());
    let policy = Arc::new(policy.unwrap_or_else(|error| panic!("{error}\n{text}")));
    let report = judge_by(host(&HOST), &Registry::builtin(), Some(policy), String::new());
    let told: Vec<(&str, &str)> = report
        .findings
        .iter()
        .filter(|finding| finding.rule.theme == crate::finding::Theme::Policy)
        .filter_map(|finding| Some((finding.rule.name, report.listeners[finding.listener()?].endpoint.as_str())))
        .collect();
    assert_eq!(told, [("unexpected", "tcp/0.0.0.0:3221"), ("unexpected", "tcp/0.0.0.0:9999")], "{text}");
}

#[test]
fn a_name_cannot_leave_its_string() {
    let text = recorded(&["tcp/0.0.0.0:7000 exe=/opt/a\"b\\u{a}port user=x"]);
    let read =
        Policy::parse(&[("x".to_owned(), text.clone())], &|_| true).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(read.expects.is_empty(), "{text}");
    assert_eq!(quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000A\"");
}

#[test]
fn what_is_removed_takes_its_comment_along_and_nothing_else() {
    let text = "# head\nschema = 1\n\n# one\n[[expect]]\nport = 1\n\n# two\n# more\n[[expect]] # why\nport = 2\n\n\
                # kept\n[[forbid]]\nport = 3\n";
    assert_eq!(without(text, &[]), text);
    assert_eq!(without(text, &[0]), text.replace("# one\n[[expect]]\nport = 1\n\n", ""));
    assert_eq!(without(text, &[1]), text.replace("# two\n# more\n[[expect]] # why\nport = 2\n\n", ""));
    assert_eq!(without(text, &[0, 1]), "# head\nschema = 1\n\n# kept\n[[forbid]]\nport = 3\n");
}
