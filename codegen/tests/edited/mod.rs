//! Edits of the web shop's registry, as fixtures write them.
#![allow(dead_code)] // nobody uses all of it
use serde::Deserialize;
use topicwright::registry::files::Files;

/// One edit: replaces a text, writes, copies or removes a file; a path that ends in `/` names a folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    file: String,
    old: Option<String>,
    new: Option<String>,
    text: Option<String>,
    copy: Option<String>,
    #[serde(default)]
    remove: bool,
}

/// The day of a check whose fixture names none.
pub const TODAY: &str = "2026-11-24";

/// Where the fixtures of the rules are.
pub fn rule_fixtures() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    today: Option<String>,
    /// Edits of both sides.
    #[serde(default)]
    before: Vec<Edit>,
    /// The change.
    edit: Vec<Edit>,
}

/// A rule's fixture: the registry before and after, and the day of the check.
pub struct Change {
    pub old: Files,
    pub new: Files,
    pub today: String,
}

/// The fixture of a rule's case.
pub fn change(rule: &str, case: &str) -> Change {
    let path = rule_fixtures().join(rule).join(case).join("edit.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
    let fixture: Fixture = toml::from_str(&text).unwrap_or_else(|error| panic!("{rule}: {error}"));
    let mut old = webshop();
    apply(&mut old, &fixture.before);
    let mut new = old.clone();
    apply(&mut new, &fixture.edit);
    Change {
        old,
        new,
        today: fixture.today.unwrap_or_else(|| TODAY.to_owned()),
    }
}

/// The registry without edits.
pub fn webshop() -> Files {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    Files::read(&root.join("../tests/registries/webshop")).unwrap()
}

/// Applies edits in order; one that changes nothing is a mistake in the fixture.
pub fn apply(files: &mut Files, edits: &[Edit]) {
    for edit in edits {
        let file = edit.file.as_str();
        match edit {
            Edit { remove: true, .. } => {
                let before = files.0.len();
                let folder = file.ends_with('/');
                files
                    .0
                    .retain(|path, _| path != file && !(folder && path.starts_with(file)));
                assert!(files.0.len() < before, "{file} is not there");
            }
            Edit {
                copy: Some(from), ..
            } => {
                let text = files
                    .0
                    .get(from)
                    .unwrap_or_else(|| panic!("{from}"))
                    .clone();
                assert!(files.0.insert(file.to_owned(), text).is_none(), "{file}");
            }
            Edit {
                text: Some(text), ..
            } => {
                files.0.insert(file.to_owned(), text.clone());
            }
            Edit {
                old: Some(old),
                new: Some(new),
                ..
            } => {
                let text = files.0.get_mut(file).unwrap_or_else(|| panic!("{file}"));
                assert!(text.contains(old), "{file} has no {old}");
                *text = text.replacen(old, new, 1);
            }
            Edit { .. } => panic!("{file}: an edit replaces, writes, copies or removes"),
        }
    }
}
