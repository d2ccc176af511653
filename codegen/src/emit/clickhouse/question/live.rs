//! What open days contribute to a question, counted in the ledger.
//!
//! Only events that matter are read where the answer cannot tell the difference. What it could tell: a day on which
//! nothing that matters happened still has its row, so that row is added; and a maximum of nothing is 0, so it is only
//! added where no value is below.
use std::collections::BTreeSet;

use crate::clickhouse::{Aggregate, Expression, Operator, Output, Select, Source};
use crate::registry::manifest::{Condition, Measure};
use crate::registry::views::MeasureKind;

use super::super::aggregate::{self, as_sum};
use super::super::ledger::{EVENTS, Ledger, event_types, of_types};
use super::{CHUNK, Kept, Question, chunk, qualified};

/// Types of events; all where absent.
type Types = Option<BTreeSet<String>>;

/// A measure counted over events.
struct Counted {
    expression: Expression,
    types: Types,
    /// Whether a group without such events has 0 here.
    is_zero_without: bool,
}

impl<'a> Question<'a> {
    /// The parts of open days, with these columns; `filter` is over `event`.
    pub(super) fn open_days(&self, names: &[&str], filter: Vec<Expression>) -> Vec<Select> {
        self.over_events(names, &filter)
            .unwrap_or_else(|| vec![self.over_rows(names, filter)])
    }

    /// Counted over events, where that gives what the view's rows would.
    fn over_events(&self, names: &[&str], filter: &[Expression]) -> Option<Vec<Select>> {
        let (mut tests, gate) = self.row_tests(self.filter)?;
        let counted: Vec<(&str, Counted)> = self
            .measured()
            .map(|(measure, kind)| {
                Some((measure.name.as_str(), self.counted(measure, kind, gate)?))
            })
            .collect::<Option<_>>()?;
        if let Some(gate) = gate {
            // A group is there if such an event is.
            tests.extend(Expression::conditions("event", &gate.filter));
        }
        let types = counted
            .iter()
            .map(|(_, counted)| counted.types.clone())
            .try_fold(BTreeSet::new(), |mut all, types| {
                all.extend(types?);
                Some(all)
            });
        let is_zero_without = counted.iter().all(|(_, counted)| counted.is_zero_without);
        let is_by_day = matches!(self.group_by, [only] if only == "event_date");
        let (types, needs_days) = match types {
            _ if gate.is_some() => (None, false),
            Some(types) if self.group_by.is_empty() => (Some(types), false),
            // Days without any event that passes are not told from others.
            Some(types)
                if is_by_day
                    && is_zero_without
                    && self.filter.is_empty()
                    && self.view.filter.is_empty() =>
            {
                (Some(types), true)
            }
            Some(_) | None => (None, false),
        };
        let mut where_ = filter.to_vec();
        where_.extend(Expression::conditions("event", &self.view.filter));
        where_.extend(types.iter().map(|types| of_types("event", types)));
        where_.append(&mut tests);
        where_.push(Expression::column("event", "is_copy").negated());
        let kind = self.kind();
        let value = |name: &str| -> Expression {
            if let (Kept::Sets(of, _), CHUNK) = (&kind, name) {
                return chunk("event", of);
            }
            let found = counted.iter().find(|(measure, _)| *measure == name);
            found.map_or_else(
                || Expression::column("event", name),
                |(_, counted)| counted.expression.clone(),
            )
        };
        let mut group_by = qualified("event", self.group_by);
        if let Kept::Sets(of, _) = &kind {
            group_by.push(chunk("event", of));
        }
        let events = Select {
            filter: where_,
            group_by,
            having: self.only_of_something(),
            ..Select::over(
                Source::FinalByPartition(Ledger::name(self.context)),
                "event",
                names
                    .iter()
                    .map(|name| Output::new(name, value(name)))
                    .collect(),
            )
        };
        let mut parts = vec![events];
        if needs_days {
            parts.push(self.days(names, filter));
        }
        Some(parts)
    }

    /// Without groups there is a row even of nothing, and its 0 would be a minimum, or above a negative maximum.
    fn only_of_something(&self) -> Vec<Expression> {
        let has_extremes = self
            .measured()
            .any(|(_, kind)| matches!(kind, MeasureKind::Min(_) | MeasureKind::Max(_)));
        if self.group_by.is_empty() && has_extremes {
            let rows = Expression::aggregate_if(Aggregate::Count, None, Vec::new());
            vec![rows.infix(Operator::Above, Expression::number(0))]
        } else {
            Vec::new()
        }
    }

    /// A row of zeros for each open day that has an event.
    fn days(&self, names: &[&str], filter: &[Expression]) -> Select {
        let mut filter = filter.to_vec();
        filter.push(Expression::column("event", "is_copy").negated());
        let columns = names.iter().map(|name| {
            if self.group_by.iter().any(|group| group == name) {
                Output::plain("event", name)
            } else {
                Output::new(name, Expression::number(0))
            }
        });
        Select {
            filter,
            group_by: qualified("event", self.group_by),
            ..Select::over(
                Source::FinalByPartition(Ledger::name(self.context)),
                "event",
                columns.collect(),
            )
        }
    }

