//! The schema model: every keyword of drafts 04 to 2020-12 in one dialect-free form.
//!
//! A [`Model`] is an arena of [`Node`]s. References are already resolved to node ids, so
//! recursion is a cycle in the graph and never a string. Consumers (prover, emitters, rules)
//! see only this; where a keyword sits in which file is kept in [`Node::location`].
pub mod fields;
mod load;
mod member;
mod sparse;

use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

pub use load::{ModelError, build, build_in, escape, known as known_draft, unescape};
pub use sparse::Sparse;

/// Keywords whose values are data and no schemas: what looks like a keyword in them is a member like others.
pub(crate) const DATA: &[&str] = &["const", "enum", "default", "examples"];

/// Index of a node in its [`Model`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId(pub u32);

/// Where a schema node was written: the document's URI (a registry file's path) and a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// URI of the document, `registry:///topics/…` for registry files.
    pub document: String,
    /// JSON pointer inside the document, `""` for its root.
    pub pointer: String,
}

impl std::fmt::Display for Location {
    /// `topics/shop.purchase/v1.json#/properties/status`, on one line whatever members are called.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = self.document.trim_start_matches("registry:///");
        write!(formatter, "{file}#")?;
        for character in self.pointer.chars() {
            if character.is_control() {
                write!(formatter, "{}", character.escape_default())?;
            } else {
                write!(formatter, "{character}")?;
            }
        }
        Ok(())
    }
}

/// A resolved schema graph. `root` is the schema that was asked for.
#[derive(Clone, Debug)]
pub struct Model {
    /// All reachable nodes.
    pub nodes: Vec<Node>,
    /// The schema the graph was built for.
    pub root: SchemaId,
    /// `$dynamicAnchor`s by (resource, anchor name); `$recursiveAnchor: true` has the name `""`.
    pub dynamic_anchors: IndexMap<(ResourceId, String), SchemaId>,
}

/// A schema resource (a document or an embedded `$id`), for dynamic scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub u32);

/// One schema: a boolean or a set of keywords.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it was written.
    pub location: Location,
    /// The resource it belongs to.
    pub resource: ResourceId,
    /// What it says.
    pub kind: NodeKind,
}

/// The body of a schema node.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// `true` accepts everything, `false` nothing.
    Bool(bool),
    /// Keywords, all of which must hold.
    Keywords(Box<Keywords>),
}

/// JSON Schema's primitive types as a bit set. `integer` is a subset of `number`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeSet(pub u8);

impl TypeSet {
    /// `null`
    pub const NULL: Self = Self(1);
    /// `boolean`
    pub const BOOLEAN: Self = Self(2);
    /// `integer`: a number with a zero fractional part (1.0 counts); draft 04 alike.
    pub const INTEGER: Self = Self(4);
    /// `number`; includes integers even where the `INTEGER` bit is not set.
    pub const NUMBER: Self = Self(8);
    /// `string`
    pub const STRING: Self = Self(16);
    /// `array`
    pub const ARRAY: Self = Self(32);
    /// `object`
    pub const OBJECT: Self = Self(64);

    /// Whether every type of `other` is in `self`, reading `number` as including `integer`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        let own = if self.0 & Self::NUMBER.0 != 0 {
            self.0 | Self::INTEGER.0
        } else {
            self.0
        };
        own & other.0 == other.0
    }

    /// The set of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no type is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Every keyword of a schema object, drafts folded together:
/// boolean `exclusiveMinimum` became a bound, array-form `items` became `prefix_items` with
/// `additionalItems` as `items`, `dependencies` was split, `definitions` are only reached by reference,
/// siblings of `$ref` are dropped where the draft ignores them (draft 07 and older).
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    /// `$ref`: the target, to hold in addition to the siblings.
    pub reference: Option<SchemaId>,
    /// `$dynamicRef` or `$recursiveRef`.
    pub dynamic_reference: Option<DynamicReference>,
    /// `type`; `None` allows all.
    pub types: Option<TypeSet>,
    /// Whether `integer` means a number written without fraction, as in draft 04, where validators refuse 1.0.
    pub spelled_integers: bool,
    /// `enum`
    pub enumeration: Option<Vec<Value>>,
    /// `const`
    pub constant: Option<Value>,
    /// Numeric bounds.
    pub number: Sparse<NumberKeywords>,
    /// String bounds.
    pub string: Sparse<StringKeywords>,
    /// Array keywords.
    pub array: Sparse<ArrayKeywords>,
    /// Object keywords.
    pub object: Sparse<ObjectKeywords>,
    /// `allOf`
    pub all_of: Vec<SchemaId>,
    /// `anyOf`; empty where absent.
    pub any_of: Vec<SchemaId>,
    /// `oneOf`; empty where absent.
    pub one_of: Vec<SchemaId>,
    /// `not`
    pub not: Option<SchemaId>,
    /// `if`; `then`/`else` without `if` are dropped.
    pub condition: Option<SchemaId>,
    /// `then`
    pub then: Option<SchemaId>,
    /// `else`
    pub otherwise: Option<SchemaId>,
    /// What validators read in more than one way; `None` where they agree.
    pub disputed: Option<Box<Disputed>>,
    /// Everything that does not assert.
    pub annotations: Annotations,
}

