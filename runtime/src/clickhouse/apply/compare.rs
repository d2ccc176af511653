//! Live objects against wanted ones: what can be altered in place, what only a person may decide.
//!
//! In place: new columns, comments, codecs, defaults, longer retention, settings, a view's query. Refused:
//! everything that would lose or reinterpret rows that are there.
use std::collections::BTreeMap;

use super::object::{Column, Engine, Kind, Object};
use super::{Plan, Refusal, Step};
use crate::clickhouse::{literal, quoted};

/// Where a live object stands.
pub(super) struct Place<'a> {
    pub(super) database: &'a str,
    pub(super) name: &'a str,
}

impl Place<'_> {
    fn sql(&self) -> String {
        format!("{}.{}", quoted(self.database), quoted(self.name))
    }

    fn step(&self, plan: &mut Plan, needed: bool, words: impl Into<String>, alteration: &str) {
        plan.steps.push(Step {
            object: self.name.to_owned(),
            words: words.into(),
            sql: format!("ALTER TABLE {} {alteration}", self.sql()),
            creates: false,
            needed,
            adds_column: false,
        });
    }

    fn refuse(&self, plan: &mut Plan, words: String, fix: String) {
        plan.refusals.push(Refusal {
            object: self.name.to_owned(),
            words,
            fix,
        });
    }
}

/// Adds what turns `live` into `wanted`; `sql` is the statement that creates it.
pub(super) fn compare(
    place: &Place<'_>,
    sql: &str,
    wanted: &Object,
    live: &Object,
    all_wanted: &BTreeMap<String, Object>,
    plan: &mut Plan,
) {
    match (&wanted.kind, &live.kind) {
        (Kind::Table(wanted_engine), Kind::Table(live_engine)) => {
            columns(place, &wanted.columns, &live.columns, plan);
            engine(place, wanted_engine, live_engine, plan);
            comment(place, wanted, live, plan);
        }
        (
            Kind::View {
                query: wanted_query,
            },
            Kind::View { query: live_query },
        ) => {
            if wanted_query != live_query || wanted.comment != live.comment {
                plan.steps.push(Step {
                    object: place.name.to_owned(),
                    words: "replace the view: its query or comment changed".to_owned(),
                    sql: sql.to_owned(),
                    creates: false,
                    needed: false,
                    adds_column: false,
                });
            }
        }
        (
            Kind::MaterializedView {
                query: wanted_query,
                refresh: wanted_refresh,
                target: wanted_target,
            },
            Kind::MaterializedView {
                query: live_query,
                refresh: live_refresh,
                target: live_target,
            },
        ) => {
            if wanted_target != live_target {
                place.refuse(
                    plan,
                    format!("it feeds {live_target}, the registry wants {wanted_target}"),
                    format!(
                        "stop the workers, `DROP VIEW {}`, then `pipeline apply` makes it anew; rows inserted meanwhile do not reach it",
                        place.sql()
                    ),
                );
                return;
            }
            if wanted_refresh != live_refresh {
                if wanted_refresh.is_empty() || live_refresh.is_empty() {
                    place.refuse(
                        plan,
                        "it is fed in another way (on insert or on a schedule) than the registry wants".to_owned(),
                        format!("stop the workers, `DROP VIEW {}`, then `pipeline apply`", place.sql()),
                    );
                    return;
                }
                place.step(
                    plan,
                    false,
                    format!("{live_refresh} → {wanted_refresh}"),
                    &format!("MODIFY {wanted_refresh}"),
                );
            }
            if wanted_query != live_query {
                view_query(place, wanted, wanted_query, wanted_target, all_wanted, plan);
            }
            comment(place, wanted, live, plan);
        }
        _ => place.refuse(
            plan,
            "it is there as another kind of object (table, view, materialized view)".to_owned(),
            format!(
                "rename it: `RENAME TABLE {} TO …`, then `pipeline apply`",
                place.sql()
            ),
        ),
    }
}

