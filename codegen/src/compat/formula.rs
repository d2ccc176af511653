//! What schemas mean, as formulas on one JSON value.
//!
//! Formulas are interned: two schemas that say the same in the same words are one number, whichever file they
//! come from. A keyword is a leaf that holds for every value of another type, as in JSON Schema. Negation is a
//! bit of the [`Lit`], so `x` and `not x` are recognised at once.
use std::collections::HashMap;
use std::sync::Arc;

use num_rational::BigRational;
use serde_json::Value;

use super::budget::Budget;
use super::format::Formats;
use super::pattern::{PatternId, Patterns};
use super::values::{ValueId, Values};

/// A formula or its negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Lit(u32);

impl Lit {
    pub(super) const TRUE: Self = Self(0);
    pub(super) const FALSE: Self = Self(1);

    const fn new(node: u32) -> Self {
        Self(node << 1)
    }

    pub(super) const fn is_negated(self) -> bool {
        self.0 & 1 == 1
    }

    const fn node(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// The formula without its sign.
    pub(super) const fn stem(self) -> Self {
        Self(self.0 & !1)
    }
}

impl std::ops::Not for Lit {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// Types of values as bits, disjoint: integers apart from other numbers, and from whole numbers that are written
/// with a fraction (`1.0`), which only draft 04 tells apart.
pub(super) mod kind {
    pub(in crate::compat) const NULL: u8 = 1;
    pub(in crate::compat) const BOOLEAN: u8 = 2;
    pub(in crate::compat) const INTEGER: u8 = 4;
    pub(in crate::compat) const FRACTION: u8 = 8;
    pub(in crate::compat) const NUMBER: u8 = INTEGER | FRACTION | WHOLE;
    pub(in crate::compat) const STRING: u8 = 16;
    pub(in crate::compat) const ARRAY: u8 = 32;
    pub(in crate::compat) const OBJECT: u8 = 64;
    pub(in crate::compat) const WHOLE: u8 = 128;
    pub(in crate::compat) const ALL: u8 = 255;
}

/// A universal statement about an object's members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Members {
    /// Sorted by name.
    pub(super) named: Box<[(Box<str>, Lit)]>,
    /// Sorted.
    pub(super) patterns: Box<[(PatternId, Lit)]>,
    /// For names that are neither listed nor matched.
    pub(super) rest: Lit,
}

impl Members {
    pub(super) fn named(&self, name: &str) -> Option<Lit> {
        self.named
            .binary_search_by(|(known, _)| known.as_ref().cmp(name))
            .ok()
            .map(|index| self.named[index].1)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    True,
    /// Every one holds.
    All(Box<[Lit]>),
    /// Exactly one holds.
    One(Box<[Lit]>),
    /// Stands for a schema that is being read, where it refers to itself; the number keeps links apart.
    Link(u32),
    Types(u8),
    /// The value is one of these.
    Values(Box<[ValueId]>),
    Lower {
        bound: BigRational,
        open: bool,
    },
    Upper {
        bound: BigRational,
        open: bool,
    },
    Multiple(BigRational),
    MinLength(u64),
    MaxLength(u64),
    Pattern(PatternId),
    Format(Box<str>),
    MinItems(u64),
    MaxItems(u64),
    Items {
        prefix: Box<[Lit]>,
        rest: Lit,
    },
    Contains {
        item: Lit,
        min: u64,
        max: Option<u64>,
    },
    Unique,
    MinMembers(u64),
    MaxMembers(u64),
    Required(Box<str>),
    Members(Members),
    /// Every member's name, as a string value.
    Names(Lit),
    /// What is beyond the prover; the number is the gap's.
    Opaque(u32),
}

impl Node {
    /// The types that the leaf constrains; all for what is no leaf.
    pub(super) const fn scope(&self) -> u8 {
        match self {
            Self::Lower { .. } | Self::Upper { .. } | Self::Multiple(_) => kind::NUMBER,
            Self::MinLength(_) | Self::MaxLength(_) | Self::Pattern(_) | Self::Format(_) => {
                kind::STRING
            }
            Self::MinItems(_)
            | Self::MaxItems(_)
            | Self::Items { .. }
            | Self::Contains { .. }
            | Self::Unique => kind::ARRAY,
            Self::MinMembers(_)
            | Self::MaxMembers(_)
            | Self::Required(_)
            | Self::Members(_)
            | Self::Names(_) => kind::OBJECT,
            Self::True
            | Self::All(_)
            | Self::One(_)
            | Self::Link(_)
            | Self::Types(_)
            | Self::Values(_)
            | Self::Opaque(_) => kind::ALL,
        }
    }
}

/// Where the prover's reach ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gap {
    pub(super) keyword: &'static str,
    /// JSON pointer of the keyword in its document; empty where it is nobody's.
    pub(super) pointer: String,
    pub(super) reason: String,
}

/// All formulas.
#[derive(Debug)]
pub(super) struct Formulas {
    /// Shared: who walks a list or a sum holds it, and a copy of one for each value would cost its square.
    nodes: Vec<Arc<Node>>,
    index: HashMap<Arc<Node>, u32>,
    links: Vec<Option<Lit>>,
    pub(super) gaps: Vec<Gap>,
    too_wide: Option<Lit>,
    /// What somebody else decides, by what it is about.
    doubts: HashMap<String, Lit>,
    pub(super) patterns: Patterns,
    pub(super) values: Values,
    pub(super) formats: Formats,
    /// Whether `format` asserts.
    pub(super) asserts_formats: bool,
    /// Whether 1.0 is told from 1, as validators of draft 04 do.
    pub(super) spelled: bool,
    /// Of the question being answered.
    pub(super) budget: Budget,
}

impl Default for Formulas {
    fn default() -> Self {
        let mut formulas = Self {
            nodes: Vec::new(),
            index: HashMap::new(),
            links: Vec::new(),
            gaps: Vec::new(),
            too_wide: None,
            doubts: HashMap::new(),
            patterns: Patterns::default(),
            values: Values::default(),
            formats: Formats::default(),
            asserts_formats: false,
            spelled: false,
            budget: Budget::default(),
        };
        formulas.intern(Node::True);
        formulas
    }
}

impl Formulas {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, lit: Lit) -> &Node {
        &self.nodes[lit.node()]
    }

