//! What one question may cost: work counted in formulas looked at, and stack.
//!
//! Every search spends from here, so no schema, however made, keeps the prover busy for long or overflows the
//! stack of a thread. Reaching a limit yields `Unknown: budget`, never a guess.

use std::cell::Cell;

/// Most formulas looked at for one question: about a second.
const WORK: usize = 10_000_000;

/// Most bytes of stack below the first call. Threads have 2 MiB unless asked otherwise; the rest is left for the
/// caller, and for the validator that confirms witnesses.
const STACK: usize = 1 << 20;

/// Spent so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget {
    work: Cell<usize>,
    /// Address of a variable in the first call.
    base: usize,
}

impl Budget {
    /// A full budget, for the calls from here on.
    pub(super) fn begin() -> Self {
        Self {
            work: Cell::new(0),
            base: here(),
        }
    }

    pub(super) fn spend(&self, work: usize) {
        self.work.set(self.work.get().saturating_add(work));
    }

    pub(super) fn is_spent(&self) -> bool {
        self.work.get() > WORK
    }

    /// Whether calls are nested as deeply as the stack allows.
    pub(super) fn is_deep(&self) -> bool {
        self.base.abs_diff(here()) > STACK
    }
}

/// Where the stack ends now, give or take a frame.
#[inline(never)]
fn here() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}
