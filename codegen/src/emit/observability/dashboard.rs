//! The Grafana dashboard: the pipeline's metrics from Prometheus, then every KPI from ClickHouse.
//!
//! Data sources are variables of the dashboard, so one file fits every installation.
use serde_json::{Value, json};

use super::metric;
use crate::clickhouse::print::name as quoted_name;
use crate::emit::EmittedFile;
use crate::registry::Registry;
use crate::registry::manifest::{KpiQuery, ViewManifest};

/// Width of Grafana's grid.
const GRID: u32 = 24;
/// Panels stand two in a row.
const WIDTH: u32 = GRID / 2;
const HEIGHT: u32 = 8;
/// Grafana's number for this shape of dashboard; newer versions migrate it when they load it.
const SCHEMA_VERSION: u32 = 39;

/// Days of a KPI that has no window.
const DAYS_SHOWN: u32 = 90;

/// Panels in reading order.
#[derive(Default)]
struct Board {
    panels: Vec<Value>,
    x: u32,
    y: u32,
}

impl Board {
    fn row(&mut self, title: &str) {
        if self.x > 0 {
            self.y += HEIGHT;
            self.x = 0;
        }
        let id = self.panels.len() + 1;
        self.panels.push(json!({
            "id": id,
            "type": "row",
            "title": title,
            "collapsed": false,
            "gridPos": { "x": 0, "y": self.y, "w": GRID, "h": 1 },
            "panels": [],
        }));
        self.y += 1;
    }

    fn panel(&mut self, title: &str, description: &str, body: Value) {
        let id = self.panels.len() + 1;
        let mut panel = json!({
            "id": id,
            "title": title,
            "description": description,
            "gridPos": { "x": self.x, "y": self.y, "w": WIDTH, "h": HEIGHT },
        });
        if let (Value::Object(panel), Value::Object(body)) = (&mut panel, body) {
            panel.extend(body);
        }
        self.panels.push(panel);
        self.x += WIDTH;
        if self.x >= GRID {
            self.x = 0;
            self.y += HEIGHT;
        }
    }

    fn prometheus(&mut self, title: &str, description: &str, unit: &str, queries: &[(&str, &str)]) {
        let source = json!({ "type": "prometheus", "uid": "${prometheus}" });
        let targets: Vec<Value> = queries
            .iter()
            .enumerate()
            .map(|(index, (expr, legend))| {
                json!({
                    "refId": reference(index),
                    "datasource": source,
                    "expr": expr,
                    "legendFormat": legend,
                })
            })
            .collect();
        self.panel(
            title,
            description,
            json!({
                "type": "timeseries",
                "datasource": source,
                "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
                "targets": targets,
            }),
        );
    }
}

/// `A`, `B`, `C`, …
fn reference(index: usize) -> String {
    u8::try_from(index)
        .ok()
        .and_then(|index| b'A'.checked_add(index))
        .filter(u8::is_ascii_uppercase)
        .map_or_else(
            || format!("Q{index}"),
            |letter| char::from(letter).to_string(),
        )
}

fn pipeline(board: &mut Board) {
    let rate = |name: &str| format!("sum(rate({name}[5m]))");
    let quantile = |share: &str, name: &str| {
        format!("histogram_quantile({share}, sum by (le) (rate({name}_bucket[5m])))")
    };
    board.row("Producing");
    board.prometheus(
        "Produced events",
        "Events a second handed to Kafka, and those it did not take.",
        "ops",
        &[
            (&rate(metric::PRODUCE), "produced"),
            (&rate(metric::PRODUCE_FAIL), "failed"),
        ],
    );
    board.prometheus(
        "Share of failed events",
        "Failed events wait in the outbox or the fallback log; above 1 % an alert fires.",
        "percentunit",
        &[(
            &format!(
                "{} / clamp_min({}, 1e-9)",
                rate(metric::PRODUCE_FAIL),
                rate(metric::PRODUCE)
            ),
            "failed",
        )],
    );
    board.prometheus(
        "Outbox rows waiting",
        "Rows that the relay has yet to publish; above 10,000 an alert fires.",
        "short",
        &[(&format!("max({})", metric::OUTBOX_PENDING), "rows")],
    );
    board.prometheus(
        "Age of the oldest outbox row",
        "How long the oldest waiting row has waited.",
        "s",
        &[(&format!("max({})", metric::OUTBOX_OLDEST), "age")],
    );
    board.prometheus(
        "Fallback log",
        "Events on the disks of producers while Kafka does not take them.",
        "short",
        &[
            (&format!("sum({})", metric::FALLBACK_RECORDS), "waiting"),
            (&format!("sum({})", metric::FALLBACK_REFUSED), "refused"),
        ],
    );
    board.prometheus(
        "Age of the oldest event in a fallback log",
        "How long the oldest waiting event has waited.",
        "s",
        &[(&format!("max({})", metric::FALLBACK_OLDEST), "age")],
    );
    board.row("Ingesting");
    board.prometheus(
        "Records to ingest",
        "Records that workers have yet to read, by topic.",
        "short",
        &[(
            &format!(
                "sum by (topic) (max by (topic, partition) ({}))",
                metric::LAG
            ),
            "{{topic}}",
        )],
    );
    board.prometheus(
        "Read records",
        "Records a second that workers take from Kafka, by topic.",
        "ops",
        &[(
            &format!("sum by (topic) (rate({}[5m]))", metric::CONSUMED),
            "{{topic}}",
        )],
    );
    board.prometheus(
        "Dead letters",
        "Records a minute that could not be used, by topic and reason.",
        "opm",
        &[(
            &format!("sum by (topic, reason) (rate({}[5m])) * 60", metric::DLQ),
            "{{topic}} {{reason}}",
        )],
    );
    board.prometheus(
        "Insert latency",
        "Time of an insert into ClickHouse; an alert fires when the 95th percentile stays above two seconds.",
        "ms",
        &[
            (&quantile("0.5", metric::INSERT_LATENCY), "p50"),
            (&quantile("0.95", metric::INSERT_LATENCY), "p95"),
            (&quantile("0.99", metric::INSERT_LATENCY), "p99"),
        ],
    );
    board.prometheus(
        "Rows of an insert",
        "Few large inserts cost ClickHouse least.",
        "short",
        &[
            (&quantile("0.5", metric::BATCH_SIZE), "p50"),
            (&quantile("0.95", metric::BATCH_SIZE), "p95"),
        ],
    );
    board.prometheus(
        "Ingested rows",
        "Rows a second that reach ClickHouse.",
        "rowsps",
        &[(&rate(&format!("{}_sum", metric::BATCH_SIZE)), "rows")],
    );
    board.prometheus(
        "Duplicates",
        "Events a second that were dropped because they came twice, and keys that the cache let go early; ClickHouse counts each event once either way.",
        "ops",
        &[
            (&rate(metric::DUPLICATES), "dropped"),
            (&rate(metric::EVICTIONS), "evicted keys"),
        ],
    );
    board.prometheus(
        "Paused workers",
        "Workers that have stopped reading because their inserts do not keep up.",
        "short",
        &[(&format!("sum({})", metric::PAUSED), "paused")],
    );
}

