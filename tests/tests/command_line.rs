//! The program in rough hands: wrong words, servers that are not there, readers that leave, Ctrl-C. It says what is
//! wrong and what to do, ends with the right code, leaves nothing behind and never panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use topicwright_tests::events;
use topicwright_tests::program::{command, text};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");

/// Nobody listens on port 1.
const NOWHERE: &str = "127.0.0.1:1";

#[test]
fn what_cannot_be_done_is_said_with_a_way_out() {
    let nowhere_http = format!("http://{NOWHERE}");
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["nonsense"], 2, &["unrecognized subcommand 'nonsense'"]),
        (&["topics", "--format", "yaml"], 2, &["human, json"]),
        (&["apply", "--only", "everything"], 2, &["topics, tables"]),
        (&["demo", "--events", "0"], 2, &["1..=20000000"]),
        (&["demo", "--seed", "one"], 2, &["--seed"]),
        (
            &["produce", "one", "two"],
            2,
            &["unexpected argument 'two'"],
        ),
        (&["kpi", "nope"], 1, &["no such KPI", "fix: one of: arpdau"]),
        (
            &["kpi", "--as-of", "2026-02-30"],
            1,
            &["--as-of", "fix: write e.g. 2026-01-31"],
        ),
        (
            &["kpi", "--clickhouse", &nowhere_http],
            1,
            &["cannot reach ClickHouse", "fix: start ClickHouse"],
        ),
        (
            &["kpi", "--clickhouse", ""],
            1,
            &["--clickhouse (CLICKHOUSE_URL): not a URL"],
        ),
        (
            &["apply", "--only", "tables", "--clickhouse", &nowhere_http],
            1,
            &["cannot reach ClickHouse"],
        ),
        (
            &["demo", "--clickhouse", &nowhere_http],
            1,
            &["cannot reach ClickHouse", "fix: "],
        ),
        (
            &["demo", "--scenario", "nope"],
            1,
            &["no such scenario", "fix: one of: players"],
        ),
        (
            &["demo", "--kafka", "nonsense"],
            1,
            &["`nonsense` is not host:port"],
        ),
        (
            &["produce", "--dry-run", "/"],
            1,
            &["cannot read the input (file /"],
        ),
        (
            &["produce", "no-such-file"],
            1,
            &["cannot open the input (file no-such-file)"],
        ),
        (
            &["produce", "--kafka-config", "no.such.key=1"],
            1,
            &["no.such.key", "fix: check --kafka"],
        ),
        (
            &["ingest"],
            1,
            &["TOPICWRIGHT_HASH_KEY", "openssl rand -hex 16"],
        ),
    ];
    for (arguments, code, parts) in cases {
        let ended = command(PIPELINE, arguments).output().unwrap();
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(*code), "{arguments:?}: {said}");
        assert!(
            ended.stdout.is_empty(),
            "{arguments:?}: results only on standard output"
        );
        for part in *parts {
            assert!(said.contains(part), "{arguments:?}: {part} in\n{said}");
        }
    }
}

/// The writing end of a pipe whose reader has left.
fn left_by_its_reader() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    for format in ["human", "json"] {
        let ended = command(PIPELINE, &["topics", "--format", format])
            .stdout(left_by_its_reader())
            .output()
            .unwrap();
        assert_eq!(
            (ended.status.code(), text(&ended.stderr)),
            (Some(0), String::new())
        );
    }
    // What was found still decides the code, though nobody reads where.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.ndjson");
    std::fs::write(&file, "{\"a\"\n".repeat(3000)).unwrap();
    let ended = command(PIPELINE, &["produce", "--dry-run", file.to_str().unwrap()])
        .stderr(left_by_its_reader())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(100));
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = command(PIPELINE, &["topics"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("cannot write to standard output"));
}

/// Takes as long as Kafka may take for one batch, not for each.
#[test]
fn a_kafka_that_is_not_there_ends_produce_after_one_batch() {
    let example = &events::examples()[0];
    let lines: String = (0..2500)
        .map(|number| events::event(&example.0, example.1, &example.2, number).to_string() + "\n")
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.ndjson");
    std::fs::write(&file, lines).unwrap();
    let ended = command(
        PIPELINE,
        &["produce", file.to_str().unwrap(), "--kafka", NOWHERE],
    )
    .output()
    .unwrap();
    let said = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    // Batches hold up to a thousand lines; the first is as long as what was read by then.
    let tried = said.matches(": not delivered: ").count();
    assert!((1..=1000).contains(&tried), "{tried} tried\n{said}");
    for part in [
        "events.ndjson:1: not delivered: ",
        &format!("produced 0, refused 0, not delivered {tried}"),
        &format!("last line handled {tried}"),
        "fix: check that the brokers run",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    let warnings = said.lines().filter(|line| line.contains("WARN")).count();
    assert!((1..=12).contains(&warnings), "{warnings} warnings\n{said}");
    assert!(!said.contains('\u{1b}'), "colours belong to terminals");
}

/// Starts the demo, sends a signal when it says `moment`, and looks at what is left: nothing.
fn interrupted_demo(
    arguments: &[&str],
    moment: &str,
    signal: &str,
    whole_group: bool,
) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let all = [&["demo", "--format", "json"], arguments].concat();
    let mut child = command(PIPELINE, &all)
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut output = BufReader::new(child.stderr.take().unwrap());
    while !said.contains(moment) {
        assert!(
            output.read_line(&mut said).unwrap() > 0,
            "it ended early: {said}"
        );
    }
    // In a terminal, Ctrl-C reaches every process of the group.
    let target = if whole_group {
        format!("-{}", child.id())
    } else {
        child.id().to_string()
    };
    let sent = Instant::now();
    let killed = Command::new("kill")
        .args([signal, "--", &target])
        .status()
        .unwrap();
    assert!(killed.success());
    let status = child.wait().unwrap();
    assert!(
        sent.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        sent.elapsed()
    );
    std::io::Read::read_to_string(&mut output, &mut said).unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "folders are left behind: {said}");
    (status.code(), said)
}

#[test]
fn ctrl_c_ends_a_kept_demo_in_peace() {
    let (code, said) =
        interrupted_demo(&["--keep", "--events", "500"], "Ctrl-C ends", "-INT", true);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("WARN"), "{said}");
}

#[test]
fn a_demo_that_is_cut_off_leaves_nothing() {
    for signal in ["-INT", "-TERM"] {
        let (code, said) = interrupted_demo(&["--events", "300000"], "producing", signal, false);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("error: interrupted before the end"), "{said}");
    }
}
