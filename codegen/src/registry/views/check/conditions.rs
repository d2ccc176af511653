//! Conditions: one test each, against a value that the column can have.
use serde_json::Value;

use crate::clickhouse::Type;
use crate::registry::manifest::Condition;
use crate::registry::views::{ViewColumn, stated_tests};

use super::{Checker, is_day, suggestion};

impl Checker<'_> {
    pub(super) fn conditions(&mut self, base: &str, member: &str, conditions: &[Condition]) {
        for (index, condition) in conditions.iter().enumerate() {
            let at = format!("{base}/{member}/{index}");
            if let Some(column) = self.column(&format!("{at}/column"), &condition.column) {
                self.condition(&at, condition, &column);
            }
        }
    }

    pub(super) fn condition(&mut self, at: &str, condition: &Condition, column: &ViewColumn) {
        match stated_tests(condition) {
            1 => {}
            0 => self.report(
                at,
                "this condition tests nothing",
                "add one of equals, not_equals, in, at_least, at_most",
            ),
            _ => self.report(
                at,
                "this condition has several tests",
                "write one condition for each; all of them must hold",
            ),
        }
        self.bounds(at, condition, column);
        if condition.one_of.as_ref().is_some_and(Vec::is_empty) {
            self.report(
                &format!("{at}/in"),
                "an empty list lets no row pass",
                "list the values, or remove the condition",
            );
        }
        let single = [
            ("equals", condition.equals.as_ref()),
            ("not_equals", condition.not_equals.as_ref()),
        ];
        for (test, value) in single {
            if let Some(value) = value {
                self.value(&format!("{at}/{test}"), value, column);
            }
        }
        for (index, value) in condition.one_of.iter().flatten().enumerate() {
            self.value(&format!("{at}/in/{index}"), value, column);
        }
    }

    fn bounds(&mut self, at: &str, condition: &Condition, column: &ViewColumn) {
        let ordered = column.kind.is_integer() || column.kind.is_fraction();
        for (test, bound) in [
            ("at_least", condition.at_least),
            ("at_most", condition.at_most),
        ] {
            let Some(bound) = bound else { continue };
            let pointer = format!("{at}/{test}");
            if !ordered {
                self.report(
                    &pointer,
                    &format!(
                        "`{}` is {}, which no number can be compared with",
                        column.name, column.kind
                    ),
                    "use equals, not_equals or in",
                );
            } else if bound < 0 && is_unsigned(&column.kind) {
                self.report(
                    &pointer,
                    &format!("`{}` is {}, never below 0", column.name, column.kind),
                    "compare with 0 or more",
                );
            }
        }
    }

    fn value(&mut self, pointer: &str, value: &Value, column: &ViewColumn) {
        let name = &column.name;
        let (fits, fix) = match &column.kind {
            Type::Bool => (value.is_boolean(), "write true or false"),
            Type::Date => (
                value.as_str().is_some_and(is_day),
                "write a day, \"2026-01-31\"",
            ),
            Type::DateTime64 => {
                self.report(
                    pointer,
                    &format!("`{name}` is a moment, and events rarely share one"),
                    "compare event_date with a day, \"2026-01-31\", or use window_days in a KPI",
                );
                return;
            }
            Type::Float64 | Type::NullableFloat64 => (value.is_number(), "write a number"),
            Type::Integer(integer) if integer.is_signed() => {
                (value.is_i64(), "write a whole number")
            }
            Type::Integer(_) => (value.is_u64(), "write a whole number, 0 or more"),
            Type::String
            | Type::LowCardinality
            | Type::Json(_)
            | Type::Tuple(_)
            | Type::Highest(_)
            | Type::Bitmap(_) => (value.is_string(), "write a text in quotes"),
        };
        if !fits {
            self.report(
                pointer,
                &format!("`{name}` is {}, so {value} never equals it", column.kind),
                fix,
            );
            return;
        }
        if let ("event_type", Some(topic)) = (name.as_str(), value.as_str())
            && !self.around.topics.iter().any(|known| known == topic)
        {
            self.report_as(
                "unknown-topic",
                pointer,
                &format!("there is no topic `{topic}`, so no event has this type"),
                &suggestion(topic, self.around.topics),
            );
        }
    }
}

fn is_unsigned(kind: &Type) -> bool {
    matches!(kind, Type::Integer(integer) if !integer.is_signed())
}
