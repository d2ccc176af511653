//! What watches the pipeline: Prometheus alert rules and a Grafana dashboard.
//!
//! Both read the metrics of [`metric`], by the names the runtime exports them under.
mod alerts;
mod dashboard;
pub mod metric;
mod promql;

use super::EmittedFile;
use crate::registry::Registry;

/// `alerts.yaml` and `dashboard.json`.
#[must_use]
pub fn emit(registry: &Registry) -> Vec<EmittedFile> {
    vec![alerts::emit(registry), dashboard::emit(registry)]
}
