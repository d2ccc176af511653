//! Where fact columns come from: `x-column` annotations and the manifest's `[columns]`, resolved per version.
use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::load::Loader;
use super::manifest::{ColumnSource, ColumnType, FactColumn};
use super::shape::nearest;
use super::{ColumnMapping, Envelope};
use crate::model::fields::{Field, Range};
use crate::model::{Model, Node, NodeKind, TypeSet, escape};

/// Columns that `x-column` annotations name; `prefix` is where the schema's root stands in the event.
pub(super) fn annotated(model: &Model, prefix: &str) -> Vec<ColumnMapping> {
    // Many schemas name none, and listing the fields takes longer.
    let names_one = |node: &Node| match &node.kind {
        NodeKind::Bool(_) => false,
        NodeKind::Keywords(keywords) => keywords.annotations.extensions.contains_key("x-column"),
    };
    if !model.nodes.iter().any(names_one) {
        return Vec::new();
    }
    model
        .fields(model.root)
        .iter()
        .filter_map(|field| {
            let column = model.extension(&field.property.schemas, "x-column")?;
            Some(ColumnMapping {
                column: column.to_owned(),
                source: ColumnSource {
                    from: format!("{prefix}{}", field.pointer),
                    when: Vec::new(),
                    negate: false,
                },
            })
        })
        .collect()
}

/// Names of one topic's top-level payload properties over its versions, followed through `x-renamed-from`.
#[derive(Clone, Debug, Default)]
pub(super) struct Lineage {
    /// Per version: property → the first name it ever had.
    versions: Vec<IndexMap<String, String>>,
}

impl Lineage {
    /// Adds the next version's properties and its renames (new → old).
    pub(super) fn add(
        &mut self,
        properties: impl Iterator<Item = String>,
        renames: &IndexMap<String, String>,
    ) {
        let names = properties
            .map(|name| {
                let origin = match (renames.get(&name), self.versions.last()) {
                    (Some(old), Some(before)) => {
                        before.get(old).cloned().unwrap_or_else(|| old.clone())
                    }
                    _ => self
                        .versions
                        .last()
                        .and_then(|before| before.get(&name).cloned())
                        .unwrap_or_else(|| name.clone()),
                };
                (name, origin)
            })
            .collect();
        self.versions.push(names);
    }

    /// A payload property, named as in any version, in the names of the version at `index`.
    pub(super) fn name_in(&self, index: usize, name: &str) -> Option<String> {
        let names = self.versions.get(index)?;
        if names.contains_key(name) {
            return Some(name.to_owned());
        }
        let origin = self
            .versions
            .iter()
            .rev()
            .find_map(|version| version.get(name))?;
        names
            .iter()
            .find(|(_, candidate)| *candidate == origin)
            .map(|(name, _)| name.clone())
    }

    /// Whether any version has the property.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.versions
            .iter()
            .any(|version| version.contains_key(name))
    }

    /// All names of all versions.
    pub(super) fn names(&self) -> Vec<String> {
        self.versions
            .iter()
            .flat_map(|version| version.keys().cloned())
            .collect()
    }
}

/// A pointer into the event seen from one version: the same pointer with the payload property renamed.
pub(super) fn rename(
    pointer: &str,
    payload: &str,
    lineage: &Lineage,
    index: usize,
) -> Option<String> {
    with_property(pointer, payload, |name| lineage.name_in(index, name))
}

/// A pointer into the event with its payload property called otherwise; one that leads into the envelope stays.
pub(crate) fn with_property(
    pointer: &str,
    payload: &str,
    called: impl FnOnce(&str) -> Option<String>,
) -> Option<String> {
    let prefix = format!("/{}/", escape(payload));
    let Some(rest) = pointer.strip_prefix(&prefix) else {
        return Some(pointer.to_owned());
    };
    let (first, tail) = rest
        .split_once('/')
        .map_or((rest, None), |(first, tail)| (first, Some(tail)));
    let name = called(&crate::model::unescape(first))?;
    Some(match tail {
        Some(tail) => format!("{prefix}{}/{tail}", escape(&name)),
        None => format!("{prefix}{}", escape(&name)),
    })
}

/// The field behind a pointer into the event, in envelope or payload.
pub(crate) fn field<'m>(
    pointer: &str,
    envelope: &'m Envelope,
    payload: &'m Model,
) -> Option<(Field, &'m Model)> {
    match pointer.strip_prefix(&format!("/{}/", escape(&envelope.fields.payload))) {
        Some(rest) => payload
            .field(payload.root, &format!("/{rest}"))
            .map(|field| (field, payload)),
        None => envelope
            .model
            .field(envelope.model.root, pointer)
            .map(|field| (field, &envelope.model)),
    }
}

