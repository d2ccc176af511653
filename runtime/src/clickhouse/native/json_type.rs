//! `JSON(max_dynamic_paths = 16, status Nullable(String), …)` read back into typed paths.

/// A parsed JSON type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JsonType {
    /// Typed paths, sorted by the dotted path's bytes as the server sorts them.
    pub(super) paths: Vec<(String, Scalar)>,
    /// Paths that may have columns of their own, for the types of nested objects.
    pub(super) max_dynamic_paths: usize,
}

/// The type of a typed path; always nullable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scalar {
    String,
    Int64,
    UInt64,
    Float64,
    Bool,
}

/// ClickHouse's default for `max_dynamic_paths`.
const DEFAULT_DYNAMIC_PATHS: usize = 1024;

impl JsonType {
    /// `None` where the type is no JSON type, an error where it is one that the encoder cannot write.
    pub(super) fn parse(sql_type: &str) -> Option<Result<Self, String>> {
        let arguments = sql_type.trim().strip_prefix("JSON")?.trim();
        if arguments.is_empty() {
            return Some(Ok(Self {
                paths: Vec::new(),
                max_dynamic_paths: DEFAULT_DYNAMIC_PATHS,
            }));
        }
        let inside = arguments.strip_prefix('(')?.strip_suffix(')')?;
        Some(Self::parse_arguments(inside))
    }

    fn parse_arguments(text: &str) -> Result<Self, String> {
        let mut parsed = Self {
            paths: Vec::new(),
            max_dynamic_paths: DEFAULT_DYNAMIC_PATHS,
        };
        for argument in split_arguments(text) {
            if let Some((name, value)) = argument.split_once('=') {
                match (name.trim(), value.trim().parse()) {
                    ("max_dynamic_paths", Ok(number)) => parsed.max_dynamic_paths = number,
                    ("max_dynamic_types", Ok(_)) => {}
                    _ => return Err(format!("`{argument}`")),
                }
                continue;
            }
            let (path, rest) = read_path(argument).ok_or_else(|| format!("`{argument}`"))?;
            let scalar = match rest.trim() {
                "Nullable(String)" => Scalar::String,
                "Nullable(Int64)" => Scalar::Int64,
                "Nullable(UInt64)" => Scalar::UInt64,
                "Nullable(Float64)" => Scalar::Float64,
                "Nullable(Bool)" => Scalar::Bool,
                other => return Err(format!("path `{path}` has type `{other}`")),
            };
            parsed.paths.push((path, scalar));
        }
        parsed.paths.sort();
        Ok(parsed)
    }
}

/// Splits at commas outside of parentheses and backquotes.
fn split_arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut start) = (0, false, false, 0);
    let mut arguments = Vec::new();
    for (index, character) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match character {
            '\\' if quoted => escaped = true,
            '`' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                arguments.push(text[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    arguments.push(text[start..].trim());
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

/// A path, whose parts may stand in backquotes, and what follows it.
fn read_path(argument: &str) -> Option<(String, &str)> {
    let mut path = String::new();
    let mut rest = argument;
    loop {
        if let Some(quoted) = rest.strip_prefix('`') {
            let mut escaped = false;
            let mut end = None;
            for (index, character) in quoted.char_indices() {
                match character {
                    _ if escaped => {
                        escaped = false;
                        path.push(character);
                    }
                    '\\' => escaped = true,
                    '`' => {
                        end = Some(index + 1);
                        break;
                    }
                    _ => path.push(character),
                }
            }
            rest = &quoted[end?..];
        } else {
            let end = rest.find(['.', ' '])?;
            path.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        match rest.strip_prefix('.') {
            Some(next) => {
                path.push('.');
                rest = next;
            }
            None => return (!path.is_empty()).then_some((path, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read() {
        assert_eq!(JsonType::parse("String"), None);
        let parsed = JsonType::parse(
            "JSON(max_dynamic_paths = 16, status Nullable(String), `skip`.`a b` Nullable(Int64), a.b Nullable(Bool))",
        )
        .unwrap_or(Err(String::new()));
        assert_eq!(
            parsed,
            Ok(JsonType {
                paths: vec![
                    ("a.b".to_owned(), Scalar::Bool),
                    ("skip.a b".to_owned(), Scalar::Int64),
                    ("status".to_owned(), Scalar::String),
                ],
                max_dynamic_paths: 16,
            })
        );
        assert!(matches!(
            JsonType::parse("JSON(a Array(String))"),
            Some(Err(_))
        ));
    }
}
