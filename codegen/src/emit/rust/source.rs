//! A Rust source file from tokens: header, imports that the code uses, formatted body.
use proc_macro2::TokenStream;
use quote::ToTokens as _;
use sha2::{Digest as _, Sha256};

use super::refusal::Refusal;
use super::{EmittedFile, tidy};

/// Names that generated code may use, and where they come from.
const IMPORTS: &[(&str, &[&str])] = &[
    ("std::collections", &["BTreeMap"]),
    ("serde", &["Deserialize", "Serialize"]),
    (
        "topicwright_runtime::check",
        &["At", "Check", "Literal", "Pattern", "Violation"],
    ),
    (
        "topicwright_runtime::column",
        &[
            "ColumnRef",
            "Fixed",
            "JsonColumn",
            "JsonTextColumn",
            "Millis",
            "Text",
        ],
    ),
    ("topicwright_runtime::json", &["Json", "Kind", "Number"]),
    (
        "topicwright_runtime::registry",
        &[
            "ClosedView",
            "Days",
            "EnvelopeFields",
            "EventRegistry",
            "FactBlock",
            "Payload",
            "Project",
            "ReadError",
            "Row",
            "Statement",
            "Topic",
            "Version",
        ],
    ),
    ("topicwright_runtime", &["row"]),
];

/// Whether a name is one that generated code imports, so that a type which takes it would be there twice.
#[must_use]
pub(super) fn is_imported(name: &str) -> bool {
    // The crate's own, which the modules of versions name.
    name == "Block" || IMPORTS.iter().any(|(_, names)| names.contains(&name))
}

/// A file below `generated/src/`. `doc` is the file's `//!` text, `made_from` the registry file it comes from.
pub(super) fn file(
    path: &str,
    doc: &str,
    made_from: Option<(&str, &str)>,
    extra_imports: &[&str],
    body: &TokenStream,
) -> EmittedFile {
    let (text, words) = match syn::parse2::<syn::File>(body.clone()) {
        Ok(mut file) => {
            tidy::tidy(&mut file);
            let words = tidy::first_words(file.to_token_stream());
            (prettyplease::unparse(&file), words)
        }
        // Not reachable with the tokens that this crate makes; shown as it is rather than lost.
        Err(_) => (body.to_string(), tidy::first_words(body.clone())),
    };
    let mut contents = String::new();
    for line in doc.trim().lines() {
        contents.push_str(format!("//! {}", tidy::printable(line)).trim_end());
        contents.push('\n');
    }
    contents.push_str("//!\n");
    match made_from {
        Some((source, hash)) => {
            contents.push_str(&format!("//! Made from `schema_registry/{source}` ({hash}) by `topicwright generate`; do not edit.\n"));
        }
        None => contents.push_str("//! Made by `topicwright generate`; do not edit.\n"),
    }
    let mut imports: Vec<String> = extra_imports
        .iter()
        .map(|import| format!("use {import};\n"))
        .collect();
    for (module, names) in IMPORTS {
        let mut used: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| words.contains(*name))
            .collect();
        if *module == "topicwright_runtime::check"
            && words.contains("check")
            && text.contains("check::")
        {
            used.insert(0, "self");
        }
        match used[..] {
            [] => {}
            [only] => imports.push(format!("use {module}::{only};\n")),
            _ => imports.push(format!("use {module}::{{{}}};\n", used.join(", "))),
        }
    }
    contents.push_str(&imports.concat().replace(
        "use topicwright_runtime::check::self;",
        "use topicwright_runtime::check;",
    ));
    if !imports.is_empty() {
        contents.push('\n');
    }
    contents.push_str(&spaced(&text));
    EmittedFile {
        path: format!("generated/src/{path}"),
        contents,
    }
}

/// The same file with `mod` lines: before its imports, as people write them, and behind what it says of itself, which
/// may have the words of any code in it.
pub(super) fn with_modules(mut file: EmittedFile, modules: &str) -> EmittedFile {
    let is_doc = |line: &&str| line.starts_with("//!");
    let doc = file.contents.split_inclusive('\n').take_while(is_doc);
    let split = doc.map(str::len).sum();
    file.contents.insert_str(split, &format!("{modules}\n"));
    file
}

/// A blank line between top-level items.
fn spaced(text: &str) -> String {
    let mut result = String::new();
    let mut previous = "";
    for line in text.lines() {
        let ends_item = previous == "}"
            || (previous.ends_with(';')
                && !previous.starts_with(' ')
                && !line.starts_with("use ")
                && !line.starts_with("pub use ")
                && !line.starts_with("static "));
        // Inside an impl: a documented item after another one.
        let ends_member =
            line.starts_with("    ///") && (previous == "    }" || previous.ends_with(';'));
        if (ends_item && !line.is_empty() && !line.starts_with('}')) || ends_member {
            result.push('\n');
        }
        result.push_str(line);
        result.push('\n');
        previous = line;
    }
    result
}

/// First 12 hex digits of the SHA-256 of a document's canonical text.
#[must_use]
pub(super) fn content_hash(document: &serde_json::Value) -> String {
    let digest = Sha256::digest(document.to_string().as_bytes());
    digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A refusal of a whole schema file.
pub(super) fn refuse_file(path: &str, message: String) -> Refusal {
    Refusal {
        document: crate::registry::load::uri(path),
        pointer: String::new(),
        message,
        fix: "simplify this part of the schema, or give it a `title` of its own".to_owned(),
    }
}
