//! What else breaks a reader: the question again, with the refusing part left out of the reader's schema, until
//! what is left is proved.
//!
//! One message shows one break. Whoever accepts that one has accepted no other, so a gate that lets people accept
//! breaks has to know them all.
use std::sync::Arc;

use serde_json::{Value, json};

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
        let mut edits = Edits::default();
        while found.breaks.len() + 1 < MOST {
            let Some((relaxed, handle)) = self.relax(&source, &last, &mut edits) else {
                found.unproved = Some(inseparable(edits.own(last)));
                return found;
            };
            match self.compare(writer, handle, view, example) {
                Verdict::Compatible(_) => return found,
                Verdict::Unknown(mut unknown) => {
                    unknown.pointer = edits.of(&unknown.pointer);
                    found.unproved = Some(unknown);
                    return found;
                }
                // Inside a `not` leaving something out can refuse more.
                Verdict::Incompatible(witness) if self.accepts(reader, &witness.value) => {
                    found.unproved = Some(inseparable(edits.own(last)));
                    return found;
                }
                Verdict::Incompatible(witness) => {
                    found.breaks.push(edits.own(witness.clone()));
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
    fn relax(
        &mut self,
        source: &Source,
        refused: &Witness,
        edits: &mut Edits,
    ) -> Option<(Source, SchemaHandle)> {
        let ways = [
            Way::WithoutMember,
            Way::WithBranch,
            Way::AsAnyOf,
            Way::WithoutKeyword,
        ];
        ways.into_iter().find_map(|way| {
            let has_branch = edits.branches.contains(&refused.pointer);
            let relaxed = match way {
                Way::WithoutMember => without_member(source, refused),
                Way::WithBranch => with_branch(source, refused, has_branch),
                Way::AsAnyOf => as_any_of(source, refused),
                Way::WithoutKeyword => without_keyword(source, refused),
            }?;
            let handle = self.add(relaxed.clone()).ok()?;
            let judge = self.schemas[handle.0]
                .judge(self.formulas.asserts_formats)
                .ok()?;
            let refusal = judge.refusal(&refused.value);
            let known = edits.any_ofs.len();
            if way == Way::AsAnyOf {
                edits.any_ofs.push(refused.pointer.clone());
            }
            let same = refusal.is_some_and(|refusal| {
                edits.of(&refusal.pointer) == edits.of(&refused.pointer)
                    && refusal.member == refused.member
            });
            if same {
                edits.any_ofs.truncate(known);
                return None;
            }
            if way == Way::WithBranch && !has_branch {
                edits.branches.push(refused.pointer.clone());
            }
            Some((relaxed, handle))
        })
    }
}

/// How a refusing part is left out of a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    WithoutMember,
    WithBranch,
    AsAnyOf,
    WithoutKeyword,
}

/// What was done to a reader so far.
#[derive(Default)]
struct Edits {
    /// Pointers of `oneOf`s that are read as `anyOf` by now.
    any_ofs: Vec<String>,
    /// Pointers of unions that have a branch more than the reader.
    branches: Vec<String>,
}

impl Edits {
    /// A pointer as the reader has it.
    fn of(&self, pointer: &str) -> String {
        let mut pointer = pointer.to_owned();
        for one_of in self.any_ofs.iter().rev() {
            let rest = one_of
                .strip_suffix("/oneOf")
                .and_then(|schema| pointer.strip_prefix(schema)?.strip_prefix("/anyOf"))
                .filter(|rest| rest.is_empty() || rest.starts_with('/'));
            if let Some(rest) = rest {
                pointer = format!("{one_of}{rest}");
            }
        }
        pointer
    }

    fn own(&self, mut witness: Witness) -> Witness {
        witness.pointer = self.of(&witness.pointer);
        witness
    }
}

fn inseparable(last: Witness) -> Unknown {
    let keyword = last.pointer.rsplit('/').next().unwrap_or_default();
    Unknown {
        keyword: keyword.to_owned(),
        pointer: last.pointer,
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
        let names = match schema.get_mut(keyword)? {
            Value::Array(names) => names,
            // What one member brings with it is one place.
            Value::Object(lists) => {
                let holds = refused.value.pointer(&refused.instance)?;
                let mut lists = lists.iter_mut();
                lists.find_map(|(name, list)| {
                    let list = list.as_array_mut()?;
                    let asks = list.iter().any(|name| name.as_str() == Some(member));
                    (asks && holds.get(name).is_some()).then_some(list)
                })?
            }
            _ => return None,
        };
        names.retain(|name| name.as_str() != Some(member));
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

/// A union in which what is like the refused value has a branch of its own.
///
/// Like it is a value of its type, or an object with its tag: a member whose value branches tell themselves apart
/// by, or with the same members where there is no tag. Other values are judged by the branches that were there, whose
/// pointers stay as they are.
///
/// A `oneOf` gets one branch for all, last of them, which takes what no other does: a branch for each value would
/// hold all that came before it, and twice as much each time.
fn with_branch(source: &Source, refused: &Witness, has_branch: bool) -> Option<Source> {
    let value = refused.value.pointer(&refused.instance)?;
    let documents = Arc::clone(&source.documents.first()?.1);
    edited(source, &refused.pointer, |schema, keyword| {
        let schema = schema.as_object_mut()?;
        let branches = schema.get_mut(keyword)?.as_array_mut()?;
        let like = match value {
            Value::Object(members) => {
                let tags: Vec<(&String, &Value, Vec<Value>)> = members
                    .iter()
                    .filter_map(|(name, value)| {
                        Some((name, value, tag_values(branches, name, &documents)?))
                    })
                    .collect();
                let unknown = tags.iter().find(|(_, value, known)| !known.contains(value));
                match unknown {
                    Some((name, value, _)) => {
                        json!({"type": "object", "required": [name], "properties": {*name: {"enum": [value]}}})
                    }
                    // A branch is there for it, and one more would take all that is like it.
                    None if members.is_empty() || !tags.is_empty() => return None,
                    None => {
                        json!({"type": "object", "required": members.keys().collect::<Vec<_>>()})
                    }
                }
            }
            Value::Array(_) => json!({"type": "array"}),
            Value::String(_) => json!({"type": "string"}),
            Value::Number(_) => json!({"type": "number"}),
            Value::Bool(_) => json!({"type": "boolean"}),
            Value::Null => json!({"type": "null"}),
        };
        match keyword {
            "anyOf" => branches.push(like),
            "oneOf" => {
                let own = if has_branch { branches.pop() } else { None };
                let mut alike = match own {
                    Some(mut own) => own.get_mut("anyOf")?.as_array_mut().map(std::mem::take)?,
                    None => Vec::new(),
                };
                alike.push(like);
                branches.push(json!({"anyOf": alike, "not": {"anyOf": branches}}));
            }
            _ => return None,
        }
        Some(())
    })
}

/// A `oneOf` that takes what several branches take.
fn as_any_of(source: &Source, refused: &Witness) -> Option<Source> {
    edited(source, &refused.pointer, |schema, keyword| {
        let schema = schema.as_object_mut()?;
        if keyword != "oneOf" || schema.contains_key("anyOf") {
            return None;
        }
        let branches = schema.shift_remove("oneOf")?;
        schema.insert("anyOf".to_owned(), branches);
        Some(())
    })
}

/// The values of a member by which branches tell themselves apart: each has some of its own. None where none asks for
/// any, or two ask for the same.
fn tag_values(branches: &[Value], name: &str, document: &Value) -> Option<Vec<Value>> {
    let mut all: Vec<Value> = Vec::new();
    for branch in branches {
        let branch = match branch.get("$ref").and_then(Value::as_str) {
            Some(reference) => reference
                .strip_prefix('#')
                .and_then(|pointer| document.pointer(pointer)),
            None => Some(branch),
        };
        let member = branch
            .and_then(|branch| branch.get("properties"))
            .and_then(|properties| properties.get(name));
        let Some(member) = member else { continue };
        let own = match (member.get("const"), member.get("enum")) {
            (Some(value), _) => std::slice::from_ref(value),
            (None, Some(Value::Array(values))) => values.as_slice(),
            (None, _) => continue,
        };
        if own.iter().any(|value| all.contains(value)) {
            return None;
        }
        all.extend_from_slice(own);
    }
    (!all.is_empty()).then_some(all)
}

/// A schema without its refusing keyword; none where that is a union, whose branches may refuse more than this.
fn without_keyword(source: &Source, refused: &Witness) -> Option<Source> {
    edited(source, &refused.pointer, |parent, key| {
        if matches!(key, "anyOf" | "oneOf") && parent.is_object() {
            return None;
        }
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
    edit(document.pointer_mut(parent)?, &crate::model::unescape(key))?;
    documents[index].1 = Arc::new(document);
    Some(Source {
        documents,
        draft: source.draft,
    })
}
