//! The project's names: what the generated crate is called, and what group and client ids begin with.
use super::load::Loader;
use super::manifest::RegistryManifest;
use super::operations::is_label;

const FILE: &str = "registry.toml";

pub(super) fn check(loader: &mut Loader, manifest: &RegistryManifest) {
    let name = &manifest.project.crate_name;
    if let Some(problem) = crate_name_problem(name) {
        loader.report(
            FILE,
            "invalid-setting",
            "/project/crate",
            format!("`{name}` {problem}"),
            Some("write lower-case words joined by `-`, a letter first".to_owned()),
        );
    }
    let project = &manifest.project.name;
    if !is_label(project) {
        loader.report(
            FILE,
            "invalid-setting",
            "/project/name",
            format!("`{project}` cannot be part of group and client ids"),
            Some("use letters, digits, `-`, `_` and `.`, at most 63: \"game\"".to_owned()),
        );
    }
}

/// Crates that the generated one would hide or be confused with: Rust's own, the workspace's, what it depends on.
const TAKEN_CRATES: &[&str] = &[
    "alloc",
    "core",
    "generated_subject",
    "pipeline",
    "proc_macro",
    "proc_macro2",
    "serde",
    "serde_json",
    "std",
    "test",
    "topicwright",
    "topicwright_runtime",
    "topicwright_tests",
];

/// Types of the generated crate, and those that the module of the registry's own type names; that type is called
/// after the crate.
const TAKEN_TYPES: &[&str] = &[
    "block",
    "check",
    "envelope_fields",
    "event",
    "event_registry",
    "payload",
    "project",
    "registry",
    "self",
    "statement",
    "topic",
    "version",
];

/// Why a name can be no name of the generated crate.
fn crate_name_problem(name: &str) -> Option<&'static str> {
    let spelled = name.replace('_', "-");
    let words = spelled.split('-').all(|word| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if !words || !name.starts_with(|first: char| first.is_ascii_lowercase()) || name.len() > 64 {
        return Some("is no name of a crate");
    }
    let module = name.replace('-', "_");
    if syn::parse_str::<syn::Ident>(&module).is_err() {
        return Some("is a word of Rust");
    }
    if TAKEN_CRATES.contains(&module.as_str()) {
        return Some("is another crate");
    }
    TAKEN_TYPES
        .contains(&module.as_str())
        .then_some("would be called like a type inside the crate")
}

#[cfg(test)]
mod tests {
    use super::crate_name_problem;

    #[test]
    fn crate_names_make_types_and_modules() {
        for good in ["webshop_events", "e2e", "events"] {
            assert_eq!(crate_name_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "1st",
            "Game",
            "a--b",
            "a b",
            "a.b",
            "-a",
            "é",
            "fn",
            "serde",
            "serde_json",
            "event",
            "event_registry",
            "project",
            "registry",
            "std",
            "version",
        ] {
            assert!(crate_name_problem(bad).is_some(), "{bad}");
        }
    }
}
