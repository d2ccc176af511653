//! Keywords that validators read in more than one way.
//!
//! A schema with such keywords has a second formula, in which each is there or not as somebody else decides: what is
//! proved with it holds for every validator, on both sides alike. A message that breaks the reader is looked for with
//! the first formula, which reads them as the independent validator does.
use serde_json::{Map, Value};

use super::format;
use super::formula::{Gap, Lit, Node, kind};
use super::lower::Lowering;
use crate::model::{Content, Disputed, LeftOut, SchemaId};

/// Encodings that the independent validator looks into.
const ENCODINGS: &[&str] = &["base64", "base64url", "base32", "base32hex", "base16"];

/// The media type that it looks into.
const MEDIA_TYPE: &str = "application/json";

/// Why `dependencies` is in doubt.
const DEPENDENCIES: &str = "the draft leaves it to validators whether they still read `dependencies`; write `dependentRequired` or `dependentSchemas`";

/// Why what a text holds is in doubt.
const CONTENT: &str = "the draft leaves it to validators whether they look into a text's content; leave the keyword out, or name draft 2019-09 or later in `$schema`, where it is an annotation";

/// Why edges of words are in doubt.
const EDGES: &str = r"beside letters beyond ASCII there is an edge of a word (`\b`) to ECMA-262 and none to many other engines; list the characters that may stand there";

impl Lowering<'_> {
    /// What a schema's disputed keywords say, but for `dependencies`.
    pub(super) fn disputed(&mut self, id: SchemaId, disputed: &Disputed, parts: &mut Vec<Lit>) {
        self.doubts = true;
        if let Some(content) = &disputed.content {
            let lit = self.content(id, content);
            parts.push(lit);
        }
        if self.doubting {
            for left_out in &disputed.left_out {
                let lit = self.left_out(id, left_out);
                parts.push(lit);
            }
        }
    }

    fn left_out(&mut self, id: SchemaId, left_out: &LeftOut) -> Lit {
        let gap = self.gap_at(id, left_out.keyword, &left_out.reason);
        match &left_out.alike {
            Some(alike) => self
                .formulas
                .doubt(&format!("{} {alike}", left_out.keyword), gap),
            None => self.formulas.opaque(gap),
        }
    }

    /// Whether `dependencies` is ignored.
    pub(super) fn no_dependencies(&mut self, id: SchemaId) -> Lit {
        let gap = self.gap_at(id, "dependencies", DEPENDENCIES);
        self.formulas.doubt("dependencies", gap)
    }

    /// A pattern, which is in doubt in texts beyond ASCII where it asks for edges of words.
    pub(super) fn edged(&mut self, id: SchemaId, source: &str, found: Lit) -> Lit {
        let patterns = &mut self.formulas.patterns;
        let pattern = patterns.intern(source, "");
        if !patterns.has_boundary(pattern) {
            return found;
        }
        self.doubts = true;
        if !self.doubting {
            return found;
        }
        let ascii = patterns.intern(r"^[\0-\x7f]*$", "");
        let ascii = self.formulas.leaf(Node::Pattern(ascii));
        let gap = self.gap_at(id, "pattern", EDGES);
        let either = self.formulas.doubt(&format!("edges {source}"), gap);
        let sure = self.formulas.all([ascii, found]);
        let unsure = self.formulas.all([!ascii, either]);
        self.formulas.any([sure, unsure])
    }

    fn content(&mut self, id: SchemaId, content: &Content) -> Lit {
        let Content {
            encoding,
            media_type,
        } = content;
        let mut schema = Map::new();
        let (mut all_known, mut any_known) = (true, false);
        for (keyword, value) in [
            ("contentEncoding", encoding),
            ("contentMediaType", media_type),
        ] {
            if let Some(value) = value {
                let is_known = value == MEDIA_TYPE || ENCODINGS.contains(&value.as_str());
                all_known &= is_known;
                any_known |= is_known;
                schema.insert(keyword.to_owned(), Value::String(value.clone()));
            }
        }
        let schema = Value::Object(schema).to_string();
        let holds = if any_known {
            (self.formulas).leaf(Node::Format(format::content(&schema)))
        } else {
            Lit::TRUE
        };
        if !self.doubting {
            return holds;
        }
        let keyword = if encoding.is_some() {
            "contentEncoding"
        } else {
            "contentMediaType"
        };
        let gap = self.gap_at(id, keyword, CONTENT);
        let ignored = self.formulas.doubt(&schema, gap);
        if all_known {
            return self.formulas.any([holds, ignored]);
        }
        // Nobody here knows what others look for.
        let string = self.formulas.types(kind::STRING);
        self.formulas.any([!string, ignored])
    }

    fn gap_at(&self, id: SchemaId, keyword: &'static str, reason: &str) -> Gap {
        Gap {
            keyword,
            pointer: format!("{}/{keyword}", self.model.node(id).location.pointer),
            reason: reason.to_owned(),
        }
    }
}
