//! Measures: one kind each, over columns whose type it fits, under names that are free.
use crate::registry::manifest::Measure;
use crate::registry::views::MeasureKind;

use super::{Checker, RESERVED, is_identifier, suggestion};

impl Checker<'_> {
    pub(super) fn measures(&mut self, measures: &[Measure], group_by: &[String], ratios: bool) {
        if measures.is_empty() {
            self.report(
                "/measures",
                "there is nothing to measure",
                "add a [[measures]] table with count_distinct, sum, max or min",
            );
        }
        for (index, measure) in measures.iter().enumerate() {
            let at = format!("/measures/{index}");
            let name = &measure.name;
            if !is_identifier(name) {
                self.report(
                    &format!("{at}/name"),
                    &format!("`{name}` cannot name a column"),
                    "use lower-case letters, digits and _, a letter first",
                );
            }
            let twice = measures
                .iter()
                .take(index)
                .any(|before| &before.name == name);
            if twice || group_by.contains(name) || RESERVED.contains(&name.as_str()) {
                self.report_as(
                    "name-taken",
                    &format!("{at}/name"),
                    &format!("the result has a column `{name}` already"),
                    "rename this measure",
                );
            }
            self.conditions(&at, "where", &measure.filter);
            match MeasureKind::stated(measure).as_slice() {
                [kind] => self.measure(&at, measure, *kind, measures, ratios),
                [] => self.report(
                    &at,
                    "this measure computes nothing",
                    "add one of count_distinct, sum, max, min, or in a KPI ratio",
                ),
                _ => self.report(
                    &at,
                    "this measure has several kinds",
                    "keep one, and write another measure for each of the others",
                ),
            }
        }
    }

    fn measure(
        &mut self,
        at: &str,
        measure: &Measure,
        kind: MeasureKind<'_>,
        measures: &[Measure],
        ratios: bool,
    ) {
        match kind {
            MeasureKind::CountDistinct(column) => {
                self.column(&format!("{at}/count_distinct"), column);
            }
            MeasureKind::Sum(name) => {
                let pointer = format!("{at}/sum");
                if let Some(column) = self.column(&pointer, name)
                    && !column.kind.is_integer()
                {
                    self.report(
                        &pointer,
                        &format!(
                            "`{name}` is {}, and only whole numbers add up to the same sum in every order",
                            column.kind
                        ),
                        "sum an integer column: cents rather than a fraction of a dollar",
                    );
                }
            }
            MeasureKind::Max(name) => self.ordered(&format!("{at}/max"), name),
            MeasureKind::Min(name) => self.ordered(&format!("{at}/min"), name),
            MeasureKind::Ratio(over, under) => {
                if !ratios {
                    self.report(
                        &format!("{at}/ratio"),
                        "only a KPI may divide, because a ratio of sums is no sum of ratios",
                        "keep the two measures here and divide in a KPI",
                    );
                }
                if !measure.filter.is_empty() {
                    self.report(
                        &format!("{at}/where"),
                        "a ratio divides two finished measures",
                        "put the condition on those",
                    );
                }
                for (index, operand) in [over, under].into_iter().enumerate() {
                    self.operand(&format!("{at}/ratio/{index}"), operand, measures);
                }
            }
        }
    }

    fn operand(&mut self, pointer: &str, operand: &str, measures: &[Measure]) {
        match measures.iter().find(|other| other.name == operand) {
            Some(other) if other.ratio.is_none() => {}
            Some(_) => self.report_as(
                "unknown-measure",
                pointer,
                &format!("`{operand}` is a ratio itself"),
                "divide two measures that are counted",
            ),
            None => {
                let names: Vec<String> = measures
                    .iter()
                    .filter(|other| other.ratio.is_none())
                    .map(|other| other.name.clone())
                    .collect();
                self.report_as(
                    "unknown-measure",
                    pointer,
                    &format!("there is no measure `{operand}` here to divide"),
                    &suggestion(operand, &names),
                );
            }
        }
    }

    fn ordered(&mut self, pointer: &str, name: &str) {
        if let Some(column) = self.column(pointer, name)
            && !column.kind.is_integer()
            && !column.kind.is_fraction()
        {
            self.report(
                pointer,
                &format!(
                    "`{name}` is {}, and max and min are of numbers",
                    column.kind
                ),
                "use a number column, or a latest view to keep the newest value",
            );
        }
    }
}
