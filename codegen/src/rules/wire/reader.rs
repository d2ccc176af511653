//! Where the finding of a reading stands: in the file that the change brought, at the reader's keyword.
use serde_json::Value;

use crate::compat::Witness;
use crate::gate::side::Side;
use crate::model::escape;
use crate::rules::pair::{Direction, Edition, Reading, Subject};
use crate::rules::problem::Place;

/// The keyword in the newer of both schemas. Where the older one reads, it is the same keyword there if it has
/// one, which in nearly every break is the one that was changed. A keyword that refuses for a member, missing or
/// not declared, refuses in a place of its own for each.
pub(super) fn place(reading: &Reading<'_>, pointer: &str, witness: Option<&Witness>) -> Place {
    let (newer, reads) = match reading.direction {
        Direction::Backward => (reading.reader, true),
        Direction::Forward => (reading.writer, false),
    };
    let place = of(reading, newer, pointer);
    let Some(witness) = witness else {
        return place;
    };
    match &witness.member {
        Some(member) => of_member(reading, newer, place, (member, witness), reads),
        None => or_by_message(reading, newer, place, witness),
    }
}

/// The same in the older of both.
pub(super) fn other_place(
    reading: &Reading<'_>,
    pointer: &str,
    witness: Option<&Witness>,
) -> Place {
    let older = match reading.direction {
        Direction::Backward => reading.writer,
        Direction::Forward => reading.reader,
    };
    let place = of(reading, older, pointer);
    match witness {
        Some(witness) => or_by_message(reading, older, place, witness),
        None => place,
    }
}

/// A place that is there; else where the schema declares what the message holds at the point of refusal, since the
/// two schemas may say the same in different definitions.
fn or_by_message(
    reading: &Reading<'_>,
    edition: Edition<'_>,
    place: Place,
    witness: &Witness,
) -> Place {
    let side = side(reading, edition);
    if side.value(&place).is_some() || witness.instance.is_empty() {
        return place;
    }
    let mut pointer = String::new();
    let mut value = &witness.value;
    for token in witness.instance.split('/').skip(1) {
        if value.is_array() {
            pointer.push_str("/items");
        } else {
            pointer.push_str("/properties/");
            pointer.push_str(token);
        }
        let name = crate::model::unescape(token);
        let Some(inner) = value
            .get(&name)
            .or_else(|| value.get(name.parse::<usize>().ok()?))
        else {
            return place;
        };
        value = inner;
    }
    let keyword = place.pointer.rsplit('/').next().unwrap_or_default();
    let declared = side.referred(side.follow(edition.path, &pointer));
    let exact = Place::new(&declared.file, format!("{}/{keyword}", declared.pointer));
    if side.value(&exact).is_some() {
        exact
    } else if side.value(&declared).is_some() {
        declared
    } else {
        place
    }
}

/// The member's name in the list of its reader, else its declaration.
fn of_member(
    reading: &Reading<'_>,
    newer: Edition<'_>,
    place: Place,
    (member, witness): (&str, &Witness),
    reads: bool,
) -> Place {
    let Some((schema, keyword)) = place.pointer.rsplit_once('/') else {
        return place;
    };
    let found = side(reading, newer).value(&place).filter(|_| reads);
    let index = |list: &Value| {
        let mut names = list.as_array()?.iter();
        names.position(|name| name.as_str() == Some(member))
    };
    let listed = match found {
        Some(list @ Value::Array(_)) if keyword == "required" => {
            index(list).map(|index| index.to_string())
        }
        Some(Value::Object(lists)) if keyword.starts_with("depend") => {
            let holds = witness.value.pointer(&witness.instance);
            lists
                .iter()
                .filter(|(name, _)| holds.is_some_and(|value| value.get(name).is_some()))
                .find_map(|(name, list)| Some(format!("{}/{}", escape(name), index(list)?)))
        }
        _ => None,
    };
    let pointer = match listed {
        Some(listed) => format!("{}/{listed}", place.pointer),
        None => format!("{schema}/properties/{}", escape(member)),
    };
    Place::new(&place.file, pointer)
}

fn of(reading: &Reading<'_>, edition: Edition<'_>, pointer: &str) -> Place {
    let side = side(reading, edition);
    // A pointer may name its document where references led out of the schema.
    let (file, pointer) = match pointer.split_once('#') {
        Some((document, pointer)) if document.starts_with("registry:///") => (
            document
                .trim_start_matches("registry:///")
                .replace("%20", " ")
                .replace("%25", "%"),
            pointer,
        ),
        Some(_) | None => (edition.path.to_owned(), pointer),
    };
    side.follow(&file, pointer)
}

fn side<'a>(reading: &Reading<'a>, edition: Edition<'_>) -> &'a Side {
    if edition.old {
        reading.around.old
    } else {
        reading.around.new
    }
}

/// Whether the reader refuses a member that the writer does not name, and writes all the same as it says that members
/// may have any name.
pub(super) fn is_undeclared(reading: &Reading<'_>, witness: &Witness) -> bool {
    let Some(model) = side(reading, reading.writer).model(reading.writer.path) else {
        return false;
    };
    let keyword = witness.pointer.rsplit('/').next().unwrap_or_default();
    if witness.member.is_none()
        && matches!(keyword, "additionalProperties" | "unevaluatedProperties")
    {
        return true;
    }
    let mut value = &witness.value;
    witness.instance.split('/').skip(1).any(|token| {
        let name = crate::model::unescape(token);
        let is_foreign = value.is_object() && !model.names(&name);
        value = match value {
            Value::Array(items) => name.parse().ok().and_then(|at: usize| items.get(at)),
            other => other.get(&name),
        }
        .unwrap_or(&Value::Null);
        is_foreign
    })
}

/// What was promised, in words.
pub(super) fn promise(reading: &Reading<'_>) -> String {
    match reading.subject {
        Subject::Versions(topic) | Subject::Edit(topic, _) => {
            let now = topic.manifest.compatibility;
            let before = reading.around.old.topic(&topic.name);
            let before = before.map_or(now, |before| before.manifest.compatibility);
            if now == before {
                format!("{} promises {}", topic.name, now.name())
            } else {
                let (now, before) = (now.name(), before.name());
                format!("{} promised {before}, and now {now}", topic.name)
            }
        }
        Subject::Envelope => "every reader of every topic reads the envelope".to_owned(),
    }
}
