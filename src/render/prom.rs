//! Metrics in the text format of Prometheus, for the textfile collector of its node_exporter.
//!
//! Labels have values of ours alone: a name of the system in one would let whoever chooses it make series without end.
//! Every series of a set is there with each run, since one that is absent fires no alert.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use super::View;
use crate::finding::{RuleInfo, Severity, Status};
use crate::model::{Scope, Transport};
use crate::report::Report;

/// What findings are called of which no state says whether they are new.
const UNKNOWN: &str = "unknown";

const TRANSPORTS: [Transport; 9] = [
    Transport::Tcp,
    Transport::Udp,
    Transport::UdpLite,
    Transport::Sctp,
    Transport::Dccp,
    Transport::Raw,
    Transport::Packet,
    Transport::Vsock,
    Transport::Unix,
];

const EXPOSURES: [Scope; 7] =
    [Scope::Local, Scope::Loopback, Scope::LinkLocal, Scope::Private, Scope::Multicast, Scope::Public, Scope::Wildcard];

/// Writes the metrics. `rules` are all that may fire, `took` is how long the run took where that is known. A stable view
/// has neither time.
pub fn prom(
    report: &Report,
    rules: &[&RuleInfo],
    took: Option<Duration>,
    view: &View,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut metric = Metric { out: &mut out };
    let listeners = &report.listeners;
    metric.head("earmark_listeners", "Sockets that can receive, by transport and by who can reach them.")?;
    for transport in TRANSPORTS {
        for exposure in EXPOSURES {
            let here = listeners.iter().filter(|l| l.socket.transport == transport && l.exposure == exposure);
            let labels = [("transport", transport.name()), ("exposure", exposure.name())];
            metric.sample("earmark_listeners", &labels, here.count())?;
        }
    }
    let status = |status: Option<Status>| status.map_or(UNKNOWN, Status::name);
    metric.head("earmark_findings", "Findings, by severity, and whether the last run told of them.")?;
    for severity in Severity::ALL {
        for known in [Some(Status::New), Some(Status::Known), Some(Status::Suppressed), None] {
            let here = report.findings.iter().filter(|f| f.severity == severity && f.status == known);
            let labels = [("severity", severity.name()), ("status", status(known))];
            metric.sample("earmark_findings", &labels, here.count())?;
        }
    }
    metric.head("earmark_rule_findings", "Findings that no suppression names, by rule and severity.")?;
    for rule in rules {
        for severity in Severity::ALL {
            let told = report.findings.iter().filter(|f| f.status != Some(Status::Suppressed));
            let here = told.filter(|f| f.rule.name == rule.name && f.severity == severity);
            let labels = [("rule", rule.name), ("severity", severity.name())];
            metric.sample("earmark_rule_findings", &labels, here.count())?;
        }
    }
    let summary = report.summary();
    let one = |name, help, value: &dyn std::fmt::Display, metric: &mut Metric<'_>| {
        metric.head(name, help)?;
        metric.sample(name, &[], value)
    };
    one("earmark_unattributed_listeners", "Sockets whose owner is not known.", &summary.unattributed, &mut metric)?;
    one(
        "earmark_coverage_complete",
        "1 where every table could be read and every process looked into.",
        &u8::from(report.is_complete()),
        &mut metric,
    )?;
    one("earmark_gaps", "Things that the run could not see.", &report.gaps.len(), &mut metric)?;
    one(
        "earmark_exit_code",
        "How the run ended: 0 below the thresholds, 1 warning, 2 critical, 3 could not tell.",
        &(report.exit as u8),
        &mut metric,
    )?;
    if !view.stable {
        let at = Seconds(report.taken_at.0);
        one("earmark_last_run_timestamp_seconds", "When the host was looked at.", &at, &mut metric)?;
        if let Some(took) = took {
            let took = Seconds(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
            one("earmark_run_duration_seconds", "How long the run took.", &took, &mut metric)?;
        }
    }
    out.flush()
}

/// The series of one name.
struct Metric<'a> {
    out: &'a mut dyn Write,
}

impl Metric<'_> {
    fn head(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge")
    }

    /// No value of a label holds a quote, a backslash or a newline: they are names of ours.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) -> io::Result<()> {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        match labels.is_empty() {
            true => writeln!(self.out, "{name} {value}"),
            false => writeln!(self.out, "{name}{{{}}} {value}", labels.join(",")),
        }
    }
}

/// Milliseconds, shown as seconds.
struct Seconds(i64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let milliseconds = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:03}", milliseconds / 1000, milliseconds % 1000)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::sample;
    use super::*;
    use crate::model::Text;

    const RULES: [&RuleInfo; 3] = [&sample::CLEARTEXT, &sample::MISMATCH, &sample::UNAUTHENTICATED];

    fn metrics(report: &Report) -> String {
        let mut out = Vec::new();
        let took = Some(Duration::from_millis(41));
        prom(report, &RULES, took, &View::default(), &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn metrics_of_a_router() {
        let mut router = sample::router();
        for (finding, status) in router.findings.iter_mut().zip([Status::New, Status::Known, Status::Suppressed]) {
            finding.status = Some(status);
        }
        insta::assert_snapshot!("router_prom", metrics(&router));
    }

    #[test]
    fn a_stable_view_has_no_times() {
        let mut out = Vec::new();
        let view = View { stable: true, ..View::default() };
        prom(&sample::router(), &RULES, None, &view, &mut out).expect("memory takes everything");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(!text.contains("seconds") && text.contains("earmark_exit_code 2\n"), "{text}");
    }

    #[test]
    fn every_host_has_the_same_series_and_no_name_of_its_own() {
        let series = |report: &Report| -> BTreeSet<String> {
            metrics(report).lines().map(|line| line.rsplit_once(' ').expect("a value").0.to_owned()).collect()
        };
        let of_router = series(&sample::router());
        for report in [sample::server(), sample::nobody(), sample::hostile(&Text::from("ev\"il\n\\{x=\"1\"} 5"))] {
            assert_eq!(series(&report), of_router);
        }
    }

    #[test]
    fn every_listener_and_finding_is_counted_once() {
        for report in [sample::server(), sample::router(), sample::local(), sample::containers(), sample::nobody()] {
            let sum = |name: &str| -> usize {
                let text = metrics(&report);
                let of = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
                of.map(|line| line.rsplit_once(' ').expect("a value").1.parse::<usize>().expect("a number")).sum()
            };
            assert_eq!(sum("earmark_listeners"), report.listeners.len());
            assert_eq!(sum("earmark_findings"), report.findings.len());
            assert_eq!(sum("earmark_rule_findings"), report.findings.len());
        }
    }
}
