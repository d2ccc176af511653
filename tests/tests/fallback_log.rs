//! The fallback log on its own: torn at every byte, damaged at every byte, on a full disk, by two processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use topicwright_runtime::error::{Kind, Result};
use topicwright_runtime::fallback::{
    Batch, Disk, Entry, FallbackLog, FallbackOptions, FileSystem, Opened, inspect,
};
use topicwright_runtime::produce::OutgoingRecord;
use topicwright_tests::program::{command, text};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline-under-test");

fn record(number: usize) -> OutgoingRecord {
    OutgoingRecord {
        topic: "a.topic",
        key: (!number.is_multiple_of(3)).then(|| format!("key {}", number % 3).into_bytes()),
        value: format!("{{\"number\":{number}}}").into_bytes(),
        schema_id: "abc",
        schema_version: 1,
        dedupe_key: format!("{number}"),
        headers: vec![("traceparent".to_owned(), format!("trace {number}"))],
    }
}

fn append(log: &FallbackLog, numbers: impl IntoIterator<Item = usize>) -> Result<()> {
    let mut batch = Batch::new();
    for number in numbers {
        batch.push(&record(number)).unwrap();
    }
    let pending = log.append(batch)?;
    block_on(pending.durable())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

/// Every record that waits, by its number, each compared with what was written.
fn waiting(log: &FallbackLog) -> Vec<usize> {
    log.rewind();
    let mut found = Vec::new();
    loop {
        let window = log.window().unwrap();
        if window.entries.is_empty() {
            return found;
        }
        found.extend(window.entries.iter().map(number));
    }
}

fn number(entry: &Entry) -> usize {
    let event: Value = serde_json::from_slice(&entry.value).unwrap();
    let number = usize::try_from(event["number"].as_u64().unwrap()).unwrap();
    let written = record(number);
    assert_eq!(
        (entry.topic.as_str(), &entry.key),
        (written.topic, &written.key)
    );
    let headers: Vec<(&str, &[u8])> = entry
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    let trace = format!("trace {number}");
    let expected: [(&str, &[u8]); 4] = [
        ("content-type", b"application/json"),
        ("schema-id", b"abc"),
        ("schema-version", b"1"),
        ("traceparent", trace.as_bytes()),
    ];
    assert_eq!(headers, expected);
    number
}

/// Opens a log that another owner has let go of. A test beside this one that starts a program holds the lock for a
/// moment longer: between fork and exec the child has the file too.
fn reopened(folder: &Path) -> (FallbackLog, Opened) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match FallbackLog::open(&options(folder)) {
            Err(error) if error.what.contains("in use") && Instant::now() < deadline => {
                std::thread::yield_now();
            }
            opened => return opened.unwrap(),
        }
    }
}

fn options(folder: &Path) -> FallbackOptions {
    FallbackOptions::in_folder(folder)
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        .collect();
    found.sort();
    found
}

/// A log with five records in one segment, and where each of them ends.
fn five(folder: &Path) -> (PathBuf, Vec<u8>, Vec<usize>) {
    let (log, _) = FallbackLog::open(&options(folder)).unwrap();
    let mut ends = Vec::new();
    for number in 0..5 {
        append(&log, [number]).unwrap();
        let length = std::fs::metadata(&segments(folder)[0]).unwrap().len();
        ends.push(usize::try_from(length).unwrap());
    }
    drop(log);
    let path = segments(folder).remove(0);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), ends[4]);
    (path, bytes, ends)
}

#[test]
fn a_write_torn_at_any_byte_leaves_every_record_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes, ends) = five(folder.path());
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let seen = inspect(folder.path()).unwrap();
        let (log, opened) = reopened(folder.path());
        let whole = ends.iter().filter(|end| **end <= length).count();
        let torn = length - ends[..whole].last().copied().unwrap_or(0);
        assert_eq!(opened.torn_bytes, torn as u64, "cut to {length}");
        assert_eq!(
            (opened.damage, &seen.damage),
            (vec![], &vec![]),
            "cut to {length}"
        );
        assert_eq!(
            (opened.records, log.waiting()),
            (whole as u64, whole as u64)
        );
        assert_eq!(
            (seen.waiting_records(), seen.torn_bytes),
            (whole as u64, torn as u64)
        );
        assert_eq!(
            waiting(&log),
            (0..whole).collect::<Vec<_>>(),
            "cut to {length}"
        );
        // What comes next is found behind them, now and after a restart.
        append(&log, [10, 11]).unwrap();
        drop(log);
        let (log, opened) = reopened(folder.path());
        assert_eq!((opened.torn_bytes, opened.damage), (0, vec![]));
        let expected: Vec<usize> = (0..whole).chain([10, 11]).collect();
        assert_eq!(waiting(&log), expected, "cut to {length}");
        drop(log);
        // The next length starts from the same log.
        for other in segments(folder.path()) {
            std::fs::remove_file(other).unwrap();
        }
    }
}

