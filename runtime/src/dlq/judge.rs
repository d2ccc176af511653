//! Would a worker take it today? The worker's own reader decides, on the record as it came.
use super::letter::{Letter, Source};
use crate::column::Millis;
use crate::config::Config;
use crate::error::Result;
use crate::ingest::decode::{self, EventReader};
use crate::ingest::reason::Rejection;
use crate::ingest::records;
use crate::registry::{EventRegistry, FactBlock as _, Topic};

/// Rows after which the block is emptied: nobody reads it.
const ROWS_KEPT: usize = 1000;

/// What a worker would do with a letter's record.
pub(super) enum Judgement {
    /// Make a row of it.
    Pass,
    /// Bury it again.
    Fail(Rejection),
    /// It cannot be judged: a code and words.
    Unknown(&'static str, String),
}

/// Reads records as a worker does.
pub(super) struct Judge<'c, R: EventRegistry> {
    config: &'c Config,
    reader: EventReader,
    block: R::Block,
}

impl<'c, R: EventRegistry> Judge<'c, R> {
    pub(super) fn new(config: &'c Config) -> Self {
        Self {
            config,
            // Hashed columns go nowhere, so any key does.
            reader: EventReader::new([0; 16], config.batch.max_message_bytes),
            block: R::Block::default(),
        }
    }

    /// Judges a letter; one that was cut first gets the record back that it stands for.
    ///
    /// # Errors
    /// Kafka cannot be asked for the record of a cut letter.
    pub(super) fn judge(&mut self, letter: &mut Letter) -> Result<Judgement> {
        let Some(source) = letter.source.clone() else {
            let detail = "no worker wrote it".to_owned();
            return Ok(Judgement::Unknown(super::FOREIGN, detail));
        };
        let topic = R::TOPICS
            .iter()
            .find(|topic| topic.name == source.topic && topic.dlq == letter.dlq);
        let Some(topic) = topic else {
            let detail = "it names a record of another topic".to_owned();
            return Ok(Judgement::Unknown(super::FOREIGN, detail));
        };
        if letter.cut.is_some() && !self.restore(letter, topic, &source)? {
            let detail = "the whole record is no longer in its source topic".to_owned();
            return Ok(Judgement::Unknown("cut", detail));
        }
        if self.block.rows() >= ROWS_KEPT {
            self.block.clear();
        }
        let place = decode::Source {
            topic,
            partition: source.partition,
            offset: source.offset,
            received_at: Millis(letter.time().unwrap_or(0)),
        };
        let read = self
            .reader
            .read::<R>(letter.value.as_deref(), place, &mut self.block);
        Ok(match read {
            Ok(_) => Judgement::Pass,
            Err(rejection) => Judgement::Fail(rejection),
        })
    }

    /// Reads the record of a cut letter again; `false` where it is gone.
    fn restore(
        &self,
        letter: &mut Letter,
        topic: &'static Topic<R::Block>,
        source: &Source,
    ) -> Result<bool> {
        let group = format!("{}-dlq", R::PROJECT.name);
        let (kafka, rejection) = (&self.config.kafka, Rejection::too_large(String::new()));
        let (partition, offset) = (source.partition, source.offset);
        let found = records::dead_letter(kafka, &group, topic, partition, offset, &rejection)?;
        let Some(record) = found.filter(|record| record.time == source.time) else {
            return Ok(false);
        };
        (letter.key, letter.value, letter.headers) = (record.key, record.value, record.headers);
        Ok(true)
    }
}
