//! Where the finding of a reading stands: in the file that the change brought, at the reader's keyword.
use serde_json::Value;

use crate::gate::side::Side;
use crate::rules::pair::{Direction, Edition, Reading, Subject};
use crate::rules::problem::Place;

/// The keyword in the newer of both schemas. Where the older one reads, it is the same keyword there if it has
/// one, which in nearly every break is the one that was changed. A keyword that refuses for a member, missing or
/// not declared, refuses in a place of its own for each.
pub(super) fn place(reading: &Reading<'_>, pointer: &str, member: Option<&str>) -> Place {
    let (newer, reads) = match reading.direction {
        Direction::Backward => (reading.reader, true),
        Direction::Forward => (reading.writer, false),
    };
    let place = of(reading, newer, pointer);
    match member {
        Some(member) => of_member(reading, newer, place, member, reads),
        None => place,
    }
}

/// The same in the older of both.
pub(super) fn other_place(reading: &Reading<'_>, pointer: &str) -> Place {
    match reading.direction {
        Direction::Backward => of(reading, reading.writer, pointer),
        Direction::Forward => of(reading, reading.reader, pointer),
    }
}

/// The member's name in the list of its reader, else its declaration.
fn of_member(
    reading: &Reading<'_>,
    newer: Edition<'_>,
    place: Place,
    member: &str,
    reads: bool,
) -> Place {
    let Some((schema, keyword)) = place.pointer.rsplit_once('/') else {
        return place;
    };
    let side = side(reading, newer);
    let list = side
        .value(&place)
        .filter(|_| reads && keyword == "required")
        .and_then(Value::as_array);
    let listed = list.and_then(|list| list.iter().position(|name| name.as_str() == Some(member)));
    let pointer = match listed {
        Some(index) => format!("{}/{index}", place.pointer),
        None => format!("{schema}/properties/{}", crate::model::escape(member)),
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

/// What was promised, in words.
pub(super) fn promise(reading: &Reading<'_>) -> String {
    match reading.subject {
        Subject::Versions(topic) | Subject::Edit(topic, _) => {
            format!(
                "{} promises {}",
                topic.name,
                topic.manifest.compatibility.name()
            )
        }
        Subject::Envelope => "every reader of every topic reads the envelope".to_owned(),
    }
}
