//! What became of records that were handed to Kafka: published, parked, to be tried again, or called back.
use std::collections::HashSet;
use std::time::Instant;

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::super::backoff;
use super::super::board::Board;
use super::super::rows::Row;
use super::super::sender::{Failure, Report, Sender, failure};
use super::{FAREWELL, REPORTS, Session, TICK};
use crate::error::Result;
use crate::registry::EventRegistry;

impl<R: EventRegistry> Session<'_, R> {
    /// Sends a row when nothing else is under way, and waits for its report.
    pub(super) async fn send_alone(&mut self, row: Row) -> Result<()> {
        let id = row.id;
        self.suspects.retain(|suspect| *suspect != id);
        self.reports_until(|board| board.sent() <= 1).await?;
        // What failed meanwhile may have called this row back.
        if self.board.is_sent(id) {
            self.send(row, true);
            self.reports_until(|board| !board.is_sent(id)).await?;
        }
        Ok(())
    }

    async fn reports_until(&mut self, is_so: impl Fn(&Board) -> bool) -> Result<()> {
        let mut reports = Vec::new();
        let started = Instant::now();
        while !is_so(&self.board) && started.elapsed() < FAREWELL && !self.reading.is_closed() {
            let waiting = self.reports.recv_many(&mut reports, REPORTS);
            if tokio::time::timeout(TICK, waiting).await.is_ok() {
                self.reported(&mut reports)?;
            }
        }
        Ok(())
    }

    pub(super) fn park(&mut self, id: i64, event_type: &str, reason: &'static str, detail: String) {
        if !self.board.settle(id) {
            return;
        }
        // An unknown type is no label: anybody can write any number of them.
        let topic = R::TOPICS.iter().find(|topic| topic.name == event_type);
        let topic = topic.map_or("", |topic| topic.name);
        let metrics = &self.relay.metrics;
        metrics
            .outbox_parkings
            .with_label_values(&[topic, reason])
            .inc();
        tracing::warn!(
            id,
            topic,
            reason,
            detail,
            "an outbox row cannot be published and is parked"
        );
        self.settlement.parked.push((id, reason, detail));
    }

    pub(super) fn reported(&mut self, reports: &mut Vec<Report>) -> Result<()> {
        let mut failures = Vec::new();
        let now_ms = jiff::Timestamp::now().as_millisecond();
        for report in reports.drain(..) {
            match report.outcome {
                Ok(()) => self.published(report.id, now_ms),
                // A retired producer's failures were dealt with when it retired.
                Err(code) if report.generation == self.sender.generation => {
                    failures.push((report.id, code));
                }
                Err(_) => {}
            }
        }
        if failures.is_empty() {
            return Ok(());
        }
        self.failed(failures, now_ms)
    }

    pub(super) fn published(&mut self, id: i64, now_ms: i64) {
        if !self.board.settle(id) {
            return;
        }
        let metrics = &self.relay.metrics;
        metrics.produced.inc();
        metrics.outbox_published.inc();
        if let Some(sent) = self.sent.get(id) {
            let took = now_ms.saturating_sub(sent.created_ms).max(0);
            metrics.outbox_latency.observe(took as f64);
        }
        self.settlement.published.push(id);
    }

    /// Something failed for good: the producer is replaced, the culprits are parked or wait, all else is sent again.
    fn failed(&mut self, mut failures: Vec<(i64, Code)>, now_ms: i64) -> Result<()> {
        tokio::task::block_in_place(|| self.sender.retire());
        while let Ok(report) = self.reports.try_recv() {
            match report.outcome {
                Ok(()) => self.published(report.id, now_ms),
                Err(code) => failures.push((report.id, code)),
            }
        }
        let refused = failures
            .iter()
            .filter(|(_, code)| failure(*code) == Failure::Refused)
            .count();
        let now = Instant::now();
        let mut topics_said: HashSet<&str> = HashSet::new();
        for (id, code) in failures {
            let Some(sent) = self.sent.get(id) else {
                continue;
            };
            let kind = failure(code);
            if kind != Failure::Collateral {
                self.relay.metrics.produce_failures.inc();
            }
            let error = crate::kafka::error("cannot publish", &KafkaError::MessageProduction(code));
            match kind {
                Failure::Collateral => {}
                Failure::Refused if refused == 1 || sent.is_alone => {
                    let (topic, detail) = (sent.topic, format!("Kafka refuses it: {code}"));
                    self.park(id, topic, "kafka", detail);
                }
                // Batches are refused as a whole, and one row of it may be at fault.
                Failure::Refused => self.suspects.push(id),
                Failure::Topic | Failure::Later => {
                    let (topic, wait) = (sent.topic, backoff(sent.attempts));
                    if topics_said.insert(topic) {
                        tracing::warn!(topic, %error, "outbox rows wait for their next attempt");
                    }
                    let hold = (kind == Failure::Topic).then(|| self.reader.topic(topic));
                    self.board.defer(id, hold, now + wait);
                    self.relay.metrics.outbox_retries.inc();
                    let why = error.why.unwrap_or_default();
                    self.settlement.deferred.push((id, why, wait));
                    self.sent.remove(id);
                }
            }
        }
        for id in self.board.recall() {
            self.sent.remove(id);
        }
        let generation = self.sender.generation + 1;
        self.sender = Sender::new::<R>(
            &self.relay.kafka,
            self.relay.limits.max_message_bytes,
            generation,
            self.reporting.clone(),
        )?;
        self.wants_read = true;
        Ok(())
    }
}
