//! Sorts findings into open and accepted, and finds waivers that accept nothing.
use super::Waived;
use super::day::Day;
use crate::finding::{Finding, Severity};
use crate::registry::waivers::{Waiver, version_of};
use crate::rules::pair::RegistryPair;
use crate::rules::waivers::{waiver_expired, waiver_unused};

/// Open findings, those of the waivers themselves included, and accepted ones.
///
/// A waiver does its work in one change and stays in the file until it expires: one that was there before and
/// matches nothing now is only worth a warning, one that this change brings is an error.
pub(super) fn apply(found: Vec<Finding>, around: &RegistryPair<'_>) -> (Vec<Finding>, Vec<Waived>) {
    let RegistryPair { old, new, today } = *around;
    let waivers = &new.registry.waivers;
    let mut uses = vec![0_usize; waivers.len()];
    let (mut open, mut waived) = (Vec::new(), Vec::new());
    for finding in found {
        let mut accepted = None;
        for (index, waiver) in waivers.iter().enumerate() {
            if waiver.covers(&finding) && !is_of_another_change(waiver, &finding, around) {
                uses[index] += 1;
                if !expired(waiver, today) {
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
        } else if uses == 0 {
            let problem = waiver_unused::problem(index, waiver, severity);
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

/// Whether a waiver that names no version was there before the version that the finding is about: it spoke of
/// another one, and a new one may break other readers at the same place.
fn is_of_another_change(waiver: &Waiver, finding: &Finding, around: &RegistryPair<'_>) -> bool {
    let old = around.old;
    waiver.version.is_none()
        && old.registry.waivers.contains(waiver)
        && version_of(&finding.file).is_some()
        && !old.documents.contains_key(&finding.file)
}

fn expired(waiver: &Waiver, today: Day) -> bool {
    // The loader refuses a date that is none.
    Day::read(&waiver.expires).is_none_or(|last| last < today)
}
