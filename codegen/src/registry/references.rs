//! Which registry files a schema needs: the closure of its references.
use serde_json::Value;

use super::document::Documents;

/// `path` first, then every file that its references lead to, each once.
#[must_use]
pub fn closure(documents: &Documents, path: &str) -> Vec<String> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while let Some(current) = found.get(next).cloned() {
        next += 1;
        let Some(document) = documents.get(&current) else {
            continue;
        };
        for target in document.references() {
            if let Some(file) =
                resolve(documents, &current, target).filter(|file| !found.contains(file))
            {
                found.push(file);
            }
        }
    }
    found
}

/// Every reference in a schema that leads to another file, without its fragment.
pub(super) fn outward(schema: &Value) -> Vec<String> {
    let mut references = Vec::new();
    collect(schema, &mut references);
    references
        .into_iter()
        .filter_map(|reference| reference.split('#').next())
        .filter(|target| !target.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The registry file that a reference without its fragment names, seen from a file.
#[must_use]
pub fn resolve(documents: &Documents, from: &str, target: &str) -> Option<String> {
    // Most references are paths, and looking for an `$id` reads every file.
    let path = join(from, target);
    if documents.contains_key(&path) {
        return Some(path);
    }
    by_id(documents, target)
}

fn collect<'v>(value: &'v Value, references: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if matches!(name.as_str(), "$ref" | "$dynamicRef") {
                    references.extend(member.as_str());
                }
                collect(member, references);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A file whose `$id` ends in the target, for registries that name schemas by URI.
fn by_id(documents: &Documents, target: &str) -> Option<String> {
    documents
        .iter()
        .find(|(_, document)| document.value.get("$id").and_then(Value::as_str) == Some(target))
        .map(|(path, _)| path.clone())
}

/// A relative path seen from a file.
fn join(from: &str, target: &str) -> String {
    if let Some(absolute) = target
        .strip_prefix("registry:///")
        .or_else(|| target.strip_prefix('/'))
    {
        return absolute.to_owned();
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn relative_paths() {
        assert_eq!(
            join("topics/a/v1.json", "../../common/x.json"),
            "common/x.json"
        );
        assert_eq!(join("topics/a/v1.json", "./y.json"), "topics/a/y.json");
        assert_eq!(join("a.json", "/common/x.json"), "common/x.json");
        assert_eq!(join("a.json", "../../x.json"), "x.json");
    }
}