#[test]
fn space_that_was_added_and_never_written_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut bytes, _) = five(folder.path());
    bytes.extend([0; 5000]);
    std::fs::write(&path, &bytes).unwrap();
    let (log, opened) = reopened(folder.path());
    assert_eq!((opened.records, opened.torn_bytes), (5, 5000));
    assert_eq!(waiting(&log), [0, 1, 2, 3, 4]);
}

#[test]
fn a_byte_changed_anywhere_costs_one_record_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes, ends) = five(folder.path());
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            std::fs::write(&path, &damaged).unwrap();
            let hit = ends.iter().filter(|end| **end <= at).count();
            let seen = inspect(folder.path()).unwrap();
            let (log, opened) = reopened(folder.path());
            let expected: Vec<usize> = (0..5).filter(|number| *number != hit).collect();
            assert_eq!(waiting(&log), expected, "{change:#x} at {at}");
            assert_eq!(opened.records, 4, "{change:#x} at {at}");
            let start = ends[..hit].last().copied().unwrap_or(0);
            for damage in [&opened.damage, &seen.damage] {
                assert_eq!(damage.len(), 1, "{change:#x} at {at}");
                let found = (damage[0].at, damage[0].bytes, &damage[0].file);
                let length = (ends[hit] - start) as u64;
                assert_eq!(found, (start as u64, length, &path), "{change:#x} at {at}");
            }
            // Bytes that may have been acknowledged are never cut off.
            assert_eq!(std::fs::read(&path).unwrap(), damaged);
        }
    }
}

#[test]
fn a_damaged_segment_outlives_its_records_and_verify_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut bytes, ends) = five(folder.path());
    bytes[ends[1] + 30] ^= 0xff;
    std::fs::write(&path, &bytes).unwrap();
    let (log, _) = reopened(folder.path());
    let window = log.window().unwrap();
    assert_eq!(window.damage.len(), 1);
    log.settle(window.next, 4, None).unwrap();
    assert_eq!((log.waiting(), log.bytes()), (0, bytes.len() as u64));
    append(&log, [5]).unwrap();
    assert_eq!(waiting(&log), [5]);
    drop(log);
    let kept = path.with_extension("damaged");
    assert_eq!(std::fs::read(&kept).unwrap(), bytes);

    let run = |arguments: &[&str]| {
        let folder = folder.path().to_str().unwrap();
        let arguments = [&["fallback"], arguments, &["--dir", folder]].concat();
        command(PIPELINE, &arguments).output().unwrap()
    };
    let verified = run(&["verify", "--format", "json"]);
    assert_eq!(verified.status.code(), Some(100));
    let report: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(report["format"], 1);
    assert_eq!(report["records"], 1);
    assert_eq!(report["damage"][0]["at"], ends[1]);
    assert_eq!(report["damage"][0]["file"], kept.to_str().unwrap());
    let told = text(&run(&["verify"]).stdout);
    assert!(told.contains("1 record whole, 1 damaged places"), "{told}");

    std::fs::remove_file(&kept).unwrap();
    assert_eq!(run(&["verify"]).status.code(), Some(0));
    let listed = run(&["ls", "--format", "json"]);
    assert_eq!(listed.status.code(), Some(100));
    let report: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(report["waiting"], 1);
    assert_eq!(report["waiting_by_topic"][0]["topic"], "a.topic");
    let planned = run(&["replay"]);
    assert_eq!(planned.status.code(), Some(100));
    assert_eq!(
        text(&planned.stdout),
        "would send 1 record; nothing was sent: add --yes\n"
    );
    let missing = command(PIPELINE, &["fallback", "ls", "--dir", "no-such-folder"]);
    let missing = { missing }.output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("there is no fallback log"));
}

