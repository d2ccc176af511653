//! `pipeline kpi`: the registry's questions, answered by ClickHouse, as tables or JSON.
use super::Outcome;
use super::streams::write_result;
use super::table::table;
use super::topics::Format;
use crate::clickhouse::{Client, QueryResult};
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::registry::{EventRegistry, Statement};

/// Flags of `kpi`.
#[derive(clap::Args)]
pub(super) struct Kpi {
    /// KPIs to show [default: all]
    names: Vec<String>,
    /// The moment to look at, e.g. 2026-01-31 (its end) or 2026-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Tables for people or JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Kpi {
    pub(super) async fn run<R: EventRegistry>(self, settings: &Settings) -> Result<Outcome> {
        let config = settings.check(R::PROJECT.name, false)?;
        let as_of = moment(self.as_of.as_deref())?;
        let kpis = chosen::<R>(&self.names)?;
        let client = Client::new(&config.clickhouse);
        let mut answers = Vec::with_capacity(kpis.len());
        for kpi in kpis {
            let answer = client
                .query_json(kpi.sql, &[("as_of", &as_of)])
                .await
                .map_err(|error| error.at("kpi", kpi.name))?;
            answers.push((kpi.name, answer));
        }
        let text = match self.format {
            Format::Human => human(&answers),
            Format::Json => json(&as_of, &answers),
        };
        write_result(&text)?;
        Ok(Outcome::Clean)
    }
}

fn chosen<R: EventRegistry>(names: &[String]) -> Result<Vec<&'static Statement>> {
    if names.is_empty() {
        return Ok(R::PROJECT.kpis.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            R::PROJECT
                .kpis
                .iter()
                .find(|kpi| kpi.name == name)
                .ok_or_else(|| {
                    let known: Vec<&str> = R::PROJECT.kpis.iter().map(|kpi| kpi.name).collect();
                    Error::config("the registry has no such KPI")
                        .at("kpi", name)
                        .fix(format!("one of: {}", known.join(", ")))
                })
        })
        .collect()
}

/// The moment as `DateTime64(3, 'UTC')` reads it.
fn moment(text: Option<&str>) -> Result<String> {
    let timestamp = match text {
        None => jiff::Timestamp::now(),
        Some(text) => {
            let moment = match text.parse::<jiff::civil::Date>() {
                Ok(_) if text.len() == 10 => format!("{text}T23:59:59.999Z"),
                _ => text.to_owned(),
            };
            moment.parse::<jiff::Timestamp>().map_err(|error| {
                Error::config("--as-of is no moment")
                    .at("value", text)
                    .why(error)
                    .fix("write e.g. 2026-01-31 or 2026-01-31T12:00:00Z")
            })?
        }
    };
    Ok(timestamp.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

fn json(as_of: &str, answers: &[(&str, QueryResult)]) -> String {
    let kpis: Vec<serde_json::Value> = answers
        .iter()
        .map(|(name, answer)| {
            let columns: Vec<serde_json::Value> = answer
                .columns
                .iter()
                .map(|(name, kind)| serde_json::json!({"name": name, "type": kind}))
                .collect();
            let rows: Vec<serde_json::Value> = answer
                .rows
                .iter()
                .map(|row| {
                    answer
                        .columns
                        .iter()
                        .zip(row)
                        .map(|((name, _), value)| (name.clone(), value.clone()))
                        .collect::<serde_json::Map<_, _>>()
                        .into()
                })
                .collect();
            serde_json::json!({"name": name, "columns": columns, "rows": rows})
        })
        .collect();
    format!(
        "{}\n",
        serde_json::json!({"format": 1, "as_of": as_of, "kpis": kpis})
    )
}

fn human(answers: &[(&str, QueryResult)]) -> String {
    let mut text = String::new();
    for (name, answer) in answers {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(name);
        text.push('\n');
        if answer.rows.is_empty() {
            text.push_str("  no rows\n");
            continue;
        }
        let columns: Vec<&str> = answer
            .columns
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        table(&columns, &answer.rows, &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read() {
        for (text, expected) in [
            ("2026-01-31", "2026-01-31 23:59:59.999"),
            ("2026-01-31T12:00:00Z", "2026-01-31 12:00:00.000"),
            ("2026-01-31T12:00:00.5+01:00", "2026-01-31 11:00:00.500"),
        ] {
            assert_eq!(moment(Some(text)).ok().as_deref(), Some(expected));
        }
        assert!(moment(Some("yesterday")).is_err());
    }

    #[test]
    fn tables_line_up() {
        let answer = QueryResult {
            columns: vec![
                ("day".to_owned(), "Date".to_owned()),
                ("users".to_owned(), "UInt64".to_owned()),
            ],
            rows: vec![
                vec!["2026-01-01".into(), 5.into()],
                vec!["2026-01-02".into(), 12345678.into()],
            ],
        };
        assert_eq!(
            human(&[("dau", answer)]),
            "dau\n  day            users\n  2026-01-01         5\n  2026-01-02  12345678\n"
        );
    }
}
