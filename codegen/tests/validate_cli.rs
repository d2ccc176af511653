//! `topicwright validate`: every error of every line, whatever a line holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod program;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use program::{WEBSHOP, command, run};
use serde_json::{Value, json};

/// Held against a file.
fn golden(name: &str, text: &str) {
    program::golden(|| insta::assert_snapshot!(name, text));
}

const GOOD: &str = r#"{"order_id": 1, "total_cents": 5, "lines": [{"sku": "MUG-01", "quantity": 1}], "country": "KR"}"#;

fn payloads(arguments: &[&str], input: &[u8]) -> program::Ended {
    run(
        WEBSHOP,
        &[&["validate", "order.placed", "-"], arguments].concat(),
        input,
    )
}

fn findings(arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let (code, stdout, _) = payloads(&[arguments, &["--format", "json"]].concat(), input);
    assert_eq!(code, 100, "{stdout}");
    let lines = stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn valid_lines_pass_however_they_end() {
    for input in [
        String::new(),
        "\n\n  \n".to_owned(),
        GOOD.to_owned(),
        format!("{GOOD}\n"),
        format!("{GOOD}\r\n\r\n{GOOD}\r\n"),
    ] {
        let (code, stdout, stderr) = payloads(&[], input.as_bytes());
        assert_eq!((code, stdout.as_str()), (0, ""), "{input:?}");
        let count = input.matches("order_id").count();
        let noun = if count == 1 { "line" } else { "lines" };
        assert_eq!(stderr, format!("{count} {noun}, 0 invalid\n"));
    }
}

#[test]
fn every_error_is_told_with_its_places() {
    let input = format!(
        "{GOOD}\n{{\"order_id\": \"x\", \"lines\": [{{\"sku\": \"MUG-01\", \"quantity\": 0}}], \"country\": \"KR\"}}\n"
    );
    let (code, stdout, stderr) = payloads(&[], input.as_bytes());
    assert_eq!((code, stderr.as_str()), (100, "2 lines, 1 invalid\n"));
    golden("payload_findings", &stdout);
    let found = findings(&[], input.as_bytes());
    let places: Vec<(&Value, &Value)> = found
        .iter()
        .map(|finding| (&finding["pointer"], &finding["keyword"]))
        .collect();
    assert_eq!(places.len(), 3, "{found:#?}");
    assert!(found.iter().all(|finding| finding["line"] == 2
        && finding["column"].is_null()
        && finding["schema"].as_str().unwrap().contains(".json:")));
    assert!(
        places
            .iter()
            .any(|(pointer, keyword)| **pointer == json!("/lines/0/quantity")
                && keyword.as_str().unwrap().ends_with("/minimum"))
    );
}

#[test]
fn lines_that_hold_no_instance_are_findings_and_reading_goes_on() {
    let mut input = Vec::new();
    input.extend(b"{\"order_id\": 1,}\n");
    input.extend(b"{\"a\": {\"b\": 1, \"b\": 2}}\n");
    input.extend(b"\"\xff\"\n");
    input.extend(GOOD.as_bytes());
    input.extend(b"\n7 8\n1e999\n");
    input.extend(vec![b'['; 100_000]);
    input.push(b'\n');
    input.extend(vec![b' '; (64 << 20) + 1]);
    input.push(b'\n');
    input.extend(GOOD.as_bytes());
    let (code, stdout, stderr) = payloads(&[], &input);
    assert_eq!((code, stderr.as_str()), (100, "9 lines, 7 invalid\n"));
    golden("unreadable_lines", &stdout);
    let found = findings(&[], &input);
    assert_eq!(found.len(), 7);
    assert_eq!(
        found[1],
        json!({"line": 2, "column": 22, "pointer": "/a/b", "keyword": null, "schema": null, "reason": "`b` stands twice in one object"})
    );
}

#[test]
fn a_byte_order_mark_is_named() {
    let input = format!("\u{feff}{GOOD}\n{GOOD}\n");
    let found = findings(&[], input.as_bytes());
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0]["reason"],
        json!("begins with a byte order mark; save it without")
    );
}