#[test]
fn a_lost_position_reads_again_and_never_skips() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = reopened(folder.path());
    append(&log, 0..3).unwrap();
    log.settle(2, 2, None).unwrap();
    drop(log);
    let position = folder.path().join("position");
    let whole = std::fs::read(&position).unwrap();
    // The later slot damaged: the earlier counts. Both: all is read again.
    for (damaged, expected) in [
        (vec![], vec![2]),
        (vec![0], vec![0, 1, 2]),
        (vec![0, 512], vec![0, 1, 2]),
    ] {
        let mut bytes = whole.clone();
        for at in &damaged {
            bytes[*at] ^= 0xff;
        }
        std::fs::write(&position, &bytes).unwrap();
        let (log, _) = reopened(folder.path());
        assert_eq!(waiting(&log), expected, "{damaged:?}");
    }
}

#[test]
fn segments_roll_are_deleted_when_done_and_numbers_are_never_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.segment_bytes = 1000;
    let (log, _) = FallbackLog::open(&options).unwrap();
    for number in 0..30 {
        append(&log, [number]).unwrap();
    }
    let many = segments(folder.path()).len();
    assert!(many > 3, "{many}");
    for segment in segments(folder.path()) {
        let mode = std::fs::metadata(segment).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    log.settle(20, 20, None).unwrap();
    let fewer = segments(folder.path()).len();
    assert!((1..many).contains(&fewer), "{fewer} of {many}");
    drop(log);
    let (log, opened) = FallbackLog::open(&options).unwrap();
    assert_eq!(opened.records, 10);
    assert_eq!(waiting(&log), (20..30).collect::<Vec<_>>());
    log.settle(30, 10, None).unwrap();
    assert_eq!((segments(folder.path()).len(), log.bytes()), (0, 0));
    drop(log);
    let (log, opened) = FallbackLog::open(&options).unwrap();
    assert_eq!(opened.records, 0);
    append(&log, [99]).unwrap();
    assert_eq!(log.window().unwrap().entries[0].sequence, 30);
}

#[test]
fn many_emitters_share_one_sync() {
    #[derive(Default)]
    struct Counting(AtomicU64);
    impl Disk for Counting {
        fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
            FileSystem.write(file, bytes, at)
        }
        fn sync(&self, file: &File) -> io::Result<()> {
            self.0.fetch_add(1, Ordering::SeqCst);
            FileSystem.sync(file)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Counting::default());
    let (log, _) = FallbackLog::open_on(&options(folder.path()), disk.clone()).unwrap();
    let before = disk.0.load(Ordering::SeqCst);
    let pending: Vec<_> = (0..2000)
        .map(|number| {
            let mut batch = Batch::new();
            batch.push(&record(number)).unwrap();
            log.append(batch).unwrap()
        })
        .collect();
    for pending in pending {
        block_on(pending.durable()).unwrap();
    }
    let syncs = disk.0.load(Ordering::SeqCst) - before;
    assert!((1..1000).contains(&syncs), "{syncs}");
    assert_eq!(waiting(&log), (0..2000).collect::<Vec<_>>());
}

