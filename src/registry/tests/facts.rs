//! Rules that every entry keeps. Each is shown to fail on a file that breaks it.

use super::super::closed::{CLASSES, CONFIDENCES, PLANES, SEVERITIES, TRANSPORTS};
use super::super::program::{Role, canonical, role};
use super::super::schema::{File, Service, Weakness};
use super::{file, parse};

/// The levels for public, lan and loopback that a class may have. The head of `port-registry.toml` says why.
const RUBRIC: [(&str, &[&str]); 5] = [
    (
        "unauthenticated-control",
        &[
            "critical/critical/medium",
            "critical/critical/low",
            "critical/high/low",
            "high/medium/low",
            "high/medium/info",
            "critical/medium/info",
            "high/low/info",
        ],
    ),
    ("cleartext-credentials", &["critical/high/info", "high/medium/info"]),
    ("weak-or-obsolete-crypto", &["critical/high/info", "high/medium/info", "medium/low/info"]),
    ("cleartext-disclosure", &["medium/low/info", "high/medium/info", "high/low/info"]),
    (
        "conditional",
        &["high/high/low", "high/high/info", "high/medium/info", "medium/low/info", "low/info/info", "high/low/info"],
    ),
];

/// What breaks a rule, one line each.
fn broken(file: &File) -> Vec<String> {
    let mut broken = Vec::new();
    let services = &file.services;
    let key = |service: &Service| (service.first, service.transport, service.name.clone());
    for pair in services.windows(2).filter(|pair| key(&pair[0]) >= key(&pair[1])) {
        broken.push(format!("order: {} stands behind {}", pair[1].name, pair[0].name));
    }
    if !file.clashes.is_sorted_by(|a, b| (a.first, a.transport) < (b.first, b.transport)) {
        broken.push("order: clashes".into());
    }
    if !file.historical.is_sorted_by(|a, b| (a.first, a.transport) < (b.first, b.transport)) {
        broken.push("order: historical".into());
    }
    for service in services {
        let place = format!("{}/{} {}", TRANSPORTS[usize::from(service.transport)], service.first, service.name);
        let knowledge = |evidence: &[String]| evidence.iter().all(|one| one == "knowledge");
        if CONFIDENCES[usize::from(service.confidence)] == "high" && knowledge(&service.evidence) {
            broken.push(format!("confidence: {place} is sure by knowledge alone"));
        }
        let plane = service.plane.map(|plane| PLANES[usize::from(plane)]);
        if plane.is_some_and(|plane| (plane == "management") != service.management.unwrap_or(false)) {
            broken.push(format!("plane: {place} manages or does not"));
        }
        broken.extend(texts(service).into_iter().map(|text| format!("text: {place}: {text}")));
        if let Some(weakness) = &service.weakness {
            if weakness.condition.is_empty() || plane.is_none() {
                broken.push(format!("weakness: {place} needs a plane and a condition"));
            }
            if !in_rubric(weakness) {
                broken.push(format!("rubric: {place}"));
            }
        }
    }
    broken.extend(twice(services));
    broken
}

/// Texts that do not stand alone: reports quote each of them without the others.
fn texts(service: &Service) -> Vec<String> {
    let mut texts = vec![&service.title, &service.risk, &service.successor];
    texts.extend(service.weakness.iter().flat_map(|weakness| [&weakness.why, &weakness.condition]));
    let elsewhere = |text: &str| {
        let text = text.to_ascii_lowercase();
        let port = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        text.strip_prefix("as ").is_some_and(port)
            || text.strip_prefix("preferred to ").is_some_and(port)
            || ["same as ", "see above", "see below", "see the ", "as above", " row;"]
                .iter()
                .any(|one| text.contains(one))
    };
    // What to use instead is a thing to use.
    let orders = ["disable", "remove", "restrict", "bind", "keep", "move", "update", "stop", "none", "isolation"];
    let order = |text: &&String| text.split([' ', ',']).next().is_some_and(|first| orders.contains(&first));
    let elsewhere = texts.into_iter().filter(|text| elsewhere(text));
    elsewhere.chain(service.counterparts.iter().filter(order)).cloned().collect()
}

