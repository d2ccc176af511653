//! In which order to roll a change out, and which versions may run side by side meanwhile.
use std::collections::HashMap;

use super::columns;
use crate::compat::Verdict;
use crate::rules::pair::{Direction, Edition, Reading, RegistryPair, Subject};

/// The order, as sentences; empty where nothing has to move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollout {
    /// What to do, first things first.
    pub steps: Vec<String>,
    /// Which versions are safe to run together, and which are not.
    pub together: Vec<String>,
}

/// What both directions allow for the newest version of a topic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Readers of either version read both.
    Any,
    /// Readers move first.
    ReadersFirst,
    /// Writers move first.
    WritersFirst,
    /// Neither works with the other.
    Apart,
}

/// Tables go first, since a worker that writes a column needs it; the rest follows from what was proved.
pub(super) fn advice(around: &RegistryPair<'_>, readings: &[Reading<'_>]) -> Rollout {
    let mut rollout = Rollout::default();
    let added = columns::added(around);
    if !added.is_empty() {
        let names: Vec<String> = added
            .iter()
            .map(|column| format!("`{}.{}`", column.table, column.name))
            .collect();
        rollout
            .steps
            .push(format!("tables: add {}", names.join(", ")));
    }
    for Move {
        subject,
        old,
        new,
        order,
        unread,
    } in moves(around, readings)
    {
        let (readers, writers) = (
            format!("consumers of {subject} to {new}"),
            format!("producers of {subject} to {new}"),
        );
        let once_gone = format!(
            "{readers}, once no message of {} is retained",
            listed(&unread)
        );
        let steps = match order {
            Order::Any if unread.is_empty() => vec![format!(
                "consumers and producers of {subject} to {new}, in any order"
            )],
            Order::ReadersFirst if unread.is_empty() => vec![readers, writers],
            Order::ReadersFirst => vec![once_gone, writers],
            // Where messages of the version before can be read, those of one before that may not.
            Order::Any | Order::WritersFirst => vec![writers, once_gone],
            Order::Apart => vec![format!(
                "{subject}: stop producers, let consumers read to the end, then move both to {new}"
            )],
        };
        rollout.steps.extend(steps);
        rollout.together.push(match order {
            Order::Any => format!("{subject}: {old} and {new}, both ways"),
            Order::ReadersFirst => format!("{subject}: {old} producers with {new} consumers"),
            Order::WritersFirst => format!("{subject}: {new} producers with {old} consumers"),
            Order::Apart => format!("{subject}: {old} and {new} are not proved safe together"),
        });
    }
    rollout
}

/// Writer and reader, by file and side.
type Editions<'e> = ((&'e str, bool), (&'e str, bool));

fn editions<'e>(writer: &Edition<'e>, reader: &Edition<'e>) -> Editions<'e> {
    ((writer.path, writer.old), (reader.path, reader.old))
}

/// A move from one version to the next.
struct Move {
    /// `order.placed`, or every topic.
    subject: String,
    /// The version before.
    old: String,
    /// The newest version.
    new: String,
    /// What both allow.
    order: Order,
    /// Versions, oldest first, whose messages are not proved to be readable by the newest one.
    unread: Vec<String>,
}

/// `v1`, `v1 and v2`, `v1, v2 and v3`.
pub(crate) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// One for each topic with a new version, and one where the envelope changed.
fn moves(around: &RegistryPair<'_>, readings: &[Reading<'_>]) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut forward: HashMap<Editions<'_>, &Reading<'_>> = HashMap::new();
    for reading in readings {
        if reading.direction == Direction::Forward {
            let editions = editions(&reading.writer, &reading.reader);
            forward.entry(editions).or_insert(reading);
        }
    }
    for backward in readings
        .iter()
        .filter(|reading| reading.direction == Direction::Backward)
    {
        let subject = match backward.subject {
            Subject::Versions(topic) => {
                let number = backward.reader.number;
                let before = topic.versions.iter().rev().map(|version| version.number);
                let mut before = before.skip_while(|other| *other >= number);
                let newest = topic.versions.last().map(|version| version.number);
                let is_new =
                    newest == Some(number) && around.old.hash(&topic.name, number).is_none();
                // What runs today, where a change brings several versions at once.
                let deployed = around.old.topic(&topic.name);
                let deployed = deployed.and_then(|before| before.versions.last());
                let follows = deployed.map_or_else(|| before.next(), |last| Some(last.number));
                if !is_new || follows != Some(backward.writer.number) {
                    continue;
                }
                topic.name.clone()
            }
            Subject::Envelope => "every topic".to_owned(),
            // A released version does not change; its rule says so.
            Subject::Edit(..) => continue,
        };
        let forward = forward.get(&editions(&backward.reader, &backward.writer));
        let order = match (
            works(backward),
            forward.is_some_and(|forward| works(forward)) && reads_newer(around, backward),
        ) {
            (true, true) => Order::Any,
            (true, false) => Order::ReadersFirst,
            (false, true) => Order::WritersFirst,
            (false, false) => Order::Apart,
        };
        moves.push(Move {
            subject,
            old: backward.writer.name(),
            new: backward.reader.name(),
            order,
            unread: unread_by(&backward.reader, readings),
        });
    }
    moves
}

/// Whether workers that run today take events of a version that they do not know: a worker goes by the level that it
/// was compiled with.
fn reads_newer(around: &RegistryPair<'_>, reading: &Reading<'_>) -> bool {
    match reading.subject {
        Subject::Versions(topic) | Subject::Edit(topic, _) => around
            .old
            .topic(&topic.name)
            .is_none_or(|before| before.manifest.compatibility.promises_forward()),
        // The envelope names no version.
        Subject::Envelope => true,
    }
}

/// Whether the reader is proved to read everything.
const fn works(reading: &Reading<'_>) -> bool {
    matches!(reading.verdict, Verdict::Compatible(_))
}

/// Whose messages, of all that were compared, the reader may refuse.
fn unread_by(reader: &Edition<'_>, readings: &[Reading<'_>]) -> Vec<String> {
    let mut writers: Vec<Edition<'_>> = readings
        .iter()
        .filter(|reading| {
            reading.direction == Direction::Backward
                && !matches!(reading.subject, Subject::Edit(..))
                && (reading.reader.path, reading.reader.old) == (reader.path, reader.old)
                && !works(reading)
        })
        .map(|reading| reading.writer)
        .collect();
    writers.sort_by_key(|writer| writer.number);
    writers.iter().map(Edition::name).collect()
}
