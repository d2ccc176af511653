//! Where the finding of a reading stands: in the file that the change brought, at the reader's keyword.
use crate::rules::pair::{Direction, Edition, Reading, Subject};
use crate::rules::problem::Place;

/// The keyword in the newer of both schemas. Where the older one reads, it is the same keyword there if it has
/// one, which in nearly every break is the one that was changed.
pub(super) fn place(reading: &Reading<'_>, pointer: &str) -> Place {
    match reading.direction {
        Direction::Backward => of(reading, reading.reader, pointer),
        Direction::Forward => of(reading, reading.writer, pointer),
    }
}

/// The same in the older of both.
pub(super) fn writer_place(reading: &Reading<'_>, pointer: &str) -> Place {
    match reading.direction {
        Direction::Backward => of(reading, reading.writer, pointer),
        Direction::Forward => of(reading, reading.reader, pointer),
    }
}

fn of(reading: &Reading<'_>, edition: Edition<'_>, pointer: &str) -> Place {
    let side = if edition.old {
        reading.around.old
    } else {
        reading.around.new
    };
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
