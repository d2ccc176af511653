//! Which days to close, to count again, or to leave: decided from what is there, without a server or a clock.
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

/// A part, by its partition and the numbers of the first and last insert that it holds; merges keep them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// The server's name of the partition: an hour of a day.
    pub(super) partition: String,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// Parts of the ledger by the day they are of, each with its name.
pub(super) type Parts = BTreeMap<Date, BTreeMap<Part, String>>;

/// Whether all that a part holds was there when these parts were: a table numbers inserts in the order in which they
/// are seen, over all partitions, so what came later has a higher number than any of its partition's.
fn is_of(part: &Part, counted: &BTreeMap<Part, String>) -> bool {
    let mut of_its_partition = counted
        .keys()
        .filter(|known| known.partition == part.partition);
    of_its_partition.any(|known| known.last >= part.last)
}

/// What a decision is made from.
#[derive(Debug)]
pub(super) struct Standing<'s> {
    /// The last day that may be closed.
    pub(super) closable: Date,
    /// The oldest day whose raw events are all there.
    pub(super) oldest_kept: Date,
    /// The oldest day for which late events are taken.
    pub(super) oldest_taken: Date,
    /// Up to which day each view is closed; nothing for one that never was.
    pub(super) watermarks: &'s [Option<Date>],
    /// Days with raw events among those that some view has not closed.
    pub(super) days: &'s BTreeSet<Date>,
    /// What the ledger holds.
    pub(super) ledger: &'s Parts,
    /// Parts that were counted when their day was closed, as far as this process knows.
    pub(super) counted: &'s Parts,
    /// Days that were counted a short while ago: late events that come in a trickle are counted together.
    pub(super) resting: &'s BTreeSet<Date>,
}

/// What to do, in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Round {
    /// Parts that are counted, of days that nobody reads from the ledger any more.
    pub(super) drop: Parts,
    /// Days to count, oldest first, and the views (by position) that want them.
    pub(super) count: BTreeMap<Date, Vec<usize>>,
    /// Days of [`Self::count`] that had been closed before.
    pub(super) again: BTreeSet<Date>,
    /// Views whose watermark moves here afterwards, over days without events.
    pub(super) through: Vec<usize>,
    /// Open days in which copies are looked for.
    pub(super) open: Vec<Date>,
    /// Days with events that came late, to be counted again in a later round.
    pub(super) waiting: Vec<Date>,
    /// Days with events that came too late to be taken.
    pub(super) too_late: Vec<Date>,
}

