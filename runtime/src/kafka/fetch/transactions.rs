//! Records of transactions that were given up are nobody's (`isolation.level=read_committed`).
use std::collections::BTreeSet;

use kafka_protocol::messages::fetch_response::AbortedTransaction;

use super::records::{Batch, Unreadable};

/// The transactions that were given up, among those of one partition's answer.
pub(super) struct Aborted {
    /// Producer and first offset of each; the next one last.
    ahead: Vec<(i64, i64)>,
    /// Producers amid one.
    open: BTreeSet<i64>,
}

impl Aborted {
    pub(super) fn new(aborted: Option<&[AbortedTransaction]>) -> Self {
        let aborted = aborted.unwrap_or_default().iter();
        let mut ahead: Vec<(i64, i64)> = aborted
            .map(|aborted| (aborted.first_offset, aborted.producer_id.0))
            .collect();
        ahead.sort_unstable_by(|left, right| right.cmp(left));
        Self {
            ahead,
            open: BTreeSet::new(),
        }
    }

    /// Whether the records of a batch are somebody's. Batches come in their order.
    pub(super) fn lets(&mut self, batch: &Batch) -> Result<bool, Unreadable> {
        while let Some((first, producer)) = self.ahead.last().copied()
            && first <= batch.last_offset()
        {
            self.open.insert(producer);
            self.ahead.pop();
        }
        if batch.is_control() {
            if self.open.contains(&batch.producer) && batch.is_abort()? {
                self.open.remove(&batch.producer);
            }
            return Ok(false);
        }
        Ok(!(batch.is_transactional() && self.open.contains(&batch.producer)))
    }
}