    /// The same, to be held while formulas are asked.
    pub(super) fn held(&self, lit: Lit) -> Arc<Node> {
        Arc::clone(&self.nodes[lit.node()])
    }

    /// How many formulas it joins.
    pub(super) fn width(&self, lit: Lit) -> usize {
        match self.node(lit) {
            Node::All(parts) | Node::One(parts) => parts.len(),
            _ => 1,
        }
    }

    /// Whether the formula's negation is as simple as itself: no more automata, no more statements on parts.
    pub(super) fn is_simple(&self, lit: Lit) -> bool {
        matches!(
            self.node(lit),
            Node::Types(_)
                | Node::Values(_)
                | Node::Required(_)
                | Node::Lower { .. }
                | Node::Upper { .. }
                | Node::MinLength(_)
                | Node::MaxLength(_)
                | Node::MinItems(_)
                | Node::MaxItems(_)
                | Node::MinMembers(_)
                | Node::MaxMembers(_)
        )
    }

    /// The values of a formula that lists them.
    pub(super) fn listed(&self, lit: Lit) -> Option<&[ValueId]> {
        let own = |lit: Lit| match self.node(lit) {
            Node::Values(ids) if !lit.is_negated() => Some(&**ids),
            _ => None,
        };
        match self.node(lit) {
            Node::All(parts) if !lit.is_negated() => parts.iter().find_map(|part| own(*part)),
            _ => own(lit),
        }
    }

