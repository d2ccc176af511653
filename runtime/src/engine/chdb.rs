//! Fetches ClickHouse as a shared library from its npm package, once.
//!
//! npm does the transfer, so the user's registry, proxy and certificates hold; the checked-in sum decides
//! whether the result is used.
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha512};

use super::process::start_error;
use super::{EngineError, at, cache};

/// The first release line whose library hosts the server; the tag `latest` is older and cannot.
const PACKAGE: &str = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1";

/// Size of the packed package in bytes, for the progress bar.
const PACKED: u64 = 177_817_999;

/// SHA-512 of the packed package: npm's `dist.integrity` of this version, in hexadecimal.
const SHA512: &str = "5cff7b98caa7739b59a4a432c11f0dedc2d3b073624e61ebdf4a42e66ce8de35a6ba48ca9f62016bad1cd81fe059435cb858ce3235a8a2b408082a81563e70a7";

/// The library's file name.
const LIBRARY: &str = "libchdb.so";

/// The library: `TOPICWRIGHT_CHDB_LIB` where set, else the cache's, downloaded when it is not there yet.
pub(super) fn library() -> Result<PathBuf, EngineError> {
    if let Some(path) = std::env::var_os("TOPICWRIGHT_CHDB_LIB").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(EngineError::Missing {
            program: "clickhouse".to_owned(),
            package: "clickhouse-server",
        });
    }
    cache::entry("clickhouse-26.7.3", fetch).map(|folder| folder.join(LIBRARY))
}

fn fetch(folder: &Path) -> Result<(), EngineError> {
    let packed = pack(folder)?;
    let actual = sha512(&packed)?;
    if actual != SHA512 {
        return Err(EngineError::Checksum {
            what: PACKAGE,
            expected: SHA512,
            actual,
        });
    }
    unpack(&packed, &folder.join(LIBRARY))?;
    fs::remove_file(&packed).map_err(at(&packed))
}

/// Runs `npm pack` and follows the growth of npm's own temporary files.
fn pack(folder: &Path) -> Result<PathBuf, EngineError> {
    let npm_cache = folder.join("npm");
    let mut child = Command::new("npm")
        .args(["pack", PACKAGE, "--silent", "--pack-destination"])
        .arg(folder)
        .arg("--cache")
        .arg(&npm_cache)
        // Not inside a package of the working directory.
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| start_error(error, "npm", "npm"))?;
    let bar = bar("ClickHouse: downloading", PACKED);
    while matches!(child.try_wait(), Ok(None)) {
        bar.set_position(size_below(&npm_cache).min(PACKED));
        sleep(Duration::from_millis(100));
    }
    bar.finish_and_clear();
    let output = child.wait_with_output().map_err(at("npm"))?;
    if !output.status.success() {
        return Err(EngineError::Failed {
            program: format!("npm pack {PACKAGE}"),
            detail: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    fs::remove_dir_all(&npm_cache).map_err(at(&npm_cache))?;
    let name = String::from_utf8_lossy(&output.stdout);
    Ok(folder.join(name.trim().lines().next_back().unwrap_or_default()))
}

/// Bytes of all files below a folder; what vanishes meanwhile counts nothing.
fn size_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn sha512(path: &Path) -> Result<String, EngineError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hasher = Sha512::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(at(path))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Takes the library out of the package; the rest of it is for Node.
fn unpack(packed: &Path, library: &Path) -> Result<(), EngineError> {
    let file = File::open(packed).map_err(at(packed))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries().map_err(at(packed))? {
        let mut entry = entry.map_err(at(packed))?;
        let is_library = entry
            .path()
            .is_ok_and(|path| path.file_name().is_some_and(|name| name == LIBRARY));
        if !is_library {
            continue;
        }
        let bar = bar("ClickHouse: unpacking", entry.size());
        let mut out = File::create(library).map_err(at(library))?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = entry.read(&mut buffer).map_err(at(packed))?;
            if read == 0 {
                break;
            }
            out.write_all(&buffer[..read]).map_err(at(library))?;
            bar.inc(read as u64);
        }
        bar.finish_and_clear();
        return out.sync_all().map_err(at(library));
    }
    Err(EngineError::Failed {
        program: format!("npm pack {PACKAGE}"),
        detail: format!("the package holds no {LIBRARY}"),
    })
}

fn bar(what: &'static str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes).with_message(what);
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
    {
        bar.set_style(style);
    }
    bar
}
