//! What changed since the last run, for eyes: before anything else, since that is why somebody is written to.

use std::io::{self, BufWriter, Write};

use super::Screen;
use super::words::{count, paint, printable, process_name, severity_style, wrap};
use crate::finding::{Finding, Severity};
use crate::report::Report;
use crate::state::{Change, News};

/// The most lines of one kind: whoever opens sockets must not fill a mailbox.
const MOST: usize = 50;

/// Writes what changed, and an empty line. Nothing is said of what did not; the first run says that it is the first.
pub fn news(report: &Report, news: &News, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut page = Page { screen, lines: Vec::new() };
    match news.since {
        None => page.say(None, &format!("first audit: {} remembered", count(report.listeners.len(), "listener"))),
        Some(since) => {
            page.say(None, &format!("changes since {since}:"));
            changes(report, news, &mut page);
        }
    }
    for line in &page.lines {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    out.flush()
}

fn changes(report: &Report, news: &News, page: &mut Page<'_>) {
    let new = news.findings.iter().map(|at| &report.findings[*at]);
    page.list(new.map(|finding| (Some(finding.severity), format!("new finding: {}", told(report, finding)))));
    page.list(news.graver.iter().map(|(at, was)| {
        let finding = &report.findings[*at];
        (Some(finding.severity), format!("graver, was {}: {}", was.name(), told(report, finding)))
    }));
    page.list(news.overdue.iter().map(|at| {
        let finding = &report.findings[*at];
        (Some(finding.severity), format!("still there: {}", told(report, finding)))
    }));
    page.list(news.gone_findings.iter().map(|gone| {
        let place = gone.endpoint.as_ref().map(|endpoint| format!("{endpoint} ")).unwrap_or_default();
        (None, format!("finding gone: {place}[{}, {}]", gone.severity.name(), gone.rule))
    }));
    page.list(news.listeners.iter().map(|at| (None, format!("new listener: {}", listener(report, *at)))));
    page.list(news.changed.iter().map(|(at, change)| {
        let was = match change {
            Change::Owner(Some(exe)) => format!("another owner, was {exe}"),
            Change::Owner(None) => "another owner, was without an executable".to_owned(),
            Change::Endpoint(endpoint) => format!("another address, was {endpoint}"),
        };
        (None, format!("{was}: {}", listener(report, *at)))
    }));
    page.list(news.gone.iter().map(|gone| {
        let exe = gone.exe.as_ref().map(|exe| format!(" {exe}")).unwrap_or_default();
        (None, format!("listener gone: {}{exe}", gone.endpoint))
    }));
    page.list(news.unmet.iter().map(|unmet| (None, unmet.clone())));
    page.list(news.sight.iter().map(|change| (None, format!("this run sees otherwise: {change}"))));
    if !news.uncovered.is_empty() {
        let number = count(news.uncovered.len(), "listener");
        page.say(None, &format!("  {number} that the last run could not have seen, and so perhaps not new"));
    }
    if news.out_of_sight > 0 {
        page.say(None, &format!("  {} of the last run that this one could not see", news.out_of_sight));
    }
}

fn told(report: &Report, finding: &Finding) -> String {
    let place = match finding.listener() {
        Some(at) => format!("{}: ", listener(report, at)),
        None => String::new(),
    };
    format!("{place}{} [{}, {}]", finding.message, finding.severity.name(), finding.rule.name)
}

fn listener(report: &Report, at: usize) -> String {
    let listener = &report.listeners[at];
    let owner = report.first_owner(listener).and_then(process_name);
    owner.map_or_else(|| listener.endpoint.clone(), |owner| format!("{} {owner}", listener.endpoint))
}

struct Page<'a> {
    screen: &'a Screen,
    lines: Vec<String>,
}

impl Page<'_> {
    fn say(&mut self, severity: Option<Severity>, text: &str) {
        let style = severity.map(severity_style).unwrap_or_default();
        for line in wrap(&printable(text), self.screen.width.map(usize::from)) {
            self.lines.push(paint(&line, style, self.screen.color));
        }
    }

    fn list(&mut self, entries: impl ExactSizeIterator<Item = (Option<Severity>, String)>) {
        let more = entries.len().saturating_sub(MOST);
        for (severity, text) in entries.take(MOST) {
            self.say(severity, &format!("  {text}"));
        }
        if more > 0 {
            self.say(None, &format!("  and {more} more like these"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::model::{Text, Timestamp};
    use crate::state::{Gone, GoneFinding};

    fn page(report: &Report, what: &News, width: Option<u16>) -> String {
        let mut out = Vec::new();
        news(report, what, &Screen { width, color: false }, &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn every_kind_of_change_is_told() {
        let report = sample::router();
        let exe = Some("/usr/sbin/old".to_owned());
        let everything = News {
            since: Some(Timestamp(1_795_129_200_000)),
            findings: vec![0],
            graver: vec![(1, Severity::Low)],
            overdue: vec![2],
            gone_findings: vec![
                GoneFinding { rule: "sk-lookup".into(), severity: Severity::Medium, endpoint: None },
                GoneFinding {
                    rule: "wildcard-bind".into(),
                    severity: Severity::Low,
                    endpoint: Some("tcp/0.0.0.0:80".into()),
                },
            ],
            listeners: vec![0],
            uncovered: vec![1, 2],
            changed: vec![
                (3, Change::Owner(exe.clone())),
                (4, Change::Owner(None)),
                (5, Change::Endpoint("tcp/127.0.0.1:830".into())),
            ],
            gone: vec![
                Gone { endpoint: "tcp/0.0.0.0:79".into(), exe },
                Gone { endpoint: "udp/0.0.0.0:69".into(), exe: None },
            ],
            out_of_sight: 3,
            sight: vec!["it lacks cap_sys_ptrace".to_owned()],
            unmet: vec!["required and not seen: the table udp could not be read whole".to_owned()],
            ..News::default()
        };
        assert!(everything.is_worth_telling());
        let first = News { since: None, ..News::default() };
        insta::assert_snapshot!("news", page(&report, &everything, None) + &page(&report, &first, Some(40)));
    }

    #[test]
    fn a_flood_is_counted() {
        let report = sample::router();
        let flood = News { since: Some(Timestamp(0)), listeners: vec![0; 1234], ..News::default() };
        let page = page(&report, &flood, None);
        assert!(page.lines().count() < MOST + 5 && page.contains("and 1184 more like these"), "{page}");
    }

    #[test]
    fn a_hostile_name_stays_text() {
        let report = sample::hostile(&Text::from("\x1b[2K\nroot"));
        let bad = Some("\x1b]0;x\x07".to_owned());
        let what = News {
            since: Some(Timestamp(0)),
            listeners: vec![0],
            findings: vec![0, 1],
            gone: vec![Gone { endpoint: "\u{202e}".into(), exe: bad }],
            ..News::default()
        };
        let page = page(&report, &what, None);
        assert!(!page.contains(['\x1b', '\x07', '\u{202e}']) && page.lines().count() == 6, "{page}");
    }
}
