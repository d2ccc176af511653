//! From an open batch to an insert: sealed, then planned, then written.
//!
//! A plan is committed while records are decoded into the next batch, which neither waits for the broker then, nor does
//! the insert wait for a stride. The next batch leaves out what the sealed one has; so where the plan is refused both are
//! given up, and their records come again.
use std::sync::Arc;

use rdkafka::consumer::Consumer as _;

use super::batch::Batch;
use super::failpoint::reach;
use super::intake::Desk;
use super::plan::Plan;
use super::worker::{Turn, Worker};
use crate::error::Result;
use crate::registry::EventRegistry;

/// A batch that takes no more records, and what is to be planned for it.
pub(super) struct Sealed<B> {
    batch: Batch<B>,
    plan: Plan,
    /// Why now, for the metrics.
    reason: &'static str,
}

/// What became of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    /// Its insert is under way; or there was none.
    Yes,
    /// It is committed again later.
    NotYet,
    /// The group has moved on, or will deliver the records again.
    Refused,
}

impl<R: EventRegistry> Worker<R> {
    /// Takes the open batch out; the next one is open from now on.
    pub(super) fn seal(turn: &mut Turn<R>, desk: &mut Desk<R>, reason: &'static str) {
        let plan = desk.open.ranges.plan();
        let batch = std::mem::replace(&mut desk.open, turn.spare.take().unwrap_or_default());
        desk.known.plan(batch.number);
        desk.open.number = desk.known.number();
        turn.closing = false;
        turn.sealed = Some(Sealed {
            batch,
            plan,
            reason,
        });
    }

    /// Commits the plan of the sealed batch, if there is one, and hands it to an insert. Where that fails the batch stays
    /// sealed.
    pub(super) fn plan_sealed(&self, turn: &mut Turn<R>) -> Planned {
        let Some(sealed) = turn.sealed.take() else {
            return Planned::Yes;
        };
        reach("before-plan");
        if let Err(error) = self.consumer.commit_plan(&sealed.plan) {
            turn.sealed = Some(sealed);
            if error.retryable {
                tracing::warn!(%error, "a plan is committed again");
                return Planned::NotYet;
            }
            tracing::warn!(%error, "a batch is given up; its records come again");
            return Planned::Refused;
        }
        reach("after-plan");
        let Sealed {
            batch,
            plan,
            reason,
        } = sealed;
        self.sink.metrics.flushes.with_label_values(&[reason]).inc();
        let sink = Arc::clone(&self.sink);
        self.start(turn, plan, |plan| async move {
            let result = sink.write(&batch, &plan.token, false).await;
            (Some(batch), result)
        });
        Planned::Yes
    }

    /// After a plan was refused: drops what is not planned and has its records come again.
    ///
    /// # Errors
    /// The group cannot be joined anew.
    pub(super) fn start_over(&self, turn: &mut Turn<R>, desk: &mut Desk<R>) -> Result<()> {
        Self::give_up(turn, desk);
        // Where the group has moved on since, its records are handed out anew in any case.
        if self.consumer.assignment.epoch() == turn.epoch {
            self.rewind(turn)?;
        }
        Ok(())
    }

    /// Drops the sealed batch and the open one, which relies on it; their records come again.
    pub(super) fn give_up(turn: &mut Turn<R>, desk: &mut Desk<R>) {
        if let Some(Sealed { mut batch, .. }) = turn.sealed.take() {
            desk.known.release(batch.number, batch.keys());
            batch.clear();
            turn.spare = Some(batch);
        }
        desk.known.release(desk.open.number, desk.open.keys());
        desk.open.clear();
        turn.closing = false;
    }

    /// Goes back to what is committed, where the assignment is still ours.
    pub(super) fn rewind(&self, turn: &mut Turn<R>) -> Result<()> {
        let assigned = self
            .consumer
            .client
            .assignment()
            .map_err(|error| crate::kafka::error("cannot tell the assignment", &error))?;
        if assigned.count() > 0 {
            tracing::info!("joining the group anew");
            turn.rejoining = true;
            self.consumer.client.unsubscribe();
            let topics: Vec<&str> = R::TOPICS.iter().map(|topic| topic.name).collect();
            self.consumer
                .client
                .subscribe(&topics)
                .map_err(|error| crate::kafka::error("cannot subscribe", &error))?;
        }
        Ok(())
    }
}