/// A KPI by day is a curve, one with groups a table, one without a number.
fn kpi(board: &mut Board, database: &str, kpi: &KpiQuery) {
    let source = json!({ "type": "grafana-clickhouse-datasource", "uid": "${clickhouse}" });
    let view = format!(
        "{}.{}",
        quoted_name(database),
        quoted_name(&format!("kpi_{}", kpi.name))
    );
    let by_day = kpi.group_by == ["event_date"];
    let (kind, format, query_type, sql) = if by_day {
        let measures: Vec<String> = kpi
            .measures
            .iter()
            .map(|measure| quoted_name(&measure.name))
            .collect();
        (
            "timeseries",
            0,
            "timeseries",
            format!(
                "SELECT toDateTime(event_date, 'UTC') AS time, {} FROM {view} ORDER BY time",
                measures.join(", ")
            ),
        )
    } else {
        let kind = if kpi.group_by.is_empty() {
            "stat"
        } else {
            "table"
        };
        (kind, 1, "table", format!("SELECT * FROM {view}"))
    };
    let mut body = json!({
        "type": kind,
        "datasource": source,
        "fieldConfig": { "defaults": {}, "overrides": [] },
        "targets": [{
            "refId": "A",
            "datasource": source,
            "editorType": "sql",
            "format": format,
            "queryType": query_type,
            "rawSql": sql,
        }],
    });
    if let (true, Value::Object(body)) = (by_day, &mut body) {
        // The dashboard shows hours, a KPI by day shows its own window of days.
        let days = kpi.window_days.unwrap_or(DAYS_SHOWN);
        body.insert("timeFrom".to_owned(), json!(format!("{days}d")));
    }
    board.panel(&kpi.title, &kpi.description, body);
}

/// `dashboard.json`.
pub(super) fn emit(registry: &Registry) -> EmittedFile {
    let project = &registry.manifest.project;
    let mut board = Board::default();
    pipeline(&mut board);
    let kpis: Vec<&KpiQuery> = registry
        .views
        .iter()
        .filter_map(|view| match view {
            ViewManifest::Kpi(kpi) => Some(kpi),
            ViewManifest::Aggregate(_) | ViewManifest::Latest(_) | ViewManifest::Rollup(_) => None,
        })
        .collect();
    if !kpis.is_empty() {
        board.row("KPIs");
    }
    for query in kpis {
        kpi(&mut board, &registry.manifest.clickhouse.database, query);
    }
    let variable = |name: &str, label: &str, query: &str| {
        json!({
            "name": name,
            "label": label,
            "type": "datasource",
            "query": query,
            "hide": 0,
            "refresh": 1,
        })
    };
    let dashboard = json!({
        "uid": uid(&project.name),
        "title": format!("{} pipeline", project.name),
        "description": project.description,
        "tags": ["topicwright"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": true,
        "refresh": "10s",
        "time": { "from": "now-6h", "to": "now" },
        "timezone": "utc",
        "templating": { "list": [
            variable("prometheus", "Metrics", "prometheus"),
            variable("clickhouse", "Events", "grafana-clickhouse-datasource"),
        ] },
        "panels": board.panels,
    });
    EmittedFile {
        path: "generated/observability/dashboard.json".to_owned(),
        contents: format!("{dashboard:#}\n"),
    }
}

/// Grafana takes 40 characters of letters, digits, `-` and `_`.
fn uid(project: &str) -> String {
    let plain: String = project
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || "-_".contains(*character))
        .take(31)
        .collect();
    format!("{plain}-pipeline")
}