    /// Tests of view rows as tests of events: on group columns as they stand; at most one that asks for an event of
    /// a kind, as the measure that counts those. `None` where events cannot tell.
    fn row_tests(
        &self,
        conditions: &[Condition],
    ) -> Option<(Vec<Expression>, Option<&'a Measure>)> {
        let mut tests = Vec::new();
        let mut gate: Option<&Measure> = None;
        for condition in conditions {
            if self.view.group_by.contains(&condition.column) {
                tests.extend(Expression::column("event", &condition.column).tests(condition));
                continue;
            }
            let mut measures = self.view.measures.iter();
            let measure = measures.find(|measure| measure.name == condition.column)?;
            let counts_events =
                MeasureKind::stated(measure) == [MeasureKind::CountDistinct(EVENTS)];
            if !counts_events || condition.at_least != Some(1) || gate.is_some() {
                return None;
            }
            gate = Some(measure);
        }
        Some((tests, gate))
    }

    fn counted(
        &self,
        measure: &Measure,
        kind: MeasureKind<'_>,
        gate: Option<&Measure>,
    ) -> Option<Counted> {
        let (tests, own_gate) = self.row_tests(&measure.filter)?;
        let of_view = |name: &str| {
            let mut measures = self.view.measures.iter();
            measures.find(|measure| measure.name == name)
        };
        let over = |function, of: Option<Expression>, conditions: &[Condition]| {
            let mut only = Expression::conditions("event", conditions);
            only.extend(tests.iter().cloned());
            Expression::aggregate_if(function, of, only)
        };
        let event = |name: &str| Some(Expression::column("event", name));
        match kind {
            MeasureKind::CountDistinct(name) => {
                if !self.view.group_by.iter().any(|group| group == name)
                    || (gate.is_some() && own_gate.is_some())
                {
                    return None;
                }
                let function = match self.kind() {
                    Kept::Sets(..) => Aggregate::Bitmap,
                    Kept::Numbers | Kept::Nothing => Aggregate::UniqExact,
                };
                let conditions = own_gate.map_or(&[][..], |gate| &gate.filter);
                Some(Counted {
                    expression: over(function, event(name), conditions),
                    types: event_types(conditions),
                    is_zero_without: true,
                })
            }
            _ if gate.is_some() || own_gate.is_some() => None,
            MeasureKind::Sum(name) => {
                let inner = of_view(name)?;
                let sum = match *MeasureKind::stated(inner).first()? {
                    MeasureKind::CountDistinct(EVENTS) => {
                        over(Aggregate::Count, None, &inner.filter)
                    }
                    // Different in each row of the view: pairs of row and value.
                    MeasureKind::CountDistinct(column) => {
                        let mut pair = qualified("event", &self.view.group_by);
                        pair.extend(event(column));
                        let pair = Expression::call("cityHash64", pair);
                        over(Aggregate::UniqExact, Some(pair), &inner.filter)
                    }
                    MeasureKind::Sum(column) => over(Aggregate::Sum, event(column), &inner.filter),
                    MeasureKind::Max(_) | MeasureKind::Min(_) | MeasureKind::Ratio(..) => {
                        return None;
                    }
                };
                Some(Counted {
                    expression: as_sum(sum),
                    types: event_types(&inner.filter),
                    is_zero_without: true,
                })
            }
            MeasureKind::Max(name) => {
                let inner = of_view(name)?;
                let [MeasureKind::Max(column)] = MeasureKind::stated(inner)[..] else {
                    return None;
                };
                // A row of the view without such events has 0, which must not be above what others have.
                let is_plain = inner.filter.is_empty();
                if !is_plain && !self.context.nonnegative.contains(column) {
                    return None;
                }
                Some(Counted {
                    expression: over(Aggregate::Max, event(column), &inner.filter),
                    types: event_types(&inner.filter),
                    is_zero_without: !is_plain,
                })
            }
            MeasureKind::Min(name) => {
                let inner = of_view(name)?;
                let [MeasureKind::Min(column)] = MeasureKind::stated(inner)[..] else {
                    return None;
                };
                inner.filter.is_empty().then(|| Counted {
                    expression: over(Aggregate::Min, event(column), &[]),
                    types: None,
                    is_zero_without: false,
                })
            }
            MeasureKind::Ratio(..) => None,
        }
    }

    /// Counted over the view's rows, which are counted over events.
    fn over_rows(&self, names: &[&str], mut filter: Vec<Expression>) -> Select {
        let needed = self.needed();
        let asks_for_something = self.filter.iter().any(|condition| {
            condition.at_least.is_some_and(|least| least >= 1)
                && !self.view.group_by.contains(&condition.column)
        });
        if asks_for_something {
            // Rows without any event that a measure looks at are left out anyway.
            let measures = self.view.measures.iter();
            let types = measures
                .filter(|measure| needed.contains(&measure.name.as_str()))
                .map(|measure| event_types(&measure.filter))
                .try_fold(BTreeSet::new(), |mut all, types| {
                    all.extend(types?);
                    Some(all)
                });
            filter.extend(types.iter().map(|types| of_types("event", types)));
        }
        let rows = aggregate::counted(self.view, self.context, &needed, filter);
        let mut group_by = qualified("source", self.group_by);
        if let Kept::Sets(of, _) = self.kind() {
            group_by.push(chunk("source", of));
        }
        Select {
            filter: Expression::conditions("source", self.filter),
            group_by,
            having: self.only_of_something(),
            ..Select::over(
                Source::Query(Box::new(rows)),
                "source",
                self.of_rows("source", names),
            )
        }
    }
}
