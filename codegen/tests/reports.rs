//! Every format of `topicwright check` on one set of findings, hostile texts included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::BTreeMap;

use topicwright::finding::{Finding, OldPlace, Plane, Position, Severity};
use topicwright::gate::api::{Level, Verdict};
use topicwright::gate::rollout::Rollout;
use topicwright::gate::{Answer, Compared, NewColumn, NewPath, Outcome, Waived};
use topicwright::registry::waivers::Waiver;
use topicwright::report::{Report, github, human, json, junit, markdown, sarif};
use topicwright::rules::pair::Direction;

fn finding(rule: &'static str, plane: Plane, severity: Severity, line: usize) -> Finding {
    Finding {
        rule,
        plane,
        severity,
        file: "topics/order.placed/v3.json".to_owned(),
        position: Position { line, column: 5 },
        pointer: "/properties/price_cents".to_owned(),
        topic: Some("order.placed".to_owned()),
        old: None,
        message: String::new(),
        evidence: None,
        fix: None,
    }
}

fn findings() -> Outcome {
    let breaks = Finding {
        old: Some(OldPlace {
            file: "topics/order.placed/v2.json".to_owned(),
            position: Position {
                line: 12,
                column: 3,
            },
            pointer: "/properties/price_cents".to_owned(),
        }),
        message: "readers of v3 reject what v2 allows, at `/price_cents`: required".to_owned(),
        evidence: Some(
            "{\"note\":\"100 %\\n::error::x | `y` <b>@all</b> ]]>\",\"id\":1}".to_owned(),
        ),
        fix: Some("keep it optional, or \"waive\" it,\nonce v2 is gone: 50 %".to_owned()),
        ..finding("reader-breaks", Plane::Wire, Severity::Error, 2)
    };
    let hostile = Finding {
        file: "topics/a b,c:d%/v1.json".to_owned(),
        pointer: String::new(),
        topic: None,
        message:
            "two\r\nlines | \u{1b}[31m\u{202e}\u{fffe}\0\u{9b} with `one tick, <script> and #1"
                .to_owned(),
        ..finding("view-changed", Plane::ClickHouse, Severity::Warning, 1)
    };
    let accepted = Finding {
        message: "the record key was `/a`, is now `/b`".to_owned(),
        ..finding("record-key-changed", Plane::Kafka, Severity::Error, 3)
    };
    let note = Finding {
        message: "new records are compressed with lz4".to_owned(),
        ..finding("compression-changed", Plane::Kafka, Severity::Note, 3)
    };
    let compared = |direction, answer| Compared {
        topic: Some("order.placed".to_owned()),
        writer: "v2".to_owned(),
        reader: "v3".to_owned(),
        direction,
        promised: true,
        answer,
    };
    Outcome {
        findings: vec![breaks, hostile],
        waived: vec![Waived {
            finding: accepted,
            waiver: Waiver {
                file: None,
                rule: "record-key-changed".to_owned(),
                topic: Some("order.placed".to_owned()),
                pointer: "/properties/price_cents".to_owned(),
                reason: "The topic is empty: 100 %, really".to_owned(),
                approver: "@data".to_owned(),
                expires: "2027-01-31".to_owned(),
            },
        }],
        notes: vec![note],
        compared: vec![
            compared(Direction::Backward, Answer::Incompatible),
            compared(Direction::Forward, Answer::Compatible),
        ],
        columns: vec![NewColumn {
            table: "shop.shop_events".to_owned(),
            name: "voucher".to_owned(),
            sql_type: "LowCardinality(String)".to_owned(),
            bytes: "about 9 bytes a row before compression".to_owned(),
            sql: "ALTER TABLE shop.shop_events ADD COLUMN IF NOT EXISTS voucher LowCardinality(String)"
                .to_owned(),
        }],
        paths: vec![NewPath {
            table: "shop.shop_events".to_owned(),
            path: "payload_json.promised_on".to_owned(),
            sql_type: "String".to_owned(),
            bytes: "about 11 bytes in an event that has it, before compression".to_owned(),
        }],
        api: Some(Verdict {
            level: Level::Major,
            changes: vec!["`topics::order_placed::OrderPlaced::V3` is new".to_owned()],
        }),
        rollout: Rollout {
            steps: vec![
                "tables: add `shop.shop_events.voucher`".to_owned(),
                "consumers of order.placed to v3".to_owned(),
                "producers of order.placed to v3".to_owned(),
            ],
            together: vec!["order.placed: v2 producers with v3 consumers".to_owned()],
        },
    }
}

fn nothing() -> Outcome {
    Outcome::unloadable(Vec::new())
}

