//! Run after run over hosts of which not everything can be seen.

use super::coverage::Lack;
use super::{News, Remind, State, compare, next};
use crate::judge::judge;
use crate::judge::sample::host;
use crate::model::{TableRead, TableStatus, Timestamp};
use crate::registry::Registry;
use crate::report::Report;

const MINUTE: i64 = 60 * 1000;
const HOUR: i64 = 60 * MINUTE;
const WEEK: i64 = 7 * 24 * HOUR;
const START: i64 = 1_795_215_600_000;

fn report(udp: TableStatus) -> Report {
    let mut snapshot = host(&["tcp/127.0.0.1:22 exe=/usr/sbin/sshd unit=ssh.service"]);
    let table = |table, status| TableRead { table, netns: 0, status, source: None, lacks: &[], error: None };
    snapshot.tables = vec![table("tcp", TableStatus::Read), table("udp", udp)];
    judge(snapshot, &Registry::builtin(), "0123456789abcdef0123456789abcdef".to_owned())
}

fn lack(coverage: &str, cause: &str, told: &str) -> Lack {
    Lack { coverage: coverage.to_owned(), cause: cause.to_owned(), told: told.to_owned() }
}

/// A host that is audited again and again.
struct Cron {
    state: Option<State>,
    now: i64,
}

impl Cron {
    fn new() -> Self {
        Self { state: None, now: START }
    }

    /// The next run, so much later: what it tells of its coverage, where it tells anything.
    fn run(&mut self, later: i64, report: &Report, unmet: &[Lack]) -> Vec<String> {
        self.now += later;
        let now = Timestamp(self.now);
        let news: News = compare(self.state.as_ref(), report, unmet, now, &Remind::default());
        let told = news.is_worth_telling();
        assert_eq!(told, news.since.is_none() || !(news.sight.is_empty() && news.unmet.is_empty()), "{news:?}");
        let state = next(self.state.as_ref(), report, &news, now, told);
        assert_eq!(State::decode(&state.encode()).as_ref(), Ok(&state));
        self.state = Some(state);
        [news.unmet, news.sight].concat()
    }
}

const LOST: &str = "it no longer reads the udp tables of host namespaces whole";
const BACK: &str = "it reads the udp tables of host namespaces whole, as the last did not";

#[test]
fn what_is_required_and_missing_is_told_at_once_and_again_after_a_time() {
    let (whole, mut cron) = (report(TableStatus::Read), Cron::new());
    let owners = |count: u32| [lack("owners", "owners", &format!("the owners of {count} listeners are not known"))];
    assert!(cron.run(HOUR, &whole, &[]).is_empty());
    assert_eq!(cron.run(HOUR, &whole, &owners(3)), ["required and not seen: the owners of 3 listeners are not known"]);
    // More of the same is no news, and silence has an end.
    let mut told = Vec::new();
    for hour in 1..=3 * WEEK / HOUR {
        let words = cron.run(HOUR, &whole, &owners(4 + (hour % 5) as u32));
        told.extend((!words.is_empty()).then_some((hour * HOUR, words)));
    }
    assert_eq!(told.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [WEEK, 2 * WEEK, 3 * WEEK]);
    assert!(
        told.iter().all(|(_, words)| words[0].starts_with("required and still not seen: the owners of ")),
        "{told:?}"
    );
    assert_eq!(cron.run(HOUR, &whole, &[]), ["required and seen again: owners"]);
    assert!(cron.run(HOUR, &whole, &[]).is_empty());
}

#[test]
fn what_is_missing_from_the_first_run_on_is_told_again_too() {
    let (whole, mut cron) = (report(TableStatus::Read), Cron::new());
    let owners = [lack("owners", "owners", "nobody is known")];
    cron.run(0, &whole, &owners);
    assert!(cron.run(WEEK - 1, &whole, &owners).is_empty());
    assert_eq!(cron.run(1, &whole, &owners), ["required and still not seen: nobody is known"]);
    // A clock that was set back silences nothing.
    assert_eq!(cron.run(-2 * WEEK, &whole, &owners), ["required and still not seen: nobody is known"]);
}