fn view_query(
    place: &Place<'_>,
    wanted: &Object,
    query: &str,
    target: &str,
    all_wanted: &BTreeMap<String, Object>,
    plan: &mut Plan,
) {
    let target_name = target.rsplit_once('.').map_or(target, |(_, name)| name);
    let missing = all_wanted.get(target_name).and_then(|target| {
        wanted
            .columns
            .iter()
            .find(|column| !target.columns.iter().any(|other| other.name == column.name))
    });
    match missing {
        Some(column) => place.refuse(
            plan,
            format!(
                "its query makes a column `{}` that {target} does not have",
                column.name
            ),
            "generate again: the statements do not belong together".to_owned(),
        ),
        None => place.step(
            plan,
            true,
            "change the query; rows inserted before keep what they were counted as",
            &format!("MODIFY QUERY {query}"),
        ),
    }
}

fn comment(place: &Place<'_>, wanted: &Object, live: &Object, plan: &mut Plan) {
    if wanted.comment != live.comment {
        place.step(
            plan,
            false,
            "change the comment",
            &format!("MODIFY COMMENT {}", literal(&wanted.comment)),
        );
    }
}

fn columns(place: &Place<'_>, wanted: &[Column], live: &[Column], plan: &mut Plan) {
    let mut before: Option<&str> = None;
    for column in wanted {
        let name = quoted(&column.name);
        match live.iter().find(|other| other.name == column.name) {
            None => {
                let position = before.map_or_else(
                    || "FIRST".to_owned(),
                    |before| format!("AFTER {}", quoted(before)),
                );
                place.step(
                    plan,
                    true,
                    format!("add column {} {}", column.name, column.type_and_default()),
                    &format!(
                        "ADD COLUMN IF NOT EXISTS {name} {} {position}",
                        column.definition()
                    ),
                );
                if let Some(step) = plan.steps.last_mut() {
                    step.adds_column = true;
                }
            }
            Some(other) => compare_column(place, column, other, plan),
        }
        before = Some(&column.name);
    }
    for column in live {
        if !wanted.iter().any(|other| other.name == column.name) {
            plan.notes.push(format!(
                "{}: column `{}` is not in the registry; it stays and is filled with its default (to drop it with its data: `ALTER TABLE {} DROP COLUMN {}`)",
                place.name,
                column.name,
                place.sql(),
                quoted(&column.name)
            ));
        }
    }
}

fn compare_column(place: &Place<'_>, wanted: &Column, live: &Column, plan: &mut Plan) {
    let name = quoted(&wanted.name);
    if wanted.sql_type != live.sql_type {
        let modify = format!(
            "ALTER TABLE {} MODIFY COLUMN {name} {}",
            place.sql(),
            wanted.sql_type
        );
        if wanted.sql_type.starts_with("JSON") && live.sql_type.starts_with("JSON") {
            // The server changes a JSON type by printing and parsing every stored value, which fails where
            // one does not fit and turns texts that look like dates into dates.
            plan.notes.push(format!(
                "{}: the JSON type of `{}` is older than the registry's; rows are written in the table's type and nothing is lost (paths it does not declare are stored undeclared). To type them: `{modify}`, which rewrites the column and fails where stored values do not fit",
                place.name, wanted.name
            ));
        } else {
            place.refuse(
                plan,
                format!(
                    "column `{}` is {}, the registry wants {}",
                    wanted.name, live.sql_type, wanted.sql_type
                ),
                format!(
                    "give the new type a new column name; or, where every stored value fits, stop the workers and run `{modify}`"
                ),
            );
            return;
        }
    }
    if (&wanted.default_kind, &wanted.default) != (&live.default_kind, &live.default) {
        if wanted.default_kind == live.default_kind {
            place.step(
                plan,
                false,
                format!(
                    "column {}: {} {} → {}; rows that are there keep theirs",
                    wanted.name, wanted.default_kind, live.default, wanted.default
                ),
                &format!(
                    "MODIFY COLUMN {name} {} {} {}",
                    live.sql_type, wanted.default_kind, wanted.default
                ),
            );
        } else {
            place.refuse(
                plan,
                format!(
                    "column `{}` is `{}`, the registry wants `{}`",
                    wanted.name,
                    live.type_and_default(),
                    wanted.type_and_default()
                ),
                format!(
                    "drop or rename it: `ALTER TABLE {} RENAME COLUMN {name} TO …`",
                    place.sql()
                ),
            );
            return;
        }
    }
    if wanted.codec != live.codec {
        let alteration = if wanted.codec.is_empty() {
            format!("MODIFY COLUMN {name} REMOVE CODEC")
        } else {
            format!("MODIFY COLUMN {name} {}", wanted.codec)
        };
        place.step(
            plan,
            false,
            format!("column {}: change the codec; merges apply it", wanted.name),
            &alteration,
        );
    }
    if wanted.comment != live.comment {
        place.step(
            plan,
            false,
            format!("column {}: change the comment", wanted.name),
            &format!("COMMENT COLUMN {name} {}", literal(&wanted.comment)),
        );
    }
}