fn texts() -> BTreeMap<String, String> {
    let text = "{\n    \"price_cents\": 1\n}\n".to_owned();
    BTreeMap::from([("topics/order.placed/v3.json".to_owned(), text)])
}

fn report<'r>(outcome: &'r Outcome, texts: &'r BTreeMap<String, String>) -> Report<'r> {
    Report {
        outcome,
        base: "the merge base with origin/main (1a2b3c4d5e)",
        folder: "my registry/",
        texts,
    }
}

#[test]
fn golden_files() {
    let texts = texts();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("fixtures/reports");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, outcome) in [("findings", findings()), ("nothing", nothing())] {
        let report = report(&outcome, &texts);
        let log: serde_json::Value = serde_json::from_str(&sarif::print(&report).unwrap()).unwrap();
        let printed = [
            ("human", human::print(&report, false)),
            ("terminal", human::print(&report, true)),
            ("json", json::print(&report).unwrap()),
            ("github", github::print(&report)),
            // The rules' texts stand in their own files.
            ("sarif", format!("{:#}", log["runs"][0]["results"])),
            ("junit", junit::print(&report).unwrap()),
            ("markdown", markdown::print(&report)),
        ];
        settings.bind(|| {
            for (format, text) in printed {
                insta::assert_snapshot!(format!("{name}_{format}"), text);
            }
        });
    }
}

/// In a cell, a list and beside a fence: what stands between backticks stays code, whatever is in it.
#[test]
fn a_name_ends_no_code_in_a_comment() {
    const NAME: &str = "/``<b>@all</b>`|x";
    let (mut outcome, texts) = (findings(), texts());
    let message = format!("readers reject what writers allow, at `{NAME}`: no");
    let finding = &mut outcome.findings[0];
    finding.message = message.clone();
    finding.pointer = NAME.to_owned();
    finding.evidence = Some("{}".to_owned());
    finding.fix = Some(format!("allow `{NAME}`"));
    outcome.notes[0].message = message.clone();
    outcome.columns[0].name = NAME.to_owned();
    outcome.waived[0].finding.pointer = NAME.to_owned();
    outcome.waived[0].waiver.reason = message.clone();
    outcome.api.as_mut().unwrap().changes = vec![message.clone()];
    outcome.rollout.steps = vec![message];
    let printed = markdown::print(&report(&outcome, &texts));
    let mut times = 0;
    for line in printed.lines().filter(|line| line.contains("<b>@all")) {
        let parts: Vec<&str> = line.split("<b>@all").collect();
        times += parts.len() - 1;
        for (before, behind) in parts.iter().zip(&parts[1..]) {
            // Opened by three, since two stand in the name, and closed by three.
            assert!(before.contains("``` "), "{line}");
            assert!(behind.contains(" ```"), "{line}");
        }
        let pipes = line.matches("`|x").count();
        assert!(!line.starts_with('|') || pipes == 0, "{line}");
    }
    assert_eq!(times, 9, "{printed}");
}

/// The schema is the one that OASIS publishes.
#[test]
fn sarif_follows_its_schema() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/sarif-2.1.0.json"
    );
    let mut schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // Its pattern for languages is no regular expression in Unicode mode; nothing here names a language.
    for owner in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][owner]["properties"]["language"];
        language.as_object_mut().unwrap().remove("pattern");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let texts = texts();
    for outcome in [findings(), nothing()] {
        let text = sarif::print(&report(&outcome, &texts)).unwrap();
        let mut log: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, [""; 0]);
        let rules = log["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .clone();
        for rule in &rules {
            assert!(
                rule["help"]["markdown"]
                    .as_str()
                    .unwrap()
                    .contains("## Fix"),
                "{rule}"
            );
        }
        for result in log["runs"][0]["results"].as_array().unwrap() {
            assert!(
                rules.iter().any(|rule| rule["id"] == result["ruleId"]),
                "{result}"
            );
        }
        log["version"] = "2.2".into();
        assert!(!validator.is_valid(&log), "the schema checks something");
    }
}

