//! Artifacts from Maven, into an entry of the cache.
//!
//! Maven does the transfer, so the user's mirror, proxy and certificates hold; a wrong checksum is an error.
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process::run;
use super::{EngineError, at};

/// Coordinates of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Group id.
    pub group: &'static str,
    /// Artifact id.
    pub name: &'static str,
    /// Version.
    pub version: &'static str,
}

/// What is wanted of artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Their jars, and the jars that those need.
    Copy,
    /// What is packed in the jars.
    Unpack,
}

/// Puts artifacts into an empty folder; `what` is for the eyes of whoever waits.
///
/// # Errors
/// Maven is missing, or cannot get one of them.
pub fn fetch(
    what: &str,
    artifacts: &[Artifact],
    goal: Goal,
    folder: &Path,
) -> Result<(), EngineError> {
    let path = folder.join("pom.xml");
    fs::write(&path, pom(artifacts)).map_err(at(&path))?;
    let wait = indicatif::ProgressBar::new_spinner().with_message(format!("{what}: downloading"));
    wait.enable_steady_tick(Duration::from_millis(100));
    let goal = match goal {
        Goal::Copy => "dependency:copy-dependencies",
        Goal::Unpack => "dependency:unpack-dependencies",
    };
    // -C: a wrong checksum is an error, not a warning.
    let result = run(
        Command::new("mvn")
            .args(["-q", "-B", "-C", "-f"])
            .arg(&path)
            .arg(goal)
            .arg(format!("-DoutputDirectory={}", folder.display())),
        "maven",
    );
    wait.finish_and_clear();
    result.map(drop)
}

/// A project that depends on the artifacts.
fn pom(artifacts: &[Artifact]) -> String {
    let mut text = String::from(
        r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>topicwright</groupId>
  <artifactId>engine</artifactId>
  <version>1</version>
  <dependencies>
"#,
    );
    for artifact in artifacts {
        // Writing to memory cannot fail.
        let _ = writeln!(
            text,
            "    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>",
            artifact.group, artifact.name, artifact.version
        );
    }
    text.push_str("  </dependencies>\n</project>\n");
    text
}