#[test]
fn another_reason_is_told_and_is_no_end() {
    let (whole, mut cron) = (report(TableStatus::Read), Cron::new());
    cron.run(HOUR, &whole, &[lack("udp", "udp unreadable", "udp: EPERM")]);
    assert_eq!(
        cron.run(HOUR, &whole, &[lack("udp", "udp6 unstable", "udp6: it changed")]),
        ["required and not seen: udp6: it changed"]
    );
    assert_eq!(cron.run(HOUR, &whole, &[]), ["required and seen again: udp"]);
    // Of a state from before such things were remembered it is told once.
    let mut older = Cron::new();
    older.run(HOUR, &whole, &[]);
    let text = String::from_utf8(older.state.as_ref().expect("a state").encode()).expect("UTF-8");
    let without = text.replace("\"lacks\":[],", "");
    assert_ne!(text, without);
    older.state = Some(State::decode(without.as_bytes()).expect("a state"));
    assert_eq!(older.run(HOUR, &whole, &[lack("udp", "x", "y")]), ["required and not seen: y"]);
}

#[test]
fn a_table_that_is_unstable_now_and_then_is_told_at_first_and_once_in_a_while() {
    let (whole, torn) = (report(TableStatus::Read), report(TableStatus::Unstable));
    let unmet = [lack("udp", "udp unstable", "the table udp could not be read whole")];
    let mut cron = Cron::new();
    cron.run(0, &whole, &[]);
    assert_eq!(cron.run(HOUR, &torn, &unmet), ["required and not seen: the table udp could not be read whole", LOST]);
    assert_eq!(cron.run(HOUR, &whole, &[]), ["required and seen again: udp", BACK]);
    let (mut told, runs) = (0, 4 * WEEK / HOUR);
    for run in 0..runs {
        let words = if run % 2 == 0 { cron.run(HOUR, &torn, &unmet) } else { cron.run(HOUR, &whole, &[]) };
        told += u32::from(!words.is_empty());
    }
    // It is told that it is gone, and that it is back, once a week.
    assert!((6..=8).contains(&told), "{told} of {runs} runs");
    // What lasts is told with the second run, whatever came before.
    let mut cron = Cron::new();
    cron.run(0, &whole, &[]);
    for (table, unmet) in [(&torn, &unmet[..]), (&whole, &[])] {
        assert!(!cron.run(HOUR, table, unmet).is_empty());
    }
    assert!(cron.run(HOUR, &torn, &unmet).is_empty());
    assert_eq!(cron.run(HOUR, &torn, &unmet), ["required and not seen: the table udp could not be read whole", LOST]);
    assert!(cron.run(HOUR, &torn, &unmet).is_empty());
    // What came and went long ago is new.
    let mut cron = Cron::new();
    for (table, later) in [(&whole, 0), (&torn, HOUR), (&whole, HOUR), (&whole, WEEK)] {
        cron.run(later, table, &[]);
    }
    assert!(cron.state.as_ref().expect("a state").lacks.is_empty());
    assert_eq!(cron.run(HOUR, &torn, &[]), [LOST]);
}

#[test]
fn no_loss_is_silent_for_good() {
    // Whatever the pattern of runs: within the time of a reminder and a run a required loss that goes on is told.
    let (whole, torn) = (report(TableStatus::Read), report(TableStatus::Unstable));
    let unmet = [lack("udp", "udp unstable", "x")];
    for pattern in (1u32..256).step_by(3) {
        let mut cron = Cron::new();
        cron.run(0, &whole, &[]);
        let mut last_word = cron.now;
        for run in 0..120 {
            let missing = pattern >> (run % 8) & 1 == 1;
            let words = cron.run(4 * HOUR, if missing { &torn } else { &whole }, if missing { &unmet } else { &[] });
            if words.iter().any(|word| word.ends_with("not seen: x")) {
                last_word = cron.now;
            }
            assert!(cron.now - last_word <= WEEK + 8 * 4 * HOUR, "pattern {pattern:08b}, run {run}");
        }
    }
}
