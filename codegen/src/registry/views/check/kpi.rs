//! KPIs: the view they ask, the window, and what `having` and `order_by` say about the result.
use crate::registry::manifest::{KpiQuery, ViewManifest};
use crate::registry::views::{ViewColumn, columns_of};

use super::{Checker, names, suggestion};

impl Checker<'_> {
    pub(super) fn kpi(&mut self, kpi: &KpiQuery, view: &ViewManifest, fact: &[ViewColumn]) {
        if self.source_view(&kpi.from) {
            self.groups("/group_by", &kpi.group_by);
            self.conditions("", "where", &kpi.filter);
            self.measures(&kpi.measures, &kpi.group_by, true);
            let result = columns_of(view, fact, self.around.views);
            self.result(kpi, &result);
            if kpi.window_days.is_some()
                && !self.source.iter().any(|column| column.name == "event_date")
            {
                self.report(
                    "/window_days",
                    &format!(
                        "`{}` has no column `event_date` to take the last days of",
                        kpi.from
                    ),
                    "add event_date to its group_by, or remove window_days",
                );
            }
        }
        if kpi.window_days == Some(0) {
            self.report(
                "/window_days",
                "a window of 0 days holds nothing",
                "write 1 for one day only, or leave it out for all days",
            );
        }
        if kpi.limit == Some(0) {
            self.report(
                "/limit",
                "a limit of 0 shows nothing",
                "write the number of rows to show, or leave it out",
            );
        }
    }

    /// `having` and `order_by` of a KPI, which speak of its result.
    fn result(&mut self, kpi: &KpiQuery, result: &[ViewColumn]) {
        let measured: Vec<ViewColumn> = result
            .iter()
            .filter(|column| !kpi.group_by.contains(&column.name))
            .cloned()
            .collect();
        for (index, condition) in kpi.having.iter().enumerate() {
            let at = format!("/having/{index}");
            match measured
                .iter()
                .find(|column| column.name == condition.column)
            {
                Some(column) => self.condition(&at, condition, column),
                None if kpi.group_by.contains(&condition.column) => self.report_as(
                    "unknown-measure",
                    &format!("{at}/column"),
                    &format!(
                        "`{}` is a group column, and having is about measures",
                        condition.column
                    ),
                    "move the condition to where",
                ),
                None => self.report_as(
                    "unknown-measure",
                    &format!("{at}/column"),
                    &format!("there is no measure `{}` here", condition.column),
                    &suggestion(&condition.column, &names(&measured)),
                ),
            }
        }
        for (index, entry) in kpi.order_by.iter().enumerate() {
            let name = entry.strip_prefix('-').unwrap_or(entry);
            if !result.iter().any(|column| column.name == name) {
                self.report_as(
                    "unknown-measure",
                    &format!("/order_by/{index}"),
                    &format!("the result has no column `{name}` to order by"),
                    &suggestion(name, &names(result)),
                );
            }
        }
    }
}