fn engine(place: &Place<'_>, wanted: &Engine, live: &Engine, plan: &mut Plan) {
    for (what, wanted, live) in [
        ("engine", &wanted.engine, &live.engine),
        ("partition key", &wanted.partition_by, &live.partition_by),
        ("primary key", &wanted.primary_key, &live.primary_key),
        ("sorting key", &wanted.order_by, &live.order_by),
        ("sampling key", &wanted.sample_by, &live.sample_by),
    ] {
        if wanted != live {
            place.refuse(
                plan,
                format!("its {what} is `{live}`, the registry wants `{wanted}`"),
                format!(
                    "stop the workers, `RENAME TABLE {} TO {}`, `pipeline apply`, copy the rows with INSERT … SELECT, start the workers",
                    place.sql(),
                    quoted(&format!("{}_old", place.name))
                ),
            );
        }
    }
    if wanted.ttl != live.ttl {
        retention(place, &wanted.ttl, &live.ttl, plan);
    }
    for (name, value) in &wanted.settings {
        let old = live.settings.get(name);
        if old != Some(value) {
            if name == "index_granularity" {
                plan.notes.push(format!(
                    "{}: index_granularity is fixed at creation ({}, the registry wants {value})",
                    place.name,
                    old.map_or("default", String::as_str)
                ));
                continue;
            }
            place.step(
                plan,
                name.ends_with("deduplication_window"),
                format!(
                    "setting {name}: {} → {value}",
                    old.map_or("default", String::as_str)
                ),
                &format!("MODIFY SETTING {name} = {value}"),
            );
        }
    }
}

/// Longer retention is set; shorter deletes rows and is for a person to run.
fn retention(place: &Place<'_>, wanted: &str, live: &str, plan: &mut Plan) {
    let longer = match (days(wanted), days(live)) {
        (Some((wanted_rest, wanted_days)), Some((live_rest, live_days))) => {
            wanted_rest == live_rest && wanted_days >= live_days
        }
        _ => false,
    };
    let words = format!(
        "retention: `{}` → `{}`",
        if live.is_empty() { "for ever" } else { live },
        if wanted.is_empty() {
            "for ever"
        } else {
            wanted
        },
    );
    if wanted.is_empty() {
        place.step(plan, false, words, "REMOVE TTL");
    } else if longer {
        place.step(plan, false, words, &format!("MODIFY TTL {wanted}"));
    } else {
        place.refuse(
            plan,
            format!("{words} would delete rows"),
            format!(
                "run it yourself: `ALTER TABLE {} MODIFY TTL {wanted}`",
                place.sql()
            ),
        );
    }
}

/// A TTL apart from its one number of days.
fn days(ttl: &str) -> Option<(String, u64)> {
    let (before, rest) = ttl.split_once("toIntervalDay(")?;
    let (number, after) = rest.split_once(')')?;
    Some((format!("{before}…{after}"), number.parse().ok()?))
}