#[test]
fn a_log_that_is_full_says_so_and_takes_records_again_when_drained() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.max_bytes = 3000;
    options.segment_bytes = 1000;
    let (log, _) = FallbackLog::open(&options).unwrap();
    let mut kept = 0;
    let error = loop {
        match append(&log, [kept]) {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(kept > 5, "{kept}");
    assert_eq!(error.kind, Kind::Service);
    let said = error.to_string();
    assert!(said.contains("the fallback log is full"), "{said}");
    assert!(
        said.contains("most 3000") && said.contains("fix:"),
        "{said}"
    );
    assert!(log.bytes() <= 3000);
    assert_eq!(waiting(&log), (0..kept).collect::<Vec<_>>());
    log.settle(kept as u64, kept as u64, None).unwrap();
    append(&log, [kept]).unwrap();
}

/// A disk with so many bytes of space, and a switch that makes syncs fail.
struct Small {
    left: AtomicU64,
    sync_fails: AtomicU64,
}

impl Disk for Small {
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let room = self.left.load(Ordering::SeqCst);
        let taken = room.min(bytes.len() as u64);
        self.left.fetch_sub(taken, Ordering::SeqCst);
        let taken = usize::try_from(taken).unwrap();
        FileSystem.write(file, &bytes[..taken], at)?;
        match taken == bytes.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        match self.sync_fails.load(Ordering::SeqCst) {
            0 => FileSystem.sync(file),
            _ => Err(io::Error::other("the disk is broken")),
        }
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_the_log_readable_at_every_fill() {
    for room in 0..700 {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(Small {
            left: u64::MAX.into(),
            sync_fails: 0.into(),
        });
        let (log, _) = FallbackLog::open_on(&options(folder.path()), disk.clone()).unwrap();
        disk.left.store(room, Ordering::SeqCst);
        let mut kept = 0;
        let error = loop {
            match append(&log, [kept]) {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        let said = error.to_string();
        assert!(said.contains("cannot write to the fallback log"), "{said}");
        assert!(said.contains("free space"), "{said}");
        assert_eq!(
            (log.waiting(), waiting(&log)),
            (kept as u64, (0..kept).collect())
        );
        // The position is written in place, but this disk knows no places.
        disk.left.store(u64::MAX, Ordering::SeqCst);
        append(&log, [kept]).unwrap();
        assert_eq!(waiting(&log), (0..=kept).collect::<Vec<_>>());
        drop(log);
        let (log, opened) = reopened(folder.path());
        assert_eq!((opened.torn_bytes, opened.damage), (0, vec![]));
        assert_eq!(waiting(&log), (0..=kept).collect::<Vec<_>>());
    }
}

#[test]
fn a_sync_that_fails_is_an_error_and_what_follows_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Small {
        left: u64::MAX.into(),
        sync_fails: 0.into(),
    });
    let (log, _) = FallbackLog::open_on(&options(folder.path()), disk.clone()).unwrap();
    append(&log, [0, 1]).unwrap();
    disk.sync_fails.store(1, Ordering::SeqCst);
    let error = append(&log, [2, 3]).unwrap_err().to_string();
    assert!(error.contains("the disk is broken"), "{error}");
    append(&log, [4]).unwrap_err();
    disk.sync_fails.store(0, Ordering::SeqCst);
    append(&log, [5]).unwrap();
    assert_eq!(waiting(&log), [0, 1, 5]);
    drop(log);
    let (log, opened) = reopened(folder.path());
    assert_eq!(opened.damage, []);
    assert_eq!(waiting(&log), [0, 1, 5]);
}

/// A real full disk: a tmpfs of 64 KiB, for which one must be root; for others the faulty disk above stands in.
#[test]
fn a_full_tmpfs_is_told_and_drains() {
    let folder = tempfile::tempdir().unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(folder.path())
        .output();
    if !mount.is_ok_and(|done| done.status.success()) {
        eprintln!("no tmpfs without root: the faulty disk of the other test stands in");
        return;
    }
    struct Mounted<'f>(&'f Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }
    let mounted = Mounted(folder.path());
    let place = mounted.0.join("log");
    let mut options = options(&place);
    options.segment_bytes = 8 << 10;
    let (log, _) = FallbackLog::open(&options).unwrap();
    let mut kept = 0;
    let error = loop {
        match append(&log, [kept]) {
            Ok(()) => kept += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("free space"), "{error}");
    assert!(kept > 100, "{kept}");
    assert_eq!(waiting(&log), (0..kept).collect::<Vec<_>>());
    drop(log);
    // A restart on the full disk, and the way out of it.
    let (log, opened) = FallbackLog::open(&options).unwrap();
    assert_eq!((opened.records, opened.damage), (kept as u64, vec![]));
    log.settle(kept as u64 - 1, kept as u64 - 1, None).unwrap();
    append(&log, [kept]).unwrap();
    assert_eq!(waiting(&log), [kept - 1, kept]);
}

#[test]
fn two_logs_never_share_a_folder_and_the_second_names_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = reopened(folder.path());
    append(&log, [0]).unwrap();
    let Err(error) = FallbackLog::open(&options(folder.path())) else {
        panic!("opened twice");
    };
    let said = error.to_string();
    assert_eq!(error.kind, Kind::Config);
    assert!(said.contains("in use"), "{said}");
    let process = format!("process {}", std::process::id());
    assert!(said.contains(&process), "{said}");

    // Another process.
    let place = folder.path().to_str().unwrap();
    let replay = ["fallback", "replay", "--yes", "--dir", place];
    let other = command(PIPELINE, &replay).output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    let said = text(&other.stderr);
    assert!(said.contains("in use") && said.contains(&process), "{said}");
    // Looking is allowed.
    let listed = command(PIPELINE, &["fallback", "ls", "--dir", place]);
    let listed = { listed }.output().unwrap();
    let said = text(&listed.stdout);
    assert!(said.contains(&format!("in use by {process}")), "{said}");

    drop(log);
    let (log, _) = reopened(folder.path());
    assert_eq!(waiting(&log), [0]);
}
