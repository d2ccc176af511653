//! What several rounds say together: the machine is never as quiet in one minute as in the next, so contenders take
//! turns, each is compared with the first of its own round, and the middle of the rounds is told, with the ends.
use super::contenders::Run;

/// The columns of [`Figures::line`].
pub const HEADINGS: &str = "| contender | rows/s | × engine | to the last row | client CPU s/M | server CPU s/M | and merges | client MB | server MB | inserts/s | checked |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|";

/// Decimals of each figure, after division by its unit.
const COLUMNS: [(f64, usize); 9] = [
    (1e3, 0),
    (1.0, 2),
    (1e3, 0),
    (1.0, 2),
    (1.0, 2),
    (1.0, 2),
    (1.0, 0),
    (1.0, 0),
    (1.0, 1),
];

/// What one run is told by.
pub struct Figures {
    name: String,
    values: [f64; COLUMNS.len()],
    is_right: bool,
}

impl Figures {
    /// Of a run; `base` is the rate that it is compared with.
    pub fn of(run: &Run, base: f64) -> Self {
        let million = run.rows as f64 / 1e6;
        let seconds = run.rows as f64 / run.rate.to_the_last;
        Self {
            name: run.name.clone(),
            values: [
                run.rate.sustained,
                run.rate.sustained / base,
                run.rate.to_the_last,
                run.client_cpu / million,
                run.server.cpu / million,
                run.server.cpu_merged / million,
                run.client_megabytes as f64,
                run.server.megabytes as f64,
                run.server.inserts as f64 / seconds,
            ],
            is_right: run.is_right,
        }
    }

    /// A line of a table.
    pub fn line(&self) -> String {
        let values = self.values.iter().zip(COLUMNS);
        let cells = values.map(|(value, (unit, decimals))| {
            let unit_name = if unit > 1.0 { " k" } else { "" };
            format!("{:.decimals$}{unit_name}", value / unit)
        });
        line(&self.name, cells, self.is_right)
    }

    /// One contender's rounds in a line: the middle one of each figure, and from where to where it went.
    pub fn together(rounds: &[Self]) -> String {
        let cells = (0..COLUMNS.len()).map(|column| {
            let (unit, decimals) = COLUMNS[column];
            let mut values: Vec<f64> = rounds.iter().map(|it| it.values[column] / unit).collect();
            values.sort_by(f64::total_cmp);
            let (least, most) = (values[0], values[values.len() - 1]);
            let middle = values[values.len() / 2];
            format!("{middle:.decimals$} ({least:.decimals$}–{most:.decimals$})")
        });
        let is_right = rounds.iter().all(|it| it.is_right);
        line(&rounds[0].name, cells, is_right)
    }
}

fn line(name: &str, cells: impl Iterator<Item = String>, is_right: bool) -> String {
    let cells: Vec<String> = cells.collect();
    let checked = if is_right { "yes" } else { "WRONG" };
    format!("| {name} | {} | {checked} |", cells.join(" | "))
}
