//! `partition-count-changed`: keys move to other partitions, or Kafka refuses.
use crate::finding::{Plane, Severity};
use crate::rules::pair::TopicPair;
use crate::rules::problem::Problem;
use crate::rules::{Check, Doc, Rule};

use super::written;

/// The rule.
pub static RULE: Rule = Rule {
    id: "partition-count-changed",
    plane: Plane::Kafka,
    severity: Severity::Error,
    purpose: "the number of a topic's partitions changed",
    doc: Doc {
        what: "`partitions` of a topic, its own or the registry's default, differs from the base.",
        why: "A key's partition is its hash modulo the number of partitions. With more partitions most keys move: \
              for as long as old records are retained, one key's records lie in two partitions and may be read out \
              of order. Fewer partitions are impossible: Kafka refuses.",
        example: "`partitions = 6` becomes `partitions = 12`.",
        fix: "More: stop producers, let consumers read to the end, raise the number, and waive this. Fewer: make a \
              new topic.",
    },
    check: Check::Topic(check),
};

fn check(pair: &TopicPair<'_>) -> Vec<Problem> {
    let Some((old, new)) = pair.topic.both() else {
        return Vec::new();
    };
    let (was, is) = (old.partitions, new.partitions);
    if was == is {
        return Vec::new();
    }
    let (file, pointer) = written(new, new.manifest.partitions.is_some(), "partitions");
    let (old_file, old_pointer) = written(old, old.manifest.partitions.is_some(), "partitions");
    let (message, evidence, fix) = if is < was {
        (
            format!(
                "{} has {was} partitions, {is} are asked for: Kafka cannot take any away",
                new.name
            ),
            "the broker answers INVALID_PARTITIONS".to_owned(),
            format!("keep {was}, or make a new topic"),
        )
    } else {
        (
            format!(
                "{} goes from {was} to {is} partitions: keys move, and order breaks for each that does",
                new.name
            ),
            format!(
                "{} of 100 keys move; {} days of records stay where they were",
                moved_percent(was, is),
                new.retention_days
            ),
            "stop producers and drain the topic first, then waive this; or keep the number"
                .to_owned(),
        )
    };
    vec![
        Problem::new(&file, pointer, message)
            .old(&old_file, old_pointer)
            .evidence(evidence)
            .fix(fix),
    ]
}

/// Of 100 keys, how many have another remainder: `hash % was != hash % is` over one period of both.
fn moved_percent(was: u32, is: u32) -> u64 {
    /// Partition counts beyond this are not met; the share is then as good as all.
    const MAX_PERIOD: u64 = 1_000_000;
    let (was, is) = (u64::from(was.max(1)), u64::from(is.max(1)));
    let period = (was * is).min(MAX_PERIOD);
    let moved = (0..period).filter(|hash| hash % was != hash % is).count() as u64;
    moved * 100 / period
}

#[cfg(test)]
mod tests {
    use super::moved_percent;

    #[test]
    fn doubling_moves_half() {
        assert_eq!(moved_percent(6, 12), 50);
        assert_eq!(moved_percent(2, 3), 66);
        assert_eq!(moved_percent(4, 4), 0);
    }
}