/// What the runner makes of it: one command a line, and the message as it was.
#[test]
fn github_commands_carry_any_text() {
    let (outcome, texts) = (findings(), texts());
    let printed = github::print(&report(&outcome, &texts));
    let commands: Vec<&str> = printed
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    assert_eq!(commands.len(), 3, "{printed}");
    let unescape = |text: &str| {
        text.replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%0A", "\n")
            .replace("%0D", "\r")
            .replace("%25", "%")
    };
    let (head, message) = commands[0][2..].split_once("::").unwrap();
    assert!(unescape(message).contains(outcome.findings[0].evidence.as_ref().unwrap()));
    assert!(unescape(message).contains(outcome.findings[0].fix.as_ref().unwrap()));
    assert!(head.starts_with("error file=my registry/topics/order.placed/v3.json,line=2,col=5,"));
    let (head, message) = commands[1][2..].split_once("::").unwrap();
    let shown = topicwright::visible::visible(&outcome.findings[1].message);
    assert!(unescape(message).ends_with(&*shown), "{message}");
    assert_eq!(
        head.matches(',').count(),
        3,
        "file, line, col and title: {head}"
    );
    assert!(unescape(head).contains("topics/a b,c:d%/v1.json"), "{head}");
}

/// Neither a terminal nor a viewer does what a text in a schema says, in no place that it is printed at.
#[test]
fn nothing_of_a_schema_acts() {
    const ACTS: &str = "\u{1b}]0;x\u{7}\u{7f}\u{9b}1m\u{202e}\u{2066}\u{fffe}\u{ffff}\u{2028}\0";
    let (mut outcome, texts) = (findings(), texts());
    let everything = |finding: &mut Finding| {
        for text in [
            &mut finding.file,
            &mut finding.pointer,
            &mut finding.message,
        ] {
            text.push_str(ACTS);
        }
        for text in [&mut finding.topic, &mut finding.evidence, &mut finding.fix] {
            text.get_or_insert_default().push_str(ACTS);
        }
        if let Some(old) = &mut finding.old {
            old.file.push_str(ACTS);
            old.pointer.push_str(ACTS);
        }
    };
    outcome.findings.iter_mut().for_each(everything);
    outcome.notes.iter_mut().for_each(everything);
    for waived in &mut outcome.waived {
        everything(&mut waived.finding);
        let Waiver {
            reason,
            approver,
            expires,
            ..
        } = &mut waived.waiver;
        for text in [reason, approver, expires] {
            text.push_str(ACTS);
        }
    }
    for column in &mut outcome.columns {
        for text in [&mut column.table, &mut column.name, &mut column.sql_type] {
            text.push_str(ACTS);
        }
    }
    for path in &mut outcome.paths {
        for text in [&mut path.table, &mut path.path, &mut path.sql_type] {
            text.push_str(ACTS);
        }
    }
    outcome.rollout.steps[0].push_str(ACTS);
    outcome.rollout.together[0].push_str(ACTS);
    if let Some(api) = &mut outcome.api {
        api.changes[0].push_str(ACTS);
    }
    let report = Report {
        base: ACTS,
        folder: ACTS,
        ..report(&outcome, &texts)
    };
    let printed = [
        human::print(&report, false),
        json::print(&report).unwrap(),
        github::print(&report),
        sarif::print(&report).unwrap(),
        junit::print(&report).unwrap(),
        markdown::print(&report),
        outcome.findings[0].to_string(),
    ];
    for text in printed {
        let acting: Vec<char> = text
            .chars()
            .filter(|shown| ACTS.contains(*shown) && !shown.is_ascii_graphic())
            .collect();
        assert_eq!(acting, [' '; 0], "{text}");
        assert!(text.contains("1b"), "{text}");
    }
    // For programs, what is read is what was there.
    let read: serde_json::Value = serde_json::from_str(&json::print(&report).unwrap()).unwrap();
    assert_eq!(read["findings"][0]["pointer"], outcome.findings[0].pointer);
    let read = quick_junit::Report::deserialize_from_str(&junit::print(&report).unwrap()).unwrap();
    assert_eq!(read.failures, 1);
}

#[test]
fn junit_reads_back() {
    let (outcome, texts) = (findings(), texts());
    let xml = junit::print(&report(&outcome, &texts)).unwrap();
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!((read.failures, read.errors), (1, 0));
    assert_eq!(read.tests, topicwright::rules::all().len());
}

#[test]
fn markdown_says_the_verdict_first_and_stays_short() {
    let (outcome, texts) = (findings(), texts());
    let text = markdown::print(&report(&outcome, &texts));
    assert!(
        text.starts_with("### ❌ Breaks readers of `order.placed`\n"),
        "{text}"
    );
    assert!(text.contains("shop.shop_events.voucher") && text.contains("<b>major</b>"));
    assert!(
        !text.contains("<script>") && !text.contains("@data"),
        "{text}"
    );
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert!(bars == 3 || bars == 4, "a cell breaks its table: {line}");
    }
    let outcome = nothing();
    let text = markdown::print(&report(&outcome, &texts));
    assert!(text.lines().count() <= 4, "{text}");
}
