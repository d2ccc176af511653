//! Dead letters, read back: found by topic, reason and time, checked against today's schemas, replayed.
//!
//! A dead letter topic holds letters, which workers write (see [`crate::kafka::dlq`]), and marks, which a replay
//! writes beside the records it sends, in one transaction. A letter is *open* until its mark stands behind it, so
//! the topic itself tells what is left to do, and it forgets both together.
mod judge;
mod letter;
mod replay;
mod scan;
mod sender;

pub use letter::{FOREIGN, Letter, RecordHeaders, Source};
pub use replay::{Failure, Report, replay};
pub use scan::{Selection, scan};