/// Decides a round.
///
/// A day is counted for each view that has not closed it, and again for all of them when the ledger holds a part that
/// was not counted: an event came late, or nobody knows any more what was counted. Parts are dropped a round after they
/// were counted, when no query reads them that began before the watermark moved.
pub(super) fn decide(standing: &Standing<'_>) -> Round {
    let mut round = Round::default();
    let all: Vec<usize> = (0..standing.watermarks.len()).collect();
    let wants = |view: &usize, day: Date| {
        let watermark = standing.watermarks.get(*view).copied().flatten();
        watermark.is_none_or(|closed| closed < day)
    };
    let days: BTreeSet<Date> = standing
        .days
        .iter()
        .chain(standing.ledger.keys())
        .copied()
        .collect();
    for day in days {
        let parts = standing.ledger.get(&day);
        if day > standing.closable {
            if parts.is_some() {
                round.open.push(day);
            }
            continue;
        }
        let waiting: Vec<usize> = all
            .iter()
            .filter(|view| wants(view, day))
            .copied()
            .collect();
        if !waiting.is_empty() {
            // What is left of an older day's raw events is not all of it.
            if day >= standing.oldest_kept {
                round.count.insert(day, waiting);
            } else if parts.is_some() {
                round.too_late.push(day);
            }
            continue;
        }
        let Some(parts) = parts else { continue };
        let nothing = BTreeMap::new();
        let counted = standing.counted.get(&day).unwrap_or(&nothing);
        let done: BTreeMap<Part, String> = parts
            .iter()
            .filter(|(part, _)| is_of(part, counted))
            .map(|(part, name)| (part.clone(), name.clone()))
            .collect();
        if done.len() < parts.len() {
            if standing.resting.contains(&day) {
                round.waiting.push(day);
            } else if day >= standing.oldest_taken.max(standing.oldest_kept) {
                round.count.insert(day, all.clone());
                round.again.insert(day);
            } else {
                round.too_late.push(day);
            }
        }
        if !done.is_empty() {
            round.drop.insert(day, done);
        }
    }
    // Before the first event nobody knows which days there will be.
    if !standing.ledger.is_empty() || !standing.days.is_empty() {
        round.through = all
            .into_iter()
            .filter(|view| wants(view, standing.closable))
            .collect();
    }
    round
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(number: i8) -> Date {
        Date::constant(2026, 11, number)
    }

    fn part(first: i64, last: i64) -> (Part, String) {
        part_of("1", first, last)
    }

    fn part_of(partition: &str, first: i64, last: i64) -> (Part, String) {
        let partition = partition.to_owned();
        let name = format!("{partition}_{first}_{last}");
        (
            Part {
                partition,
                first,
                last,
            },
            name,
        )
    }

    fn parts(named: &[(i8, &[(i64, i64)])]) -> Parts {
        named
            .iter()
            .map(|(number, blocks)| {
                let blocks = blocks.iter().map(|(first, last)| part(*first, *last));
                (day(*number), blocks.collect())
            })
            .collect()
    }

    fn decided(watermarks: &[Option<Date>], days: &[i8], ledger: &Parts, counted: &Parts) -> Round {
        decide(&Standing {
            closable: day(20),
            oldest_kept: day(5),
            oldest_taken: day(10),
            watermarks,
            days: &days.iter().map(|number| day(*number)).collect(),
            ledger,
            counted,
            resting: &BTreeSet::from([day(13)]),
        })
    }

    #[test]
    fn days_are_closed_oldest_first_and_only_for_views_that_want_them() {
        let ledger = parts(&[(19, &[(1, 1)]), (20, &[(1, 1)]), (21, &[(1, 1)])]);
        let watermarks = [Some(day(19)), Some(day(18)), None];
        let round = decided(&watermarks, &[4, 7, 19, 20], &ledger, &Parts::new());
        let expected = [
            (day(7), vec![2]),
            (day(19), vec![1, 2]),
            (day(20), vec![0, 1, 2]),
        ];
        assert_eq!(round.count, BTreeMap::from(expected));
        assert_eq!(round.again, BTreeSet::new());
        assert_eq!(round.open, [day(21)]);
        assert_eq!(round.through, [0, 1, 2]);
        assert_eq!(round.drop, Parts::new());
    }

    #[test]
    fn a_late_event_has_its_day_counted_again() {
        // Of day 12, two counted parts were merged, and two others with one that came later; between the numbers of a
        // partition are those of others.
        let ledger = parts(&[(12, &[(1, 4), (5, 9)]), (13, &[(1, 1)]), (20, &[(1, 1)])]);
        let counted = parts(&[(12, &[(1, 2), (4, 4), (5, 5), (7, 7)]), (20, &[(1, 1)])]);
        let round = decided(&[Some(day(20)); 2], &[], &ledger, &counted);
        assert_eq!(round.count, BTreeMap::from([(day(12), vec![0, 1])]));
        assert_eq!(round.again, BTreeSet::from([day(12)]));
        assert_eq!(round.waiting, [day(13)]);
        assert_eq!(round.drop, parts(&[(12, &[(1, 4)]), (20, &[(1, 1)])]));
        assert_eq!(round.through, [0_usize; 0]);
    }

    #[test]
    fn inserts_are_numbered_by_partition() {
        let at = |partition| Parts::from([(day(12), BTreeMap::from([part_of(partition, 1, 2)]))]);
        let round = decided(&[Some(day(20))], &[], &at("12-5"), &at("12-6"));
        assert_eq!(round.again, BTreeSet::from([day(12)]));
        assert_eq!(round.drop, Parts::new());
        let round = decided(&[Some(day(20))], &[], &at("12-5"), &at("12-5"));
        assert_eq!(round.again, BTreeSet::new());
        assert_eq!(round.drop, at("12-5"));
    }

    #[test]
    fn what_comes_too_late_is_told_and_kept() {
        let ledger = parts(&[(9, &[(1, 1)]), (4, &[(2, 2)])]);
        let round = decided(&[Some(day(20))], &[], &ledger, &Parts::new());
        assert_eq!(round.too_late, [day(4), day(9)]);
        assert_eq!(round.count, BTreeMap::new());
        assert_eq!(round.drop, Parts::new());
    }

    proptest! {
        /// Whatever there is: no part is dropped that was not counted, none of an open day or of one that some view
        /// still reads; and a part that is neither dropped nor open nor counted has its day counted or told.
        #[test]
        fn no_event_is_forgotten(
            watermarks in prop::collection::vec(prop::option::of(1..21_i8), 1..4),
            held in prop::collection::vec((1..25_i8, 0..4_u8), 0..30),
            known in prop::collection::vec((1..25_i8, 0..4_u8), 0..30),
            days in prop::collection::vec(1..25_i8, 0..20),
        ) {
            let of = |pairs: &[(i8, u8)]| {
                let mut parts = Parts::new();
                for (number, block) in pairs {
                    let (part, name) = part(i64::from(*block), i64::from(*block));
                    parts.entry(day(*number)).or_default().insert(part, name);
                }
                parts
            };
            let (ledger, counted) = (of(&held), of(&known));
            let watermarks: Vec<Option<Date>> = watermarks.into_iter().map(|it| it.map(day)).collect();
            let round = decided(&watermarks, &days, &ledger, &counted);
            for (at, names) in &ledger {
                let is_closed = watermarks.iter().all(|mark| mark.is_some_and(|mark| mark >= *at));
                let dropped = round.drop.get(at).cloned().unwrap_or_default();
                for part in names.keys() {
                    let known = counted.get(at).into_iter().flatten();
                    let is_counted = known.into_iter().any(|(known, _)| known.last >= part.last);
                    prop_assert!(!dropped.contains_key(part) || (is_counted && is_closed && *at <= day(20)));
                    prop_assert!(
                        dropped.contains_key(part)
                            || round.open.contains(at)
                            || round.count.contains_key(at)
                            || round.too_late.contains(at)
                            || round.waiting.contains(at)
                    );
                }
            }
        }
    }
}