fn in_rubric(weakness: &Weakness) -> bool {
    let levels = weakness.severity.map(|level| SEVERITIES[usize::from(level)]).join("/");
    let class = CLASSES[usize::from(weakness.class)];
    RUBRIC.iter().any(|(name, allowed)| *name == class && allowed.contains(&levels.as_str()))
}

/// The process decides between the weaknesses of one port, so no server may stand beside two of them.
fn twice(services: &[Service]) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::new();
    let mut broken = Vec::new();
    for service in services.iter().filter(|service| service.weakness.is_some()) {
        for owner in &service.owners {
            let program = canonical(owner.as_bytes());
            if owner == "*" || !matches!(role(&program), Role::Server) {
                continue;
            }
            let first = seen.entry((service.first, service.last, service.transport, program)).or_insert(service);
            let levels =
                |service: &Service| service.weakness.as_ref().map(|weakness| (weakness.class, weakness.severity));
            if first.name != service.name && levels(first) != levels(service) {
                broken.push(format!("twice: {owner} at {} is {} and {}", service.first, first.name, service.name));
            }
        }
    }
    broken
}

#[test]
fn every_entry_keeps_the_rules() {
    let broken = broken(&file());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_rule_can_be_broken() {
    const HEAD: &str =
        "[[service]]\nport = 9\ntransport = \"tcp\"\ntitle = \"t\"\nsource = \"iana\"\nevidence = [\"knowledge\"]\n";
    let weakness = |class: &str, public: &str| {
        format!(
            "[service.weakness]\nclass = \"{class}\"\nwhy = \"w\"\ncondition = \"c\"\n\
             severity = {{ public = \"{public}\", lan = \"low\", loopback = \"info\" }}\n"
        )
    };
    let owned = "plane = \"data\"\nowners = [\"xd\"]\n";
    let mild = weakness("conditional", "medium");
    for (rule, text) in [
        ("order", format!("{HEAD}name = \"b\"\n{HEAD}name = \"a\"\n")),
        ("confidence", format!("{HEAD}name = \"a\"\nconfidence = \"high\"\n")),
        ("plane", format!("{HEAD}name = \"a\"\nplane = \"management\"\n")),
        ("plane", format!("{HEAD}name = \"a\"\nplane = \"data\"\nmanagement = true\n")),
        ("text", format!("{HEAD}name = \"a\"\nrisk = \"As 5900\"\n")),
        ("text", format!("{HEAD}name = \"a\"\nsuccessor = \"Preferred to 389\"\n")),
        ("text", format!("{HEAD}name = \"a\"\n{owned}{}", mild.replace("\"c\"", "\"fine; see the syslog row\""))),
        ("text", format!("{HEAD}name = \"a\"\ncounterparts = [\"restrict to clients\"]\n")),
        ("weakness", format!("{HEAD}name = \"a\"\n{mild}")),
        ("rubric", format!("{HEAD}name = \"a\"\n{owned}{}", weakness("conditional", "critical"))),
        (
            "twice",
            format!("{HEAD}name = \"a\"\n{owned}{mild}{HEAD}name = \"b\"\n{owned}{}", {
                weakness("cleartext-disclosure", "high")
            }),
        ),
    ] {
        let broken = broken(&parse(&text));
        assert!(matches!(&broken[..], [one] if one.starts_with(rule)), "{rule}: {broken:?}");
    }
}

#[test]
fn the_tables_are_as_full_as_they_were() {
    let file = file();
    // A bad merge that loses a part of the file is seen here; the bounds rise with the file.
    assert!(file.services.len() >= 1500, "{} services", file.services.len());
    assert!(file.services.iter().filter(|service| service.weakness.is_some()).count() >= 555);
    assert!(file.clashes.len() >= 165, "{} clashes", file.clashes.len());
    assert!(file.historical.len() >= 110, "{} historical notes", file.historical.len());
}