#[test]
fn a_limit_stops_the_printing_and_not_the_counting() {
    let input = "{}\n".repeat(10);
    let (code, stdout, stderr) = payloads(&["--limit", "3", "--format", "json"], input.as_bytes());
    assert_eq!((code, stdout.lines().count()), (100, 3));
    assert_eq!(stderr, "10 lines, 10 invalid\n");
}

#[test]
fn events_are_held_against_envelope_and_the_version_they_name() {
    let event = |version: Option<u32>, payload: &str| {
        let version = version.map_or_else(String::new, |number| format!("\"v\": {number}, "));
        format!(
            "{{\"type\": \"order.placed\", {version}\"id\": \"1\", \"customer\": \"C00000042\", \"at\": \"2026-03-01T00:00:00Z\", \"data\": {payload}}}\n"
        )
    };
    let judge = |name: &str, input: &str| {
        run(
            WEBSHOP,
            &["validate", name, "-", "--envelope"],
            input.as_bytes(),
        )
    };
    let (code, stdout, _) = judge("order.placed", &event(Some(2), GOOD));
    assert_eq!((code, stdout.as_str()), (0, ""));
    // A version that is not there yet is read as the pipeline reads it: by the newest, where that is promised.
    let (code, stdout, _) = judge("order.placed", &event(Some(9), GOOD));
    assert_eq!((code, stdout.as_str()), (0, ""));
    let wrong = [
        event(Some(2), "{\"order_id\": 1}"),
        event(Some(1), "7"),
        event(None, "{}"),
        event(Some(0), GOOD),
        event(Some(2), GOOD).replace("order.placed", "order.returned"),
        event(Some(2), GOOD).replace("\"at\"", "\"when\""),
        "[]\n".to_owned(),
    ]
    .concat();
    let (code, stdout, stderr) = judge("order.placed", &wrong);
    assert_eq!((code, stderr.as_str()), (100, "7 lines, 7 invalid\n"));
    golden("event_findings", &stdout);
    // Without a number the first version is meant, as the pipeline means it; a name decides otherwise.
    let unnamed = event(None, "{}");
    let of = |name: &str| judge(name, &unnamed).1;
    assert!(
        of("order.placed").contains("v1.json"),
        "{}",
        of("order.placed")
    );
    assert!(
        of("order.placed@2").contains("v2.json"),
        "{}",
        of("order.placed@2")
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let (code, stdout, stderr) = run(WEBSHOP, &["validate", "order.place", "-"], b"");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert_eq!(
        stderr,
        "error: there is no topic `order.place`\n  fix: did you mean `order.placed`?\n"
    );
    let (code, _, stderr) = run(WEBSHOP, &["validate", "order.placed@7", "-"], b"");
    assert_eq!(code, 1);
    assert!(
        stderr.contains("order.placed@1, order.placed@2"),
        "{stderr}"
    );
    let (code, _, stderr) = run(WEBSHOP, &["validate", "order.placed", "no-such-file"], b"");
    assert_eq!(code, 1);
    assert!(stderr.contains("cannot read no-such-file"), "{stderr}");
    let (code, _, stderr) = run(WEBSHOP, &["validate", "order.placed", "src"], b"");
    assert_eq!(code, 1);
    assert!(stderr.contains("cannot read src"), "{stderr}");
    let (code, ..) = run(WEBSHOP, &["validate", "order.placed@x", "-"], b"");
    assert_eq!(code, 2);
    let (code, ..) = run(WEBSHOP, &["validate", "order.placed"], b"");
    assert_eq!(code, 2);
    let (code, _, stderr) = run("no-registry", &["validate", "order.placed", "-"], b"");
    assert_eq!(code, 1);
    assert!(stderr.contains("--registry DIR"), "{stderr}");
}

/// Findings come while the input is still being written, and a reader that goes away ends the run in silence.
#[test]
fn findings_stream() {
    let mut child = command(WEBSHOP, &["validate", "order.placed", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{}\n").unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("standard input:1  (root): "), "{line}");
    drop(output);
    // More than a pipe holds; the program may be gone before all is written.
    for _ in 0..10_000 {
        if stdin.write_all(b"{}\n").is_err() {
            break;
        }
    }
    drop(stdin);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(100));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
