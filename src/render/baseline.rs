//! Expectations as a policy file that people review and keep in git.

use std::io::{self, BufWriter, Write};

use super::words::printable;
use crate::baseline::{Entry, Place};

/// Writes expectations as a policy file; those with a doubt stand behind `#`, after the doubt. `gaps` is what could not
/// be seen.
pub fn baseline(entries: &[Entry], hostname: &str, gaps: &[String], out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    writeln!(
        out,
        "# What listens on {}, for review: what should not be here goes, the rest may go into",
        printable(hostname)
    )?;
    writeln!(out, "# /etc/earmark/policy.d. What stands behind # looks wrong, or names no owner.")?;
    writeln!(out, "# Ephemeral sockets of UDP are left out: they wait for answers, and no policy looks at them.")?;
    for gap in gaps {
        writeln!(out, "# not seen: {}", printable(gap))?;
    }
    writeln!(out, "schema = 1")?;
    for entry in entries {
        writeln!(out)?;
        for doubt in &entry.doubts {
            writeln!(out, "# {}", printable(doubt))?;
        }
        let mark = if entry.doubts.is_empty() { "" } else { "# " };
        writeln!(out, "{mark}[[expect]]")?;
        for (key, value) in keys(entry) {
            writeln!(out, "{mark}{key} = {value}")?;
        }
    }
    out.flush()
}

/// A string as TOML has it. Every character of it prints, so that no other needs an escape.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn keys(entry: &Entry) -> Vec<(&'static str, String)> {
    let Place { transport, ports, interface, netns, exe, user, uid, unit, user_unit, container } = &entry.place;
    let mut keys = vec![("id", quoted(&entry.id)), ("transport", quoted(transport.name()))];
    keys.extend(ports.map(|(first, last)| match first == last {
        true => ("port", first.to_string()),
        false => ("port", quoted(&format!("{first}-{last}"))),
    }));
    let addresses: Vec<String> = entry.addresses.iter().map(|address| quoted(address)).collect();
    match addresses.as_slice() {
        [] => {}
        [one] => keys.push(("address", one.clone())),
        many => keys.push(("address", format!("[{}]", many.join(", ")))),
    }
    let texts = [("interface", interface), ("netns", netns), ("exe", exe), ("user", user)];
    let more = [("unit", unit), ("user_unit", user_unit), ("container", container)];
    let of = |(key, text): (&'static str, &Option<String>)| Some((key, quoted(text.as_ref()?)));
    keys.extend(texts.into_iter().filter_map(of));
    keys.extend(uid.map(|uid| ("uid", uid.to_string())));
    keys.extend(more.into_iter().filter_map(of));
    keys
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::baseline::entries;
    use crate::judge::{judge, judge_by, sample};
    use crate::model::{Snapshot, Text};
    use crate::policy::{Fallback, Loopback, Policy};
    use crate::registry::Registry;

    fn recorded(snapshot: Snapshot) -> String {
        let report = judge(snapshot, &Registry::builtin(), "run".to_owned());
        let mut out = Vec::new();
        baseline(&entries(&report), "web1", &[], &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    fn policy(text: &str) -> Policy {
        Policy::parse(&[("baseline.toml".to_owned(), text.to_owned())], &|_| true)
            .unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    const HOST: [&str; 14] = [
        "tcp/0.0.0.0:22 exe=/usr/sbin/sshd unit=ssh.service",
        "tcp/[::]:22 exe=/usr/sbin/sshd unit=ssh.service",
        "tcp/127.0.0.1:25 exe=/usr/lib/postfix/sbin/master unit=postfix@-.service",
        "tcp/[::1]:25 exe=/usr/lib/postfix/sbin/master unit=postfix@-.service",
        "tcp/10.0.0.5:9100 exe=/usr/bin/prometheus-node-exporter user=prometheus uid=120 unit=exporter.service",
        "tcp/127.0.0.1:631 exe=/usr/bin/tool user= uid=4711 unit=session-4.scope",
        "tcp/0.0.0.0:53000 exe=/usr/sbin/rpc.statd user=statd uid=105",
        "udp/0.0.0.0:53017 exe=/usr/sbin/rpc.statd user=statd uid=105",
        "udp/0.0.0.0%eth0:68 exe=/usr/sbin/dhclient",
        "tcp/0.0.0.0:3221 exe=/usr/sbin/mgd",
        "tcp/0.0.0.0:8080 exe=/home/bob/x user=bob uid=1000 writable",
        "tcp/0.0.0.0:8081 exe=/usr/sbin/a file=foreign container=docker:web",
        "tcp/0.0.0.0:8082 exe=/usr/sbin/\\u{1b}[2Kb",
        "udp/0.0.0.0:4789 kernel=vxlan",
    ];

    #[test]
    fn a_host_is_written_for_review() {
        let text = recorded(sample::host(&HOST));
        insta::assert_snapshot!("baseline", text);
        // It needs no pid, and comes the same from the same host in any order.
        let mut turned = HOST;
        turned.reverse();
        assert_eq!(recorded(sample::host(&turned)), text);
        let later = HOST
            .map(|listener| format!("{listener}{}", if listener.contains("exe=") { " pid=7000 start=99" } else { "" }));
        assert_eq!(recorded(sample::host(&later.each_ref().map(String::as_str))), text);
    }

    #[test]
    fn what_was_recorded_is_expected() {
        let mut policy = policy(&recorded(sample::host(&HOST)));
        assert_eq!(policy.lints(crate::model::Timestamp(0)), []);
        policy.settings.default = Fallback::Deny;
        policy.settings.loopback = Loopback::Enforce;
        let report = judge_by(sample::host(&HOST), &Registry::builtin(), Some(Arc::new(policy)), "run".to_owned());
        let of = |rule: &str| {
            let found = report.findings.iter().filter(|finding| finding.rule.name == rule);
            let mut ports: Vec<u32> =
                found.filter_map(|finding| report.listeners[finding.listener()?].socket.port()).collect();
            ports.sort_unstable();
            ports
        };
        // All but what stands behind #.
        assert_eq!(of("unexpected"), [3221, 4789, 8080, 8081, 8082]);
        assert_eq!(of("policy-mismatch"), [0u32; 0]);
        // Somebody else at an expected place is not.
        let other = sample::host(&["tcp/0.0.0.0:22 exe=/usr/bin/python3 unit=ssh.service"]);
        let policy = self::policy(&recorded(sample::host(&HOST)));
        let report = judge_by(other, &Registry::builtin(), Some(Arc::new(policy)), "run".to_owned());
        assert!(report.findings.iter().any(|finding| finding.rule.name == "policy-mismatch"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_name_leaves_a_policy(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut snapshot = sample::host(&HOST);
            for process in &mut snapshot.processes {
                process.exe = Some(Text::new([b"/", &bytes[..]].concat()));
                process.user = Some(Text::new(bytes.clone()));
                process.unit = Some(Text::new(bytes.clone()));
            }
            let text = recorded(snapshot);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            policy(&text);
        }
    }
}