/// Keywords whose draft leaves open whether they assert, or which many validators read against their draft. Whoever
/// wants a proof that holds for all of them has to try both; everyone else reads them as the rest of the model does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disputed {
    /// `contentEncoding` and `contentMediaType` of drafts 06 and 07.
    pub content: Option<Content>,
    /// Of `dependent_required`: what `dependencies` says in drafts that have split it.
    pub dependent_required: IndexMap<String, Vec<String>>,
    /// Of `dependent_schemas`: the same.
    pub dependent_schemas: Vec<String>,
    /// Keywords that the model leaves out.
    pub left_out: Vec<LeftOut>,
}

/// What a text holds, beyond JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// `contentEncoding`
    pub encoding: Option<String>,
    /// `contentMediaType`
    pub media_type: Option<String>,
}

/// A keyword that the draft ignores, and some validators do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The keyword.
    pub keyword: &'static str,
    /// Why it is in doubt, and what to do.
    pub reason: String,
    /// Alike where the same is in doubt; `None` where that depends on the whole document.
    pub alike: Option<String>,
    /// Whether it may declare members.
    pub declares: bool,
}

/// `$dynamicRef`/`$recursiveRef`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DynamicReference {
    /// Where the reference leads without dynamic scope.
    pub initial: SchemaId,
    /// The dynamic anchor's name where the initial target carries it (then the outermost resource
    /// in the dynamic scope with that anchor wins); `None` makes it a plain reference.
    pub anchor: Option<String>,
}

/// Numeric keywords, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberKeywords {
    /// `minimum`
    pub minimum: Option<Number>,
    /// `maximum`
    pub maximum: Option<Number>,
    /// `exclusiveMinimum`
    pub exclusive_minimum: Option<Number>,
    /// `exclusiveMaximum`
    pub exclusive_maximum: Option<Number>,
    /// `multipleOf`, positive
    pub multiple_of: Option<Number>,
}

/// String keywords; lengths count Unicode code points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringKeywords {
    /// `minLength`
    pub min_length: Option<u64>,
    /// `maxLength`
    pub max_length: Option<u64>,
    /// `pattern`, ECMA-262 source, unanchored
    pub pattern: Option<String>,
    /// `format`
    pub format: Option<String>,
}

/// Array keywords.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrayKeywords {
    /// `prefixItems` (or array-form `items`)
    pub prefix_items: Vec<SchemaId>,
    /// `items` for what follows the prefix
    pub items: Option<SchemaId>,
    /// `contains`
    pub contains: Option<SchemaId>,
    /// `minContains`; 1 where absent
    pub min_contains: Option<u64>,
    /// `maxContains`
    pub max_contains: Option<u64>,
    /// `minItems`
    pub min_items: Option<u64>,
    /// `maxItems`
    pub max_items: Option<u64>,
    /// `uniqueItems`
    pub unique_items: bool,
    /// `unevaluatedItems`
    pub unevaluated_items: Option<SchemaId>,
    /// Whether `contains` is there and marks items as evaluated (2020-12) or not (2019-09).
    pub contains_evaluates: bool,
}

/// Object keywords.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectKeywords {
    /// `properties`
    pub properties: IndexMap<String, SchemaId>,
    /// `patternProperties`, ECMA-262 sources
    pub pattern_properties: IndexMap<String, SchemaId>,
    /// `additionalProperties`
    pub additional_properties: Option<SchemaId>,
    /// `propertyNames`
    pub property_names: Option<SchemaId>,
    /// `required`
    pub required: Vec<String>,
    /// `minProperties`
    pub min_properties: Option<u64>,
    /// `maxProperties`
    pub max_properties: Option<u64>,
    /// `dependentRequired`
    pub dependent_required: IndexMap<String, Vec<String>>,
    /// `dependentSchemas`
    pub dependent_schemas: IndexMap<String, SchemaId>,
    /// `unevaluatedProperties`
    pub unevaluated_properties: Option<SchemaId>,
}

/// Keywords that describe and never reject.
#[derive(Clone, Debug, Default)]
pub struct Annotations {
    /// `title`
    pub title: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `default`
    pub default: Option<Value>,
    /// `examples`
    pub examples: Vec<Value>,
    /// `deprecated`
    pub deprecated: bool,
    /// `x-…` keywords of the registry and every keyword the drafts do not know.
    pub extensions: Map<String, Value>,
}

impl Model {
    /// The node behind an id.
    #[must_use]
    pub fn node(&self, id: SchemaId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// Whether any schema of it speaks of members of this name: declares them, or asks for them.
    #[must_use]
    pub fn names(&self, member: &str) -> bool {
        self.nodes.iter().any(|node| match &node.kind {
            NodeKind::Bool(_) => false,
            NodeKind::Keywords(keywords) => {
                let object = &keywords.object;
                let dependent = object.dependent_required.values().flatten();
                object.properties.contains_key(member)
                    || object
                        .required
                        .iter()
                        .chain(dependent)
                        .any(|name| name == member)
                    || object.dependent_schemas.contains_key(member)
            }
        })
    }

    /// The keywords behind an id; `None` for boolean schemas.
    #[must_use]
    pub fn keywords(&self, id: SchemaId) -> Option<&Keywords> {
        match &self.node(id).kind {
            NodeKind::Keywords(keywords) => Some(keywords),
            NodeKind::Bool(_) => None,
        }
    }
}
