//! Which scalar a payload path holds over all versions of a topic: what columns and tables go by.
use std::collections::BTreeMap;
use std::sync::Arc;

use super::load::Loader;
use super::manifest::PayloadStorage;
use super::{Topic, TopicVersion};
use crate::model::TypeSet;
use crate::model::fields::Range;

/// Declared paths by their dotted spelling, `source.host`. Arrays and objects have no span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadPaths(pub BTreeMap<String, PayloadPath>);

/// A declared path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadPath {
    /// Member names from the payload's root, none of them empty or with a dot.
    pub names: Vec<String>,
    /// What all its declarations allow together; `None` where that is no single scalar.
    pub span: Option<Span>,
}

impl PayloadPaths {
    /// Those of a topic's versions.
    pub(super) fn of(versions: &[TopicVersion]) -> Self {
        let mut paths = Self::default();
        for version in versions {
            for field in version.model.fields(version.model.root) {
                let span = Span::of(&version.model.range(&field.property.schemas));
                // Most paths are known from the version before, and need no names of their own.
                let dotted = field.pointer.get(1..).unwrap_or_default().replace('/', ".");
                if !field.pointer.contains(['~', '.']) && paths.meets(&dotted, span) {
                    continue;
                }
                let names: Vec<String> = field
                    .pointer
                    .split('/')
                    .skip(1)
                    .map(crate::model::unescape)
                    .collect();
                // A dot inside a name reads as nesting in ClickHouse.
                if names
                    .iter()
                    .any(|name| name.contains('.') || name.is_empty())
                {
                    continue;
                }
                paths.declare(&names.join("."), &names, span);
            }
        }
        paths
    }

    /// Adds the paths of another topic.
    pub fn add(&mut self, other: &Self) {
        for (dotted, path) in &other.0 {
            self.declare(dotted, &path.names, path.span);
        }
    }

    fn declare(&mut self, dotted: &str, names: &[String], span: Option<Span>) {
        if !self.meets(dotted, span) {
            let path = PayloadPath {
                names: names.to_vec(),
                span,
            };
            self.0.insert(dotted.to_owned(), path);
        }
    }

    /// Adds a declaration of a path that is known; whether it is.
    fn meets(&mut self, dotted: &str, span: Option<Span>) -> bool {
        let Some(seen) = self.0.get_mut(dotted) else {
            return false;
        };
        seen.span = seen
            .span
            .zip(span)
            .and_then(|(left, right)| left.union(right));
        true
    }
}

/// Typed paths that a JSON column of ClickHouse takes.
const MOST_TYPED: usize = 1000;

/// Whether one column can hold the payloads of all topics: every declared scalar is a typed path of it.
pub(super) fn check(loader: &mut Loader, storage: PayloadStorage, topics: &[Arc<Topic>]) {
    if storage == PayloadStorage::String {
        return;
    }
    let mut declared = PayloadPaths::default();
    for topic in topics {
        declared.add(&topic.payload_paths);
    }
    let spans = declared.0.values().filter_map(|path| path.span);
    let typed = spans.filter(|span| span.is_typed()).count();
    if typed > MOST_TYPED {
        loader.report(
            "registry.toml",
            "invalid-setting",
            "/clickhouse/payload",
            format!(
                "the payloads declare {typed} scalar fields of different paths, and a JSON column takes {MOST_TYPED} typed ones"
            ),
            Some("write payload = \"string\", or describe fields that have a name of the data by `patternProperties` or `additionalProperties`".to_owned()),
        );
    }
}

/// What all declarations of a path so far allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// Any number.
    Number,
    /// Whole numbers.
    Integer {
        /// The least of them.
        lowest: i128,
        /// The greatest of them.
        highest: i128,
    },
}

impl Span {
    /// Whether a column has a type for all of it.
    const fn is_typed(self) -> bool {
        match self {
            Self::Text | Self::Boolean | Self::Number => true,
            Self::Integer { lowest, highest } => {
                lowest >= i64::MIN as i128 && highest <= i64::MAX as i128
                    || lowest >= 0 && highest <= u64::MAX as i128
            }
        }
    }

    fn of(range: &Range) -> Option<Self> {
        let types = TypeSet(range.types.0 & !TypeSet::NULL.0);
        match types {
            TypeSet::STRING => Some(Self::Text),
            TypeSet::BOOLEAN => Some(Self::Boolean),
            TypeSet::INTEGER => Some(Self::Integer {
                lowest: range.minimum?,
                highest: range.maximum?,
            }),
            _ if types.0 & TypeSet::NUMBER.0 != 0
                && types.0 & !(TypeSet::NUMBER.0 | TypeSet::INTEGER.0) == 0 =>
            {
                Some(Self::Number)
            }
            _ => None,
        }
    }

    fn union(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Text, Self::Text) => Some(Self::Text),
            (Self::Boolean, Self::Boolean) => Some(Self::Boolean),
            (Self::Number, Self::Number) => Some(Self::Number),
            (
                Self::Integer { lowest, highest },
                Self::Integer {
                    lowest: other_lowest,
                    highest: other_highest,
                },
            ) => Some(Self::Integer {
                lowest: lowest.min(other_lowest),
                highest: highest.max(other_highest),
            }),
            (Self::Text | Self::Boolean | Self::Number | Self::Integer { .. }, _) => None,
        }
    }
}