    fn intern(&mut self, node: Node) -> Lit {
        if let Some(known) = self.index.get(&node) {
            return Lit::new(*known);
        }
        // Two billion formulas do not fit in memory.
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX >> 1);
        let node = Arc::new(node);
        self.nodes.push(Arc::clone(&node));
        self.index.insert(node, id);
        Lit::new(id)
    }

    /// All hold.
    pub(super) fn all(&mut self, parts: impl IntoIterator<Item = Lit>) -> Lit {
        let mut flat: Vec<Lit> = Vec::new();
        let mut types = kind::ALL;
        let mut open: Vec<Lit> = parts.into_iter().collect();
        while let Some(lit) = open.pop() {
            match (self.node(lit), lit.is_negated()) {
                (Node::All(inner), false) => open.extend(inner.iter()),
                (Node::True, false) => {}
                (Node::True, true) => return Lit::FALSE,
                (Node::Types(set), false) => types &= set,
                (Node::Types(set), true) => types &= !set,
                _ => flat.push(lit),
            }
        }
        if types != kind::ALL {
            flat.push(self.types(types));
        }
        if types == 0 {
            return Lit::FALSE;
        }
        flat.sort_unstable();
        flat.dedup();
        // A formula and its negation are neighbours.
        if flat.windows(2).any(|pair| pair[0].stem() == pair[1].stem()) {
            return Lit::FALSE;
        }
        match flat.as_slice() {
            [] => Lit::TRUE,
            [one] => *one,
            _ => self.intern(Node::All(flat.into())),
        }
    }

    /// At least one holds.
    pub(super) fn any(&mut self, parts: impl IntoIterator<Item = Lit>) -> Lit {
        let negated: Vec<Lit> = parts.into_iter().map(|lit| !lit).collect();
        !self.all(negated)
    }

    /// Exactly one holds.
    pub(super) fn one(&mut self, parts: Vec<Lit>) -> Lit {
        let mut parts: Vec<Lit> = parts.into_iter().filter(|lit| *lit != Lit::FALSE).collect();
        parts.sort_unstable();
        match parts.as_slice() {
            [] => Lit::FALSE,
            [one] => *one,
            _ => self.intern(Node::One(parts.into())),
        }
    }

    pub(super) fn types(&mut self, set: u8) -> Lit {
        match set & kind::ALL {
            kind::ALL => Lit::TRUE,
            0 => Lit::FALSE,
            set => self.intern(Node::Types(set)),
        }
    }

    /// The value is one of these.
    pub(super) fn one_of_values<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) -> Lit {
        let mut ids: Vec<ValueId> = values
            .into_iter()
            .map(|value| self.values.intern(value))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Lit::FALSE;
        }
        self.intern(Node::Values(ids.into()))
    }

    pub(super) fn leaf(&mut self, node: Node) -> Lit {
        match node {
            Node::MinLength(0) | Node::MinItems(0) | Node::MinMembers(0) => Lit::TRUE,
            Node::Contains {
                min: 0, max: None, ..
            } => Lit::TRUE,
            Node::Names(Lit::TRUE) => Lit::TRUE,
            Node::Items { prefix, rest } => {
                let mut prefix = prefix.into_vec();
                while prefix.last() == Some(&rest) {
                    prefix.pop();
                }
                if prefix.is_empty() && rest == Lit::TRUE {
                    return Lit::TRUE;
                }
                self.intern(Node::Items {
                    prefix: prefix.into(),
                    rest,
                })
            }
            node => self.intern(node),
        }
    }

    /// Members by name, by pattern, and the others; leaves out what says nothing.
    pub(super) fn members(
        &mut self,
        named: Vec<(Box<str>, Lit)>,
        mut patterns: Vec<(PatternId, Lit)>,
        rest: Lit,
    ) -> Lit {
        let mut named = named;
        named.sort_by(|left, right| left.0.cmp(&right.0));
        patterns.sort_unstable();
        patterns.dedup();
        if rest == Lit::TRUE {
            patterns.retain(|(_, lit)| *lit != Lit::TRUE);
            named.retain(|(_, lit)| *lit != Lit::TRUE);
            if named.is_empty() && patterns.is_empty() {
                return Lit::TRUE;
            }
        }
        self.intern(Node::Members(Members {
            named: named.into(),
            patterns: patterns.into(),
            rest,
        }))
    }

    /// Is an object and has the member.
    pub(super) fn has(&mut self, name: &str) -> Lit {
        let object = self.types(kind::OBJECT);
        let required = self.leaf(Node::Required(name.into()));
        self.all([object, required])
    }

    /// What is beyond the prover. No two are the same: what a keyword means at a place depends on the whole
    /// schema, so one beyond reach in the writer and one in the reader have nothing in common.
    pub(super) fn opaque(&mut self, gap: Gap) -> Lit {
        self.gaps.push(gap);
        let number = self.gaps.len() - 1;
        self.intern(Node::Opaque(u32::try_from(number).unwrap_or(u32::MAX)))
    }

    /// What somebody else decides: of one value, alike wherever it is about the same.
    pub(super) fn doubt(&mut self, about: &str, gap: Gap) -> Lit {
        if let Some(known) = self.doubts.get(about) {
            return *known;
        }
        let lit = self.opaque(gap);
        self.doubts.insert(about.to_owned(), lit);
        lit
    }

    /// A `oneOf` that is too wide to be told apart; only ever asked to hold, so one serves all.
    pub(super) fn too_wide(&mut self, reason: &str) -> Lit {
        if let Some(known) = self.too_wide {
            return known;
        }
        let lit = self.opaque(Gap {
            keyword: "oneOf",
            pointer: String::new(),
            reason: reason.to_owned(),
        });
        self.too_wide = Some(lit);
        lit
    }

    /// A formula that is told later what it stands for.
    pub(super) fn link(&mut self) -> (u32, Lit) {
        let number = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
        self.links.push(None);
        (number, self.intern(Node::Link(number)))
    }

    pub(super) fn tie(&mut self, number: u32, target: Lit) {
        if let Some(link) = self.links.get_mut(number as usize) {
            *link = Some(target);
        }
    }

    pub(super) fn linked(&self, number: u32) -> Lit {
        // A link is tied before anyone but its own schema sees it.
        self.links
            .get(number as usize)
            .copied()
            .flatten()
            .unwrap_or(Lit::TRUE)
    }

    /// The value differs from an array or object, said by its parts.
    pub(super) fn differs(&mut self, value: &Value) -> Lit {
        match value {
            Value::Array(items) => {
                let count = items.len() as u64;
                let prefix: Vec<Lit> = items
                    .iter()
                    .map(|item| self.one_of_values([item]))
                    .collect();
                let parts = [
                    self.leaf(Node::MinItems(count)),
                    self.leaf(Node::MaxItems(count)),
                    self.leaf(Node::Items {
                        prefix: prefix.into(),
                        rest: Lit::TRUE,
                    }),
                ];
                !self.all(parts)
            }
            Value::Object(members) => {
                let mut parts: Vec<Lit> = members
                    .keys()
                    .map(|name| self.leaf(Node::Required(name.as_str().into())))
                    .collect();
                let named = members
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), self.one_of_values([value])))
                    .collect();
                parts.push(self.members(named, Vec::new(), Lit::FALSE));
                !self.all(parts)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                !self.one_of_values([value])
            }
        }
    }
}
