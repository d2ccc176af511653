//! Copies that are in other partitions of the ledger than the event that counts, and the rows that mark them.
use crate::clickhouse::{Aggregate, Expression, Operator, Output, Select, Source};

use super::super::aggregate::plain;
use super::{HOUR, Ledger, TABLE, hour_of};

/// The day whose copies are marked.
const DAY: Expression = Expression::Parameter {
    name: "day",
    kind: "Date",
};
/// How far around it other copies are looked for.
const LATE_DAYS: Expression = Expression::Parameter {
    name: "late_days",
    kind: "UInt32",
};
/// How often copies are looked for, each time among some of the keys.
const PASSES: Expression = Expression::Parameter {
    name: "passes",
    kind: "UInt64",
};
/// Which time it is.
const PASS: Expression = Expression::Parameter {
    name: "pass",
    kind: "UInt64",
};

/// Version of a row that marks a copy: it wins over every row of an event.
const COPY_VERSION: u64 = u64::MAX;

impl Ledger<'_> {
    /// Rows that win over those of copies: of the events of one day whose first copy is in another partition.
    ///
    /// Shape: the ledger's key columns, `version` and `is_copy`. Parameters: `{day:Date}` is the day,
    /// `{late_days:UInt32}` how far around it other copies are looked for; of `{passes:UInt64}` passes, which bound
    /// memory, this is number `{pass:UInt64}`. Copies that are marked already are left out.
    pub(in super::super) fn copies(&self) -> Select {
        let fact = || Source::Table(self.context.table(self.context.fact_table));
        let ledger = || Source::Table(self.context.table(TABLE));
        let date = |alias| Expression::column(alias, "event_date");
        let key = |alias| Expression::column(alias, "event_key");
        let around = |alias| Expression::Between {
            value: Box::new(date(alias)),
            least: Box::new(DAY.infix(Operator::Minus, LATE_DAYS)),
            most: Box::new(DAY.infix(Operator::Plus, LATE_DAYS)),
        };
        let of_pass = |alias| key(alias).infix(Operator::Modulo, PASSES).equals(PASS);
        let of_the_day = || {
            vec![
                date("own").equals(DAY),
                Expression::column("own", "is_copy").negated(),
                of_pass("own"),
            ]
        };
        let own = || Select {
            filter: of_the_day(),
            ..Select::over(ledger(), "own", vec![Output::plain("own", "event_key")])
        };
        let of_other_days = Select {
            filter: vec![
                around("other"),
                date("other").differs(DAY),
                of_pass("other"),
                key("other").in_query(own()),
            ],
            ..Select::over(fact(), "other", vec![Output::plain("other", "event_key")])
        };
        let hour = || Expression::column("own", HOUR);
        let of_two_hours = Select {
            group_by: vec![key("own")],
            having: vec![
                Expression::aggregate(Aggregate::Min, hour())
                    .differs(Expression::aggregate(Aggregate::Max, hour())),
            ],
            ..own()
        };
        let several = Select::over(
            Source::All(vec![of_other_days, of_two_hours]),
            "several",
            vec![Output::plain("several", "event_key")],
        );
        // Merges of the fact table leave only the first of copies there, so the day's own rows come from the ledger.
        let rows = |alias: &'static str, from: Source, hour: Expression, filter| {
            let mut columns = vec![
                Output::plain(alias, "event_date"),
                Output::new(HOUR, hour),
                Output::plain(alias, "version"),
            ];
            columns.extend(plain(alias, &self.sorting_columns()));
            Select {
                filter,
                ..Select::over(from, alias, columns)
            }
        };
        let all = Source::All(vec![
            rows(
                "event",
                fact(),
                hour_of("event"),
                vec![around("event"), of_pass("event")],
            ),
            rows("own", ledger(), hour(), of_the_day()),
        ]);
        let column = |name: &str| Expression::column("event", name);
        let mut columns = plain("event", &self.sorting_columns());
        // Two rows of one record have one version; the place decides, so that every pass says the same.
        let place = Expression::Tuple(vec![column("version"), column("event_date"), column(HOUR)]);
        columns.push(Output::new(
            "first",
            Expression::aggregate(Aggregate::Max, place),
        ));
        columns.push(Output::new(
            "hours",
            Expression::aggregate_if(
                Aggregate::UniqArray,
                Some(column(HOUR)),
                vec![column("event_date").equals(DAY)],
            ),
        ));
        let found = Select {
            filter: vec![column("event_key").in_query(several)],
            group_by: self.sorting_columns().into_iter().map(column).collect(),
            ..Select::over(all, "event", columns)
        };
        let mut columns = vec![Output::new(
            HOUR,
            Expression::call("arrayJoin", [Expression::column("found", "hours")]),
        )];
        columns.push(Output::plain("found", "first"));
        columns.extend(plain("found", &self.sorting_columns()));
        let places = Select::over(Source::Query(Box::new(found)), "found", columns);
        let marked = Select {
            filter: vec![
                date("marked").equals(DAY),
                Expression::column("marked", "is_copy"),
            ],
            ..Select::over(ledger(), "marked", plain("marked", &[HOUR, "event_key"]))
        };
        let mut columns = vec![Output::new("event_date", DAY)];
        let others = self.key_columns().into_iter().skip(1);
        columns.extend(others.map(|name| Output::plain("place", name)));
        columns.push(Output::new(
            "version",
            Expression::call("toUInt64", [Expression::number(COPY_VERSION)]),
        ));
        columns.push(Output::new("is_copy", Expression::Literal(true.into())));
        let hour = || Expression::column("place", HOUR);
        let first = || Expression::column("place", "first");
        Select {
            filter: vec![
                Expression::Tuple(vec![first().element(2), first().element(3)])
                    .differs(Expression::Tuple(vec![DAY, hour()])),
                Expression::Tuple(vec![hour(), key("place")]).not_in_query(marked),
            ],
            ..Select::over(Source::Query(Box::new(places)), "place", columns)
        }
    }
}
