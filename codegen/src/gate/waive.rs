//! Sorts findings into open and accepted, and finds waivers that accept nothing.
use std::collections::BTreeSet;

use super::Waived;
use super::day::Day;
use crate::finding::{Finding, Severity};
use crate::registry::waivers::Waiver;
use crate::rules::pair::RegistryPair;
use crate::rules::waivers::{waiver_ambiguous, waiver_expired, waiver_unused};

/// Open findings, those of the waivers themselves included, and accepted ones.
///
/// A waiver does its work in one change and stays in the file until it expires: one that was there before and
/// matches nothing now is only worth a warning, one that this change brings is an error.
pub(super) fn apply(found: Vec<Finding>, around: &RegistryPair<'_>) -> (Vec<Finding>, Vec<Waived>) {
    let RegistryPair { old, new, today } = *around;
    let waivers = &new.registry.waivers;
    // The files in which each waiver finds what it is about.
    let covered: Vec<BTreeSet<String>> = waivers
        .iter()
        .map(|waiver| {
            let covered = found.iter().filter(|finding| waiver.covers(finding));
            covered.map(|finding| finding.file.clone()).collect()
        })
        .collect();
    let late: Vec<bool> = waivers
        .iter()
        .map(|waiver| is_of_another_change(waiver, around))
        .collect();
    let accepts = |index: usize, waiver: &Waiver| {
        !late[index] && covered[index].len() == 1 && !expired(waiver, today)
    };
    let (mut open, mut waived) = (Vec::new(), Vec::new());
    for finding in found {
        let mut known = waivers.iter().enumerate();
        let accepted =
            known.find(|(index, waiver)| waiver.covers(&finding) && accepts(*index, waiver));
        match accepted {
            Some((_, waiver)) => waived.push(Waived {
                finding,
                waiver: waiver.clone(),
            }),
            None => open.push(finding),
        }
    }
    for (index, waiver) in waivers.iter().enumerate() {
        let is_unused = late[index] || covered[index].is_empty();
        let severity = if is_unused && old.registry.waivers.contains(waiver) {
            Severity::Warning
        } else {
            Severity::Error
        };
        let (rule, problem) = if expired(waiver, today) {
            let problem = waiver_expired::problem(index, waiver, severity);
            (&waiver_expired::RULE, problem)
        } else if !late[index] && covered[index].len() > 1 {
            let problem = waiver_ambiguous::problem(index, waiver, &covered[index]);
            (&waiver_ambiguous::RULE, problem)
        } else if is_unused {
            let problem =
                waiver_unused::problem(index, waiver, severity, !covered[index].is_empty());
            (&waiver_unused::RULE, problem)
        } else {
            continue;
        };
        open.push(super::walk::finding(
            rule,
            waiver.topic.as_deref(),
            problem,
            around,
        ));
    }
    super::walk::sort(&mut open);
    (open, waived)
}

/// Whether a waiver was there before what the finding is about. It spoke of another change, unless it names a file
/// that did not exist then: the same place can break again, for others and in another way.
fn is_of_another_change(waiver: &Waiver, around: &RegistryPair<'_>) -> bool {
    let old = around.old;
    let waits = |file: &String| !old.documents.contains_key(file);
    old.registry.waivers.contains(waiver) && !waiver.file.as_ref().is_some_and(waits)
}

fn expired(waiver: &Waiver, today: Day) -> bool {
    // The loader refuses a date that is none.
    Day::read(&waiver.expires).is_none_or(|last| last < today)
}
