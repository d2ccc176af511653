//! Rollups: measures over an aggregate view's rows by day. Closed days are kept, and outlive the view's own; open days
//! are counted when the view is read.
use crate::clickhouse::{Definition, Object, Select, Source, Stage, View};
use crate::registry::manifest::RollupView;

use super::Context;
use super::aggregate::plain;
use super::question::Question;

/// The question that a rollup is; `None` where its view is not there.
pub(super) fn question<'a>(view: &'a RollupView, context: &'a Context<'a>) -> Option<Question<'a>> {
    Some(Question {
        name: view.name.clone(),
        source: format!("the view {}", view.name),
        view: context.aggregate(&view.from)?,
        filter: &[],
        group_by: &view.group_by,
        measures: &view.measures,
        retention_days: view.retention_days,
        context,
    })
}

/// The view that shows it.
pub(super) fn reading(question: &Question<'_>, description: &str) -> Object {
    let answer = question.answer(&[]);
    let names: Vec<&str> = answer
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let columns = plain("result", &names);
    Object {
        name: question.name.clone(),
        file: question.name.clone(),
        stage: Stage::RollupRead,
        view: Some(question.name.clone()),
        source: question.source.clone(),
        definition: Definition::View(View {
            name: question.context.table(&question.name),
            select: Select::over(Source::Query(Box::new(answer)), "result", columns),
            comment: description.to_owned(),
        }),
    }
}