/// Why a field cannot land in a column, and what would do.
pub(super) fn mismatch(
    range: &Range,
    column: &FactColumn,
    negate: bool,
) -> Option<(String, String)> {
    let without_null = TypeSet(range.types.0 & !TypeSet::NULL.0);
    let kind = crate::fact::stated_type(column.kind);
    match column.kind {
        ColumnType::Bool => (without_null != TypeSet::BOOLEAN).then(|| {
            (
                format!("column `{}` is {kind}", column.name),
                "map a boolean field".to_owned(),
            )
        }),
        ColumnType::String | ColumnType::LowCardinalityString | ColumnType::DateTime64 => {
            (without_null != TypeSet::STRING).then(|| {
                (
                    format!(
                        "column `{}` is {kind}, the field is not a string",
                        column.name
                    ),
                    "map a string field, or change the column's type".to_owned(),
                )
            })
        }
        ColumnType::Float64 => (without_null.0 & !(TypeSet::NUMBER.0 | TypeSet::INTEGER.0) != 0)
            .then(|| {
                (
                    format!(
                        "column `{}` is {kind}, the field is not a number",
                        column.name
                    ),
                    "map a number field".to_owned(),
                )
            }),
        integer => {
            let (lowest, highest) = bounds(integer)?;
            if without_null != TypeSet::INTEGER {
                return Some((
                    format!(
                        "column `{}` is {kind}, the field is not an integer",
                        column.name
                    ),
                    "map a field of type integer".to_owned(),
                ));
            }
            let (minimum, maximum) = if negate {
                (
                    range.maximum.map(|bound| -bound),
                    range.minimum.map(|bound| -bound),
                )
            } else {
                (range.minimum, range.maximum)
            };
            (minimum.is_none_or(|bound| bound < lowest) || maximum.is_none_or(|bound| bound > highest)).then(|| {
                (
                    format!("the field's values may not fit column `{}` ({kind}: {lowest} to {highest})", column.name),
                    format!("give the field \"minimum\" and \"maximum\" within {lowest} and {highest}, or widen the column"),
                )
            })
        }
    }
}

fn bounds(kind: ColumnType) -> Option<(i128, i128)> {
    Some(match kind {
        ColumnType::UInt8 => (0, i128::from(u8::MAX)),
        ColumnType::UInt16 => (0, i128::from(u16::MAX)),
        ColumnType::UInt32 => (0, i128::from(u32::MAX)),
        ColumnType::UInt64 => (0, i128::from(u64::MAX)),
        ColumnType::Int8 => (i128::from(i8::MIN), i128::from(i8::MAX)),
        ColumnType::Int16 => (i128::from(i16::MIN), i128::from(i16::MAX)),
        ColumnType::Int32 => (i128::from(i32::MIN), i128::from(i32::MAX)),
        ColumnType::Int64 => (i128::from(i64::MIN), i128::from(i64::MAX)),
        ColumnType::Bool
        | ColumnType::Float64
        | ColumnType::String
        | ColumnType::LowCardinalityString
        | ColumnType::DateTime64 => return None,
    })
}

/// Checks the mappings of one schema file against the fact columns; `at` is the file to report in and
/// `place` turns a mapping into the pointer there.
pub(super) fn check(
    loader: &mut Loader,
    at: &str,
    mappings: &[ColumnMapping],
    columns: &[FactColumn],
    envelope: (&Envelope, &Model),
    place: impl Fn(&ColumnMapping) -> String,
) {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    for mapping in mappings {
        let pointer = place(mapping);
        let Some(column) = columns.iter().find(|column| column.name == mapping.column) else {
            let fix = nearest(&mapping.column, &names).map_or_else(
                || format!("add it to [[clickhouse.columns]] in registry.toml, or use one of: {}", names.join(", ")),
                |near| format!("did you mean `{near}`? Otherwise add the column to [[clickhouse.columns]] in registry.toml"),
            );
            loader.report(
                at,
                "unknown-column",
                &pointer,
                format!("the fact table has no column `{}`", mapping.column),
                Some(fix),
            );
            continue;
        };
        let Some((field, model)) = field(&mapping.source.from, envelope.0, envelope.1) else {
            continue;
        };
        if let Some((problem, fix)) = mismatch(
            &model.range(&field.property.schemas),
            column,
            mapping.source.negate,
        ) {
            loader.report(
                at,
                "column-type-mismatch",
                &pointer,
                format!("`{}`: {problem}", mapping.source.from),
                Some(fix),
            );
        }
    }
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for mapping in mappings {
        if let Some(other) = seen.insert(&mapping.column, &mapping.source.from) {
            loader.report(
                at,
                "column-filled-twice",
                &place(mapping),
                format!(
                    "both `{other}` and `{}` fill column `{}`",
                    mapping.source.from, mapping.column
                ),
                Some("keep one of the two".to_owned()),
            );
        }
    }
}
