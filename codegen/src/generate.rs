//! One call from a registry folder to everything that is made from it; the entry point for `build.rs`.
use std::path::Path;

use crate::emit::{self, EmittedFile};
use crate::finding::Finding;
use crate::output::{self, Change, OutputError};
use crate::registry::files::{Files, ReadError};
use crate::registry::load::load;
use crate::registry::lock::{self, Lock};

/// Why nothing was generated.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The registry folder cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
    /// The registry has problems; all of them.
    #[error("{}", list(.0))]
    Findings(Vec<Finding>),
}

fn list(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// Everything made from the texts of a registry, and notes that stop nothing.
///
/// # Errors
/// Every problem of the registry.
pub fn emit(files: &Files) -> Result<(Vec<EmittedFile>, Vec<Finding>), Vec<Finding>> {
    compile(files).map(|compiled| (compiled.files, compiled.notes))
}

/// What a registry compiles to.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Files below the project's root.
    pub files: Vec<EmittedFile>,
    /// `registry.lock`, below the registry folder, whatever that is called.
    pub lock: EmittedFile,
    /// Findings that stop nothing.
    pub notes: Vec<Finding>,
}

/// [`emit()`] with the lock file.
///
/// # Errors
/// Every problem of the registry.
pub fn compile(files: &Files) -> Result<Compiled, Vec<Finding>> {
    let loaded = load(files);
    let Some(registry) = loaded.registry else {
        return Err(loaded.findings);
    };
    let emitted = emit::emit(&registry).map_err(|refusals| {
        refusals
            .into_iter()
            .map(|refusal| refusal.into_finding(files))
            .collect::<Vec<_>>()
    })?;
    let lock = Lock::of(&registry).text().map_err(|error| {
        let manifest = loaded.documents.get("registry.toml");
        manifest
            .map(|manifest| manifest.finding("invalid-manifest", "", error.to_string()))
            .into_iter()
            .collect::<Vec<_>>()
    })?;
    Ok(Compiled {
        files: emitted,
        lock: EmittedFile {
            path: lock::PATH.to_owned(),
            contents: lock,
        },
        notes: loaded.findings,
    })
}

/// Generates into the folder that holds the registry folder; call it from `build.rs`.
///
/// ```no_run
/// // build.rs
/// fn main() {
///     println!("cargo::rerun-if-changed=schema_registry");
///     if let Err(problem) = topicwright::generate(std::path::Path::new("schema_registry"), std::path::Path::new(".")) {
///         panic!("{problem}");
///     }
/// }
/// ```
///
/// # Errors
/// The registry cannot be read or has problems, or the output cannot be written.
#[allow(clippy::needless_doctest_main)] // build.rs is a program
pub fn generate(registry: &Path, root: &Path) -> Result<Vec<(String, Change)>, GenerateError> {
    let files = Files::read(registry)?;
    let compiled = compile(&files).map_err(GenerateError::Findings)?;
    let mut changes = output::write(&compiled.files, root)?;
    changes.extend(output::write(&[compiled.lock], registry)?);
    Ok(changes)
}
