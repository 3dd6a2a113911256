use std::ffi::OsString;

use proptest::prelude::*;

use super::rewrite;
use crate::cli::{Parsed, Verb, parse};
use crate::error::Error;

/// Splits at blanks; what stands in single quotes is one word.
fn split(line: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        match at % 2 {
            1 => words.push(part.into()),
            _ => words.extend(part.split_whitespace().map(OsString::from)),
        }
    }
    words
}

fn rewritten(line: &str) -> String {
    let words = rewrite(split(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[test]
fn habits_become_our_spelling() {
    let cases = [
        // ss and netstat: clusters stay.
        ("", ""),
        ("-tulpn", "-tulpn"),
        ("-plnt", "-plnt"),
        ("-tulpno", "-tulpno"),
        ("-antop", "-antop"),
        ("-ano", "-ano"),
        ("-tuln", "-tuln"),
        ("-tulpen", "-tulpen"),
        ("-H -4 -t", "-H -4 -t"),
        ("-p tcp -an", "--tcp -an"),
        // The filters of ss.
        ("sport = :3220", ":3220"),
        ("sport eq 3220", ":3220"),
        ("sport == 3220", ":3220"),
        ("'sport = :3220'", ":3220"),
        ("'sport eq 3220'", ":3220"),
        ("sport=:3220", ":3220"),
        ("sport :3220", ":3220"),
        ("-tln sport = :3220", "-tln :3220"),
        ("sport = :3220 -tln", ":3220 -tln"),
        ("sport = :ssh", ":ssh"),
        ("sport ge :3000", ":3000-65535"),
        ("'sport > 3000'", ":3001-65535"),
        ("'sport < 1024'", ":1-1023"),
        ("'( sport = :22 or sport = :80 )'", ":22 :80"),
        ("( sport = :22 or sport = :80 )", ":22 :80"),
        ("'(sport=:22|sport=:80)'", ":22 :80"),
        ("( sport = :22 or sport = :80 ) and src 10.0.0.0/8", ":22 :80 10.0.0.0/8"),
        ("sport = :22 src 10.0.0.5", ":22 10.0.0.5"),
        ("src 10.0.0.5:22", "10.0.0.5:22"),
        ("src [::]:22", "[::]:22"),
        ("sport = :22 nginx", ":22 nginx"),
        ("-tn state listening", "-tn"),
        ("state listening sport = :22", ":22"),
        ("'( state listening and sport = :22 )' nginx", ":22 nginx"),
        // Names that only look like filters.
        ("state", "state"),
        ("src", "src"),
        ("'(sd-pam)'", "(sd-pam)"),
        ("dev", "dev"),
        // lsof.
        ("-i", ""),
        ("-i :3220", ":3220"),
        ("-i:3220", ":3220"),
        ("-i 3220", "3220"),
        ("-i tcp", "--tcp"),
        ("-i TCP:3220", "tcp/3220"),
        ("-iTCP:3220 -sTCP:LISTEN", "tcp/3220"),
        ("-iTCP -s TCP:LISTEN -nP", "-n --tcp"),
        ("-nP -iTCP:3220 -sTCP:LISTEN", "-n tcp/3220"),
        ("-nPi :3220", "-n :3220"),
        ("-i4", "-4"),
        ("-i6", "-6"),
        ("-i 4", "-4"),
        ("-i4TCP:22", "-4 tcp/22"),
        ("-i 443", "443"),
        ("-i :22,80", ":22 :80"),
        ("-iTCP:3000-3999", "tcp/3000-3999"),
        ("-i :ssh", ":ssh"),
        ("-iTCP:ssh", "tcp/ssh"),
        ("-i @127.0.0.1:22", "127.0.0.1:22"),
        ("-i TCP@127.0.0.1:22", "tcp/127.0.0.1:22"),
        ("-i @[::1]:22", "[::1]:22"),
        ("-i @127.0.0.1", "127.0.0.1"),
        ("-i :22 -i udp", ":22 udp/1-65535"),
        ("-iTCP -iUDP", "--tcp --udp"),
        ("-i4 -i6", ""),
        ("-i :22 -i", ""),
        ("-P", ""),
        ("-P -n", "-n"),
        ("-p 1234", "pid:1234"),
        ("-p 1,2", "pid:1 pid:2"),
        ("-p1234", "pid:1234"),
        ("-p sshd", "-p sshd"),
        ("-p -t", "-p -t"),
        ("-p4", "-p4"),
        ("-nPp 1234", "pid:1234 -n"),
        ("-Pnp1234,1", "pid:1234 pid:1 -n"),
        ("-np 22", "-np 22"),
        ("-tulp 22", "-tulp 22"),
        ("-tulpni", "-tulpn"),
        ("-u root", "-u root"),
        // Verbs.
        ("list ssh", "list ssh"),
        ("list rules", "list rules"),
        ("-t list ssh", "list -t ssh"),
        ("--json rules", "rules --json"),
        ("--output list", "--output list"),
        ("nginx rules", "nginx rules"),
        ("explain -i", "explain -i"),
        ("-N blue", "--net blue"),
        ("-Nblue 22", "--net blue 22"),
        ("-tulpnN blue 22", "--net blue -tulpn 22"),
        ("-N list 22", "--net list 22"),
        ("--net=blue 22", "--net=blue 22"),
        ("--net blue 22", "--net blue 22"),
        ("-sTCP:LISTEN 22", "22"),
        ("explain -N blue 22", "explain -N blue 22"),
        ("explain list", "explain list"),
        ("list audit", "list audit"),
        ("help", "--help"),
        ("help rules", "rules --help"),
        ("-tulpn --help", "--help"),
        ("-- rules", "-- rules"),
        ("-i :22 -- rules", ":22 -- rules"),
        ("--from -tulpn", "--from -tulpn"),
    ];
    for (line, want) in cases {
        assert_eq!(rewritten(line), want, "earmark {line}");
        // What is rewritten is a command line of ours.
        if !line.contains("--help")
            && !line.starts_with("help")
            && !matches!(line, "--output list" | "explain -i" | "--from -tulpn")
        {
            parse(split(line)).unwrap_or_else(|error| panic!("earmark {line}: {error}: {}", error.hint()));
        }
    }
}

#[test]
fn what_is_not_taken_over_is_refused_with_a_sentence() {
    let cases = [
        ("-r", "resolves"),
        ("--resolve", "resolves"),
        ("-tulpr", "resolves"),
        ("-K", "kills"),
        ("--kill", "kills"),
        ("-E", "events"),
        ("-s", "statistics"),
        ("-tus", "statistics"),
        ("-m", "memory"),
        ("-Z", "contexts"),
        ("-W", "-W"),
        ("-N", "namespace"),
        ("-tN", "namespace"),
        ("-c nginx", "word"),
        ("-f inet", "-4"),
        ("-A inet", "-4"),
        ("-y", "no flag -y"),
        ("-p ^1234", "leaves"),
        ("-sTCP:ESTABLISHED", "state"),
        ("-s UDP:Idle", "state"),
        ("-in", "-in"),
        ("-i @localhost:22", "resolves"),
        ("-i :", "port"),
        ("-ti:3220", "process ids"),
        ("-i4:22 -i6:80", "families"),
        ("-i @127.0.0.1 -i :80", "address"),
        ("state established", "state"),
        ("state listening or sport = :22", "`or`"),
        ("dst 10.0.0.1", "peer"),
        ("dport = :22", "peer"),
        ("sport != :22", "leaves"),
        ("not sport = :22", "leaves"),
        ("! ( sport = :22 )", "leaves"),
        ("sport = :22 or src 10.0.0.5", "`or`"),
        ("sport ge :22 and sport le :80", "`and`"),
        ("'( sport = :22'", "`)`"),
        ("'sport = :22 )'", "after the end"),
        ("sport", "port"),
        ("sport =", "port"),
        ("sport gt ssh", "no port"),
        ("src = :22 sport", "port"),
        ("dev = eth0", "dev"),
        ("baseline", "no verb"),
        ("-q watch", "no verb"),
        ("--policy x", "no flag --policy"),
        ("--root / --from x", "--root and --from"),
        ("--from x --root /", "--from and --root"),
        ("--root / --root /", "only once"),
        ("--root", "after --root"),
        ("--from", "after --from"),
        ("--color pink", "auto, always, never"),
        ("-U", "-x"),
        ("--format prom", "table, plain, csv, json"),
        ("--format ndjson", "table, plain, csv, json"),
        ("--format", "table, plain, csv, json"),
        ("rules --format csv", "table, json"),
        ("explain 22 --format plain", "table, json"),
        ("explain", "needs WHAT"),
        ("capture --from x", "--from"),
        ("capture --json", "formats"),
        ("schema --format csv", "formats"),
        ("--from", "needs a value"),
        ("--redact", "no flag --redact"),
        ("--timeout 0", "86400"),
        ("--timeout x", "--timeout"),
        ("man x", "`x`"),
        ("completions tcsh", "tcsh"),
        ("--cron", "no flag --cron"),
    ];
    for (line, want) in cases {
        let Err(error) = parse(split(line)) else { panic!("earmark {line}: not refused") };
        assert!(matches!(error, Error::Usage { .. }), "earmark {line}: {error:?}");
        let text = format!("{error}\n{}", error.hint());
        assert!(text.contains(want), "earmark {line}: {text}");
        assert!(!error.to_string().contains('\n') && !error.to_string().is_empty(), "earmark {line}: {text}");
        assert!(!error.hint().is_empty(), "earmark {line}: {text}");
    }
}

#[test]
fn only_the_first_word_is_a_verb() {
    for (line, want) in [("nginx rules", &["nginx", "rules"][..]), ("-t list rules", &["rules"]), ("-- man", &["man"])]
    {
        let Ok(Parsed::Run(verb)) = parse(split(line)) else { panic!("{line}: not parsed") };
        let Verb::List(list) = *verb else { panic!("{line}: not list") };
        assert_eq!(list.query, want, "{line}");
    }
}

#[test]
fn clusters_choose_what_ss_lets_them_choose() {
    let Ok(Parsed::Run(verb)) = parse(split("-tulpen4 22")) else { panic!("not parsed") };
    let Verb::List(list) = *verb else { panic!("not list") };
    assert!(list.habit.tcp && list.habit.udp && list.habit.extended && list.habit.ipv4);
    assert!(!list.habit.all && !list.habit.unix);
    assert_eq!(list.query, ["22"]);
}

proptest! {
    #[test]
    fn nothing_on_a_command_line_makes_it_panic(
        words in proptest::collection::vec("(-{0,2}[a-zA-Z0-9=:,@^]{0,6}|sport|src|=|or|and|\\(|\\)|:22|list|-i|-p|-s|\\PC{0,8})", 0..8)
    ) {
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let _ = parse(words);
    }
}
