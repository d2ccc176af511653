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
    let matches = |waiver: &Waiver, finding: &Finding| {
        waiver.covers(finding) && !is_of_another_change(waiver, around)
    };
    let files: Vec<BTreeSet<String>> = waivers
        .iter()
        .map(|waiver| {
            let matched = found.iter().filter(|finding| matches(waiver, finding));
            matched.map(|finding| finding.file.clone()).collect()
        })
        .collect();
    let late: Vec<bool> = waivers
        .iter()
        .map(|waiver| found.iter().any(|finding| waiver.covers(finding)))
        .collect();
    let mut uses = vec![0_usize; waivers.len()];
    let (mut open, mut waived) = (Vec::new(), Vec::new());
    for finding in found {
        let mut accepted = None;
        for (index, waiver) in waivers.iter().enumerate() {
            if matches(waiver, &finding) {
                uses[index] += 1;
                if !expired(waiver, today) && files[index].len() < 2 {
                    accepted.get_or_insert(waiver);
                }
            }
        }
        match accepted {
            Some(waiver) => waived.push(Waived {
                finding,
                waiver: waiver.clone(),
            }),
            None => open.push(finding),
        }
    }
    for (index, (waiver, uses)) in waivers.iter().zip(uses).enumerate() {
        let severity = if uses == 0 && old.registry.waivers.contains(waiver) {
            Severity::Warning
        } else {
            Severity::Error
        };
        let (rule, problem) = if expired(waiver, today) {
            let problem = waiver_expired::problem(index, waiver, severity);
            (&waiver_expired::RULE, problem)
        } else if files[index].len() > 1 {
            let problem = waiver_ambiguous::problem(index, waiver, &files[index]);
            (&waiver_ambiguous::RULE, problem)
        } else if uses == 0 {
            let problem = waiver_unused::problem(index, waiver, severity, late[index]);
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
