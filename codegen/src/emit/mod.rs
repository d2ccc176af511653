//! From a loaded registry to files. Every emitter builds a plan from the registry and prints it last.
pub mod rust;

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittedFile {
    /// Path below the project's root, `/` between folders: `generated/src/lib.rs`.
    pub path: String,
    /// The text, ending in a newline.
    pub contents: String,
}

/// All files made from a registry, sorted by path.
///
/// # Errors
/// Everything that Rust cannot carry faithfully.
pub fn emit(
    registry: &crate::registry::Registry,
) -> Result<Vec<EmittedFile>, Vec<rust::refusal::Refusal>> {
    let mut files = rust::emit(registry, &[], &[])?;
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}
