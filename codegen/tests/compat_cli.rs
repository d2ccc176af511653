//! `topicwright compat` as people and scripts call it: exit codes, both formats, batches with broken lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const WRITER: &str = r#"{"type": "object", "properties": {"status": {"enum": ["ok", "failed", "refunded"]}}, "required": ["status"]}"#;
const READER: &str = r#"{"type": "object", "properties": {"status": {"enum": ["ok", "failed"]}}, "required": ["status"]}"#;

/// A folder with two schemas.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("wide.json", WRITER);
        folder.write("narrow.json", READER);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_topicwright"));
        command
            .current_dir(self.0.path())
            .arg("compat")
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        read(&self.command(arguments).output().unwrap())
    }

    /// A batch from standard input.
    fn batch(&self, arguments: &[&str], input: &str) -> (i32, Vec<Value>) {
        let mut child = self
            .command(&[&["--batch", "-"], arguments].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let (code, stdout, stderr) = read(&child.wait_with_output().unwrap());
        writer.join().unwrap().unwrap();
        assert_eq!(stderr, "");
        let lines = stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        (code, lines.collect())
    }
}

fn read(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code().expect("ended by itself");
    (code, text(&output.stdout), text(&output.stderr))
}

#[test]
fn two_files() {
    let folder = Folder::new();
    let (code, stdout, stderr) = folder.run(&["narrow.json", "wide.json"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        stdout.starts_with("compatible: wide.json accepts every message of narrow.json (proved"),
        "{stdout}"
    );
    let (code, stdout, _) = folder.run(&["wide.json", "narrow.json"]);
    assert_eq!(code, 100);
    assert_eq!(
        stdout,
        "incompatible: narrow.json rejects a message of wide.json\n  message: {\"status\":\"refunded\"}\n  at /status: \"refunded\" is not one of \"ok\" or \"failed\"\n  by narrow.json#/properties/status/enum\n  checked by an independent validator on both sides\n"
    );
    let (code, stdout, _) = folder.run(&["wide.json", "narrow.json", "--format", "json"]);
    assert_eq!(code, 100);
    let mut answer: Value = serde_json::from_str(&stdout).unwrap();
    assert!(answer["micros"].take().is_u64());
    assert_eq!(
        answer,
        json!({"verdict": "incompatible", "witness": {"status": "refunded"}, "reason": "\"refunded\" is not one of \"ok\" or \"failed\"", "pointer": "/properties/status/enum", "micros": null})
    );
}

#[test]
fn views_drafts_and_examples() {
    let folder = Folder::new();
    folder.write(
        "open.json",
        r#"{"type": "object", "properties": {"a": {"type": "string"}}}"#,
    );
    folder.write(
        "shut.json",
        r#"{"type": "object", "properties": {"a": true}, "additionalProperties": false}"#,
    );
    assert_eq!(folder.run(&["open.json", "shut.json"]).0, 0);
    assert_eq!(
        folder
            .run(&["open.json", "shut.json", "--view", "strict"])
            .0,
        100
    );
    // `items` as a list means places in draft 07, and nothing legal in 2020-12.
    folder.write("tuple.json", r#"{"items": [{"type": "string"}]}"#);
    assert_eq!(
        folder
            .run(&["tuple.json", "tuple.json", "--draft", "draft-07"])
            .0,
        0
    );
    let (code, _, stderr) = folder.run(&["tuple.json", "tuple.json"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("tuple.json#/items"), "{stderr}");
    folder.write(
        "example.json",
        r#"{"status": "ok", "extra": {"seen": true}}"#,
    );
    let (_, stdout, _) = folder.run(&[
        "wide.json",
        "narrow.json",
        "--view",
        "strict",
        "--example",
        "example.json",
    ]);
    assert!(
        stdout.contains(r#"message: {"status":"refunded","extra":{"seen":true}}"#),
        "{stdout}"
    );
}

#[test]
fn unknown_is_no_success() {
    let folder = Folder::new();
    folder.write("loop.json", r##"{"not": {"$ref": "#"}}"##);
    let (code, stdout, _) = folder.run(&["loop.json", "narrow.json"]);
    assert_eq!(code, 100);
    assert!(stdout.starts_with("unknown: "), "{stdout}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = Folder::new();
    folder.write("broken.json", "{\"type\": \"object\",\n  oops}");
    folder.write("number.json", "7");
    folder.write("types.json", r#"{"properties": {"a": {"type": "text"}}}"#);
    folder.write("nowhere.json", r##"{"$ref": "#/$defs/none"}"##);
    std::fs::write(folder.0.path().join("latin.json"), b"{\"title\": \"\xe9\"}").unwrap();
    for (name, said) in [
        ("missing.json", "missing.json"),
        (".", "cannot read ."),
        ("broken.json", "broken.json:2:3"),
        (
            "number.json",
            "number.json#: a schema is an object or a boolean",
        ),
        (
            "types.json",
            "types.json#/properties/a/type: `type` does not know \"text\"",
        ),
        ("nowhere.json", "nowhere.json#/$ref"),
        ("latin.json", "latin.json"),
    ] {
        for arguments in [[name, "narrow.json"], ["narrow.json", name]] {
            let (code, stdout, stderr) = folder.run(&arguments);
            assert_eq!((code, stdout.as_str()), (1, ""), "{arguments:?}");
            assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        }
    }
    let (code, stdout, stderr) = folder.run(&["--batch", "missing.jsonl"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("missing.jsonl"), "{stderr}");
}

#[test]
fn wrong_usage() {
    let folder = Folder::new();
    for arguments in [
        &[][..],
        &["wide.json"],
        &["wide.json", "narrow.json", "third.json"],
        &["wide.json", "narrow.json", "--view", "loose"],
        &["wide.json", "narrow.json", "--draft", "8"],
        &["wide.json", "narrow.json", "--format", "yaml"],
        &["wide.json", "narrow.json", "--batch", "-"],
        &["--batch", "-", "--example", "wide.json"],
        &["--batch", "-", "--format", "human"],
    ] {
        let (code, stdout, stderr) = folder.run(arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(stderr.contains("--help"), "{arguments:?}: {stderr}");
    }
}

#[test]
fn every_line_of_a_batch_is_answered() {
    let folder = Folder::new();
    let large = "x".repeat(4 << 20);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let lines = [
        json!({"id": 1, "writer": {"type": "integer"}, "reader": {"type": "number"}}).to_string(),
        json!({"id": "two", "writer": true, "reader": false, "view": "strict"}).to_string(),
        String::new(),
        "{\"id\": 3, ".to_owned(),
        json!({"id": 4, "writer": true}).to_string(),
        json!({"id": 5, "reader": true}).to_string(),
        json!([6]).to_string(),
        json!({"id": 7, "writer": {"type": "text"}, "reader": true}).to_string(),
        json!({"id": 8, "writer": true, "reader": true, "view": "loose"}).to_string(),
        json!({"id": 9, "writer": true, "reader": true, "draft": "draft-03"}).to_string(),
        json!({"id": 10, "writer": true, "reader": true, "draft": ["draft-07"]}).to_string(),
        json!({"id": {"a": [11]}, "writer": {"const": large}, "reader": {"type": "string"}}).to_string(),
        format!("{{\"id\": 12, \"writer\": {deep}, \"reader\": true}}"),
        json!({"writer": true, "reader": true}).to_string(),
        json!({"id": 14, "writer": {"type": "object", "properties": {"a": true}}, "reader": {"additionalProperties": {"type": "null"}, "properties": {"a": true}}, "view": null}).to_string(),
    ];
    let (code, answers) = folder.batch(&[], &lines.join("\n"));
    assert_eq!(code, 100);
    let verdicts: Vec<(Value, &str)> = answers
        .iter()
        .map(|answer| (answer["id"].clone(), answer["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(
        verdicts,
        [
            (json!(1), "compatible"),
            (json!("two"), "incompatible"),
            (json!(null), "unknown"),
            (json!(4), "unknown"),
            (json!(5), "unknown"),
            (json!(null), "unknown"),
            (json!(7), "unknown"),
            (json!(8), "unknown"),
            (json!(9), "unknown"),
            (json!(10), "unknown"),
            (json!({"a": [11]}), "compatible"),
            (json!(null), "unknown"),
            (json!(null), "compatible"),
            (json!(14), "compatible"),
        ]
    );
    let reason = |index: usize| answers[index]["reason"].as_str().unwrap();
    assert!(reason(2).contains("line 4, column"), "{}", reason(2));
    assert!(
        reason(3).contains("the line has no `reader`"),
        "{}",
        reason(3)
    );
    assert!(reason(6).contains("writer#/type"), "{}", reason(6));
    assert!(
        reason(7).contains("`loose` is not `stream` or `strict`"),
        "{}",
        reason(7)
    );
    for answer in &answers {
        let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["id", "verdict", "witness", "reason", "pointer", "micros"]
        );
    }
}

#[test]
fn a_pair_of_drafts() {
    let folder = Folder::new();
    let tuple = json!({"items": [{"type": "string"}], "additionalItems": false});
    let places = json!({"prefixItems": [{"type": "string"}], "items": false});
    let case = |drafts: Value| {
        json!({"id": 1, "writer": tuple, "reader": places, "draft": drafts}).to_string()
    };
    let verdict =
        |drafts: Value| folder.batch(&["--view", "strict"], &case(drafts)).1[0]["verdict"].clone();
    assert_eq!(verdict(json!(["draft-07", "2020-12"])), "compatible");
    assert_eq!(verdict(json!(["2020-12", "draft-07"])), "unknown");
    // `prefixItems` says nothing before 2020-12, and `items: false` leaves the empty array.
    assert_eq!(verdict(json!(["draft-07", "2019-09"])), "incompatible");
    let (code, answers) = folder.batch(&[], "\n\n");
    assert_eq!((code, answers.len()), (0, 0));
}

/// `topicwright compat --batch … | head -1`.
#[test]
fn a_reader_that_has_seen_enough() {
    let folder = Folder::new();
    let line =
        json!({"id": 1, "writer": {"type": "integer"}, "reader": {"type": "number"}}).to_string();
    folder.write("many.jsonl", &format!("{line}\n").repeat(20_000));
    let mut child = folder
        .command(&["--batch", "many.jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(first.contains("compatible"));
    assert_eq!(stderr, "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The counterexample is the topic's own example, with as little changed as it takes.
#[test]
fn examples_are_changed_where_it_matters() {
    let folder = Folder::new();
    let schema = |gold: u64, count: u64, needed: &[&str]| {
        json!({"type": "object", "required": ["tx_id"], "properties": {
            "tx_id": {"type": "integer", "minimum": 1},
            "amount": {"type": "object", "required": needed, "properties": {"gold": {"type": "integer", "maximum": gold}, "currency": {"type": "string", "minLength": 3}}},
            "items": {"type": "array", "maxItems": 3, "items": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}, "count": {"type": "integer", "maximum": count}}}}}})
        .to_string()
    };
    folder.write("writer.json", &schema(1_000, 99, &["gold"]));
    folder.write(
        "example.json",
        r#"{"tx_id": 991, "amount": {"gold": 120, "currency": "EUR"}, "items": [{"sku": "sword", "count": 1}]}"#,
    );
    for (reader, message) in [
        (
            schema(900, 99, &["gold"]),
            json!({"tx_id": 991, "amount": {"gold": 901, "currency": "EUR"}, "items": [{"sku": "sword", "count": 1}]}),
        ),
        (
            schema(1_000, 98, &["gold"]),
            json!({"tx_id": 991, "amount": {"gold": 120, "currency": "EUR"}, "items": [{"sku": "sword", "count": 99}]}),
        ),
        (
            schema(1_000, 99, &["gold", "currency"]),
            json!({"tx_id": 991, "amount": {"gold": 120}, "items": [{"sku": "sword", "count": 1}]}),
        ),
        (
            schema(1_000, 99, &["gold"]).replace("\"maxItems\":3", "\"maxItems\":1"),
            json!({"tx_id": 991, "amount": {"gold": 120, "currency": "EUR"}, "items": [{"sku": "sword", "count": 1}, {"sku": "sword", "count": 1}]}),
        ),
    ] {
        folder.write("reader.json", &reader);
        let arguments = [
            "writer.json",
            "reader.json",
            "--format",
            "json",
            "--example",
            "example.json",
        ];
        let (code, stdout, _) = folder.run(&arguments);
        assert_eq!(code, 100, "{stdout}");
        let answer: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(answer["witness"], message);
    }
}

/// What is wrong with the branch that a message is meant for, not that no branch holds.
#[test]
fn the_reason_is_the_branch_s() {
    let folder = Folder::new();
    let kinds = |most: u64| {
        json!({"oneOf": [
            {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "gift"}, "gold": {"type": "integer", "maximum": most}}},
            {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "loss"}}},
            {"type": "null"}]})
        .to_string()
    };
    folder.write("writer.json", &kinds(20));
    folder.write("reader.json", &kinds(10));
    let (_, stdout, _) = folder.run(&["writer.json", "reader.json"]);
    assert!(stdout.contains("at /gold: 11 is greater than the maximum of 10\n  by reader.json#/oneOf/0/properties/gold/maximum"), "{stdout}");
    folder.write("long.json", r#"{"type": "string", "maxLength": 500}"#);
    folder.write("short.json", r#"{"type": "string", "maxLength": 400}"#);
    let (_, stdout, _) = folder.run(&["long.json", "short.json"]);
    assert!(
        stdout.contains("at (root): the value is longer than 400 characters"),
        "{stdout}"
    );
    folder.write("open.json", r#"{"type": "object"}"#);
    folder.write("closed.json", r#"{"additionalProperties": false}"#);
    let (_, stdout, _) = folder.run(&["open.json", "closed.json"]);
    assert!(stdout.contains(r#"message: {"extra":0}"#), "{stdout}");
}

/// A bound that was rounded on the way in would be proved compatible with what it is not.
#[test]
fn nothing_is_said_about_rounded_numbers() {
    let folder = Folder::new();
    folder.write("one.json", "{\n  \"const\": 18446744073709551617}");
    folder.write("two.json", "{\"const\": 18446744073709551616}");
    let (code, stdout, stderr) = folder.run(&["one.json", "two.json"]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(
        stderr.contains("one.json:2:12: the number 18446744073709551617"),
        "{stderr}"
    );
    let line = r#"{"id":1,"writer":{"maximum":0.10000000000000000001},"reader":{"maximum":0.1}}"#;
    let (code, answers) = folder.batch(&[], line);
    assert_eq!(code, 100);
    assert_eq!(answers[0]["verdict"], "unknown");
    assert!(
        answers[0]["reason"]
            .as_str()
            .unwrap()
            .contains("0.10000000000000000001")
    );
}

#[test]
fn a_member_that_stands_twice_is_an_error() {
    let folder = Folder::new();
    folder.write(
        "twice.json",
        "{\n  \"type\": \"string\",\n  \"type\": \"integer\"\n}",
    );
    for files in [["twice.json", "wide.json"], ["wide.json", "twice.json"]] {
        let (code, stdout, stderr) = folder.run(&files);
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(
            stderr.contains("twice.json:3:3: `type` stands twice"),
            "{stderr}"
        );
    }
    let (code, _, stderr) = folder.run(&["narrow.json", "wide.json", "--example", "twice.json"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("twice.json:3:3"), "{stderr}");
    let line = r#"{"id": 1, "writer": {"type": "string", "type": "integer"}, "reader": {}}"#;
    let (code, lines) = folder.batch(&[], &format!("{line}\n"));
    assert_eq!((code, &lines[0]["verdict"]), (100, &json!("unknown")));
    let reason = lines[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("line 1, column 40: `type` stands twice"),
        "{reason}"
    );
}

/// `{"exclusiveMinimum": true}` beside a `minimum` is draft 04's; newer drafts have a number there.
#[test]
fn an_unknown_dialect_is_no_draft() {
    const IGLU: &str =
        "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#";
    let folder = Folder::new();
    let schema =
        |dialect: &str| json!({"$schema": dialect, "minimum": 0, "exclusiveMinimum": true});
    folder.write("odd.json", &schema(IGLU).to_string());
    for files in [["odd.json", "wide.json"], ["wide.json", "odd.json"]] {
        let (code, stdout, stderr) = folder.run(&files);
        assert_eq!((code, stdout.as_str()), (1, ""));
        for part in [
            "odd.json#/$schema",
            IGLU,
            "draft-07/schema",
            "2020-12/schema",
            "--draft",
        ] {
            assert!(stderr.contains(part), "no {part}: {stderr}");
        }
    }
    // Said, it is read as that.
    let (code, stdout, _) = folder.run(&["odd.json", "odd.json", "--draft", "draft-04"]);
    assert_eq!(code, 0, "{stdout}");
    let case = |dialect: &str, draft: Value| {
        let line = json!({"writer": schema(dialect), "reader": {"exclusiveMinimum": 0, "$schema": "http://json-schema.org/draft/2020-12/schema#"}, "draft": draft});
        let (_, mut lines) = folder.batch(&["--view", "strict"], &format!("{line}\n"));
        lines.remove(0)
    };
    let refused = case(IGLU, Value::Null);
    assert_eq!(refused["verdict"], "unknown");
    let reason = refused["reason"].as_str().unwrap();
    assert!(reason.starts_with("$schema: writer#/$schema"), "{reason}");
    assert!(
        reason.contains(IGLU) && reason.contains("2019-09/schema"),
        "{reason}"
    );
    for draft in [json!("draft-04"), json!(["draft-04", "draft-07"])] {
        assert_eq!(case(IGLU, draft)["verdict"], "compatible");
    }
    // Every spelling of a draft is that draft, whatever the line says.
    for spelling in [
        "http://json-schema.org/draft-04/schema",
        "https://json-schema.org/draft-04/schema#",
    ] {
        assert_eq!(
            case(spelling, json!("2020-12"))["verdict"],
            "compatible",
            "{spelling}"
        );
    }
}

#[test]
fn each_line_of_a_batch_has_its_answer() {
    let folder = Folder::new();
    let nested = |leaf: Value| {
        (0..63).fold(
            leaf,
            |inner, _| json!({"type": "object", "properties": {"a": inner}}),
        )
    };
    let deep = json!({"id": "deep", "writer": nested(json!({"type": "string"})), "reader": nested(json!({"type": ["string", "null"]}))});
    let mut bytes =
        b"{\"id\": 1, \"writer\": {}, \"reader\": {}}\n\xff\n\xef\xbb\xbf{\"id\": 2}\n".to_vec();
    bytes.extend(
        "{\"id\": \"a\u{2028}\u{85}\", \"writer\": {\"type\": \"null\"}, \"reader\": true}\n"
            .bytes(),
    );
    bytes.extend(format!("{deep}\n").bytes());
    std::fs::write(folder.0.path().join("cases.jsonl"), bytes).unwrap();
    let (code, text, _) = folder.run(&["--batch", "cases.jsonl"]);
    assert_eq!(code, 100);
    assert!(text.is_ascii(), "{text}");
    let answers: Vec<Value> = (text.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let verdicts: Vec<&str> = (answers.iter())
        .map(|answer| answer["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(
        verdicts,
        [
            "compatible",
            "unknown",
            "unknown",
            "compatible",
            "compatible"
        ]
    );
    let reason = |at: usize| answers[at]["reason"].as_str().unwrap();
    assert!(
        reason(1).contains("line 2, byte 1: not UTF-8"),
        "{}",
        reason(1)
    );
    assert!(reason(2).contains("byte order mark"), "{}", reason(2));
    assert_eq!(answers[3]["id"], "a\u{2028}\u{85}");
}
