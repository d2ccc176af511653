//! What else breaks a reader: the question again, with the refusing part left out of the reader's schema, until
//! what is left is proved.
//!
//! One message shows one break. Whoever accepts that one has accepted no other, so a gate that lets people accept
//! breaks has to know them all.
use std::sync::Arc;

use serde_json::Value;

use super::{Prover, SchemaHandle, Source, Unknown, Verdict, View, Witness};

/// Most breaks of one reader that are told one by one.
pub const MOST: usize = 24;

/// What breaks a reader beyond the first message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Further {
    /// A message for each other place where the reader refuses messages of the writer.
    pub breaks: Vec<Witness>,
    /// Why there may be more; `None` where it is proved that there are none.
    pub unproved: Option<Unknown>,
}

impl Prover {
    /// Looks for what breaks `reader` apart from `first`, a witness of the same question.
    ///
    /// Every message is confirmed against the reader as it is. The cost is a question a break.
    pub fn further(
        &mut self,
        writer: SchemaHandle,
        reader: SchemaHandle,
        view: View,
        example: Option<&Value>,
        first: &Witness,
    ) -> Further {
        let mut found = Further::default();
        let mut source = self.schemas[reader.0].source.clone();
        let mut last = first.clone();
        while found.breaks.len() + 1 < MOST {
            let Some((relaxed, handle)) = self.relax(&source, &last) else {
                found.unproved = Some(inseparable(&last));
                return found;
            };
            match self.compare(writer, handle, view, example) {
                Verdict::Compatible(_) => return found,
                Verdict::Unknown(unknown) => {
                    found.unproved = Some(unknown);
                    return found;
                }
                // Inside a `not` or a `oneOf` leaving something out can refuse more.
                Verdict::Incompatible(witness) if self.accepts(reader, &witness.value) => {
                    found.unproved = Some(inseparable(&last));
                    return found;
                }
                Verdict::Incompatible(witness) => {
                    found.breaks.push(witness.clone());
                    last = witness;
                    source = relaxed;
                }
            }
        }
        found.unproved = Some(Unknown {
            keyword: "budget".to_owned(),
            pointer: String::new(),
            reason: format!("{MOST} places break the reader, and more were not looked for"),
        });
        found
    }

    fn accepts(&self, reader: SchemaHandle, value: &Value) -> bool {
        let judge = self.schemas[reader.0].judge(self.formulas.asserts_formats);
        judge.is_ok_and(|judge| judge.accepts(value))
    }

    /// The reader without what refuses a message; `None` where it still refuses it for the same reason, or means
    /// nothing any more.
    fn relax(&mut self, source: &Source, refused: &Witness) -> Option<(Source, SchemaHandle)> {
        [
            without_member(source, refused),
            without_keyword(source, refused),
        ]
        .into_iter()
        .flatten()
        .find_map(|relaxed| {
            let handle = self.add(relaxed.clone()).ok()?;
            let judge = self.schemas[handle.0]
                .judge(self.formulas.asserts_formats)
                .ok()?;
            let refusal = judge.refusal(&refused.value);
            let same = refusal.is_some_and(|refusal| {
                refusal.pointer == refused.pointer && refusal.member == refused.member
            });
            (!same).then_some((relaxed, handle))
        })
    }
}

fn inseparable(last: &Witness) -> Unknown {
    let keyword = last.pointer.rsplit('/').next().unwrap_or_default();
    Unknown {
        keyword: keyword.to_owned(),
        pointer: last.pointer.clone(),
        reason:
            "it breaks the reader, and whether anything else does cannot be asked apart from it"
                .to_owned(),
    }
}

/// A schema whose one keyword no longer speaks of the member.
fn without_member(source: &Source, refused: &Witness) -> Option<Source> {
    let member = refused.member.as_ref()?;
    edited(source, &refused.pointer, |schema, keyword| {
        let schema = schema.as_object_mut()?;
        if matches!(keyword, "additionalProperties" | "unevaluatedProperties") {
            let properties = schema
                .entry("properties")
                .or_insert_with(|| Value::Object(serde_json::Map::new()));
            properties
                .as_object_mut()?
                .insert(member.clone(), true.into());
            return Some(());
        }
        let lists = match schema.get_mut(keyword)? {
            list @ Value::Array(_) => vec![list],
            Value::Object(lists) => lists.values_mut().collect(),
            _ => return None,
        };
        for list in lists.into_iter().filter_map(Value::as_array_mut) {
            list.retain(|name| name.as_str() != Some(member));
        }
        // Draft 4 has no empty `required`.
        if schema
            .get(keyword)
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        {
            schema.shift_remove(keyword);
        }
        Some(())
    })
}

/// A schema without its refusing keyword.
fn without_keyword(source: &Source, refused: &Witness) -> Option<Source> {
    edited(source, &refused.pointer, |parent, key| {
        let value = match parent {
            Value::Object(members) => members.get_mut(key)?,
            Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?)?,
            _ => return None,
        };
        if value == &Value::Bool(false) {
            // The schema that nothing satisfies: of a property, of further members, of items.
            *value = Value::Bool(true);
        } else {
            parent.as_object_mut()?.shift_remove(key)?;
        }
        Some(())
    })
}

/// The documents with one edit: of the value that holds what the pointer leads to, by its last token.
fn edited(
    source: &Source,
    pointer: &str,
    edit: impl FnOnce(&mut Value, &str) -> Option<()>,
) -> Option<Source> {
    let (index, pointer) = match pointer.split_once('#') {
        Some((uri, pointer)) if !uri.starts_with('/') => {
            let mut documents = source.documents.iter();
            (documents.position(|(known, _)| known == uri)?, pointer)
        }
        Some(_) | None => (0, pointer),
    };
    let (parent, key) = pointer.rsplit_once('/')?;
    let mut documents = source.documents.clone();
    let mut document = Value::clone(&documents.get(index)?.1);
    edit(
        document.pointer_mut(parent)?,
        &key.replace("~1", "/").replace("~0", "~"),
    )?;
    documents[index].1 = Arc::new(document);
    Some(Source {
        documents,
        draft: source.draft,
    })
}
