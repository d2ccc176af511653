//! `pipeline demo`: from simulated producers to KPIs, checked against an oracle. The result goes to standard
//! output, everything on the way to standard error.
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Outcome;
use super::signals::Signals;
use super::streams::{say, say_part, write_result};
use super::topics::Format;
use crate::config::{HashKey, Settings};
use crate::demo::{self, Options, Report, Screen, Stage, Where};
use crate::error::{Error, Result};
use crate::ingest::Counts;
use crate::registry::EventRegistry;

/// Flags of `demo`.
#[derive(clap::Args)]
pub(super) struct Demo {
    /// Messages to produce, repeated and broken ones included
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    events: u32,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Scenario of the registry [default: the first]
    #[arg(long)]
    scenario: Option<String>,
    /// Send events through an outbox in PostgreSQL and a relay, and tell how long one takes from commit to KPI; needs
    /// PostgreSQL installed
    #[arg(long)]
    outbox: bool,
    /// Keep the servers running, with addresses and queries to go on with
    #[arg(long)]
    keep: bool,
    /// Tables for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A fixed key: the demo's players are nobody.
const DEMO_HASH_KEY: HashKey = HashKey(*b"topicwright demo");

impl Demo {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let kafka = settings.kafka.clone();
        let mut settings = settings.clone();
        if matches!(kafka.as_deref(), Some("mock" | "real")) {
            settings.kafka = None;
        }
        let config = settings.check(R::PROJECT.name, false)?;
        let options = Options {
            events: self.events as usize,
            seed: self.seed,
            scenario: self.scenario.clone(),
            kafka: match kafka.as_deref() {
                None | Some("mock") => Where::Mock,
                Some("real") => Where::Real,
                Some(_) => Where::At(config.kafka),
            },
            clickhouse: settings.clickhouse.is_some().then_some(config.clickhouse),
            outbox: self.outbox,
            hash_key: DEMO_HASH_KEY,
        };
        let screen = Terminal::new(u64::from(self.events));
        let mut signals = Signals::listen()?;
        // Ending here, and not by the signal itself, drops the servers and removes their folders.
        let result = tokio::select! {
            result = demo::run::<R>(options, &screen) => result,
            () = signals.received() => Err(Error::service("interrupted before the end")),
        };
        screen.clear();
        let (report, stage) = result?;
        let text = match self.format {
            Format::Human => human(&report),
            Format::Json => format!("{}\n", report.to_json()),
        };
        let is_right = report.is_right();
        write_result(&text)?;
        if self.keep {
            say_part(&format!("\n{}", sample::<R>(&stage)));
            signals.received().await;
        }
        stage.stop().await?;
        if is_right {
            Ok(Outcome::Clean)
        } else {
            Err(Error::bug("ClickHouse and the oracle do not agree")
                .fix("keep the servers with --keep and compare the rows; the seed makes the same events again"))
        }
    }
}

fn human(report: &Report) -> String {
    let mut text = format!(
        "{} messages: {} events, {} repeated, {} broken\n{} rows ingested, {} dead letters\n\n",
        report.produced, report.valid, report.duplicates, report.invalid, report.rows, report.dlq
    );
    if let Some(outbox) = &report.outbox {
        let quantile = |share| outbox.latency(share).unwrap_or(0.0);
        text.push_str(&format!(
            "outbox: {} refused before the insert; from commit to KPI p50 {:.0} ms, p95 {:.0} ms ({} events)\n\n",
            outbox.refused,
            quantile(0.5),
            quantile(0.95),
            outbox.latencies_ms.len()
        ));
    }
    let rows: Vec<(&str, String, String, Option<String>)> = report.kpis().collect();
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let name_width = width(&mut rows.iter().map(|row| row.0.chars().count())).max(3);
    let left_width = width(&mut rows.iter().map(|row| row.1.chars().count())).max(6);
    let right_width = width(&mut rows.iter().map(|row| row.2.chars().count())).max(10);
    text.push_str(&format!(
        "{:name_width$}  {:left_width$}  {:right_width$}\n",
        "KPI", "oracle", "ClickHouse"
    ));
    for (name, oracle, clickhouse, difference) in &rows {
        let verdict = if difference.is_none() {
            "equal"
        } else {
            "DIFFERENT"
        };
        text.push_str(&format!(
            "{name:name_width$}  {oracle:left_width$}  {clickhouse:right_width$}  {verdict}\n"
        ));
        if let Some(difference) = difference {
            text.push_str(&format!(
                "  first difference, oracle / ClickHouse: {difference}\n"
            ));
        }
    }
    let seconds = |name: &str| report.seconds.get(name).copied().unwrap_or(0.0);
    text.push_str(&format!(
        "\n{} in {:.1} s: servers {:.1}, produce and ingest {:.1}\n",
        if report.is_right() {
            "All equal"
        } else {
            "NOT EQUAL"
        },
        seconds("total"),
        seconds("start"),
        seconds("produce and ingest"),
    ));
    text
}

fn sample<R: EventRegistry>(stage: &Stage) -> String {
    let database = R::PROJECT.database;
    let table = R::PROJECT.fact_table;
    let first = R::PROJECT.kpis.first().map_or("", |kpi| kpi.name);
    format!(
        "ClickHouse  {url}\nKafka       {brokers}\n\n\
         curl '{url}/?query=SELECT+event_type,count()+FROM+{database}.{table}+GROUP+BY+event_type'\n\
         curl '{url}/?query=SELECT+*+FROM+{database}.kpi_{first}+FORMAT+PrettyCompact'\n\
         pipeline kpi {first} --clickhouse {url}\n\n\
         Ctrl-C ends the servers.\n",
        url = stage.clickhouse(),
        brokers = stage.brokers(),
    )
}

/// Progress on standard error: moving bars on a terminal, one line a step elsewhere.
struct Terminal {
    bars: Option<MultiProgress>,
    events: ProgressBar,
    kpis: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Terminal {
    fn new(total: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bars = MultiProgress::with_draw_target(if is_terminal {
            ProgressDrawTarget::stderr_with_hz(15)
        } else {
            ProgressDrawTarget::hidden()
        });
        let events = bars.add(ProgressBar::new(total));
        // A template is checked by indicatif; one that it refuses leaves its default.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
            events.set_style(style);
        }
        Self {
            bars: is_terminal.then_some(bars),
            events,
            kpis: Mutex::new(BTreeMap::new()),
        }
    }

    fn clear(&self) {
        if let Some(bars) = &self.bars {
            // What cannot be cleared stays on the screen.
            let _ = bars.clear();
        }
    }
}

impl Screen for Terminal {
    fn step(&self, words: &str) {
        match &self.bars {
            Some(_) => self.events.set_message(words.to_owned()),
            None => say(words),
        }
    }

    fn progress(&self, produced: u64, total: u64, counts: Counts) {
        self.events.set_length(total);
        self.events.set_position(counts.settled);
        self.events.set_message(format!(
            "{produced} produced, {} rows, {} duplicates dropped, {} dead letters",
            counts.rows, counts.duplicates, counts.dead
        ));
    }

    fn kpi(&self, name: &str, line: &str) {
        let Some(bars) = &self.bars else { return };
        let mut kpis = self
            .kpis
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let bar = kpis.entry(name.to_owned()).or_insert_with(|| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {prefix:26} {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_owned());
            bar
        });
        bar.set_message(line.to_owned());
        bar.tick();
    }
}
