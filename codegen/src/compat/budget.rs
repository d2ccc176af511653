//! What one question may cost: work counted in formulas looked at, nesting, and stack.
//!
//! Every search spends from here, so no schema, however made, keeps the prover busy for long or overflows the
//! stack of a thread. Reaching a limit yields `Unknown: budget`, never a guess. What is nested too deeply for the
//! caller's stack is asked once more on a stack of its own.

use std::cell::Cell;

/// Most formulas looked at for one question: about a second.
pub(super) const WORK: usize = 150_000_000;

/// What copying or spelling a part of a value costs, in formulas looked at.
pub(super) const PART: usize = 20;

/// Most steps of one question.
pub(super) const STEPS: usize = 200_000;

/// How deeply things may be nested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Most bytes of stack below the first call.
    stack: usize,
    /// Values in one another.
    pub(super) values: usize,
    /// Choices and values in one another.
    pub(super) choices: usize,
    /// Schemas in one another.
    pub(super) schemas: usize,
    /// Formulas in one another, where one is tried on a value; links without end are met here.
    pub(super) formulas: usize,
}

/// On the caller's stack. Threads have 2 MiB unless asked otherwise; half is left for the caller, and for the
/// validator that confirms witnesses.
pub(super) const USUAL: Room = Room {
    stack: 1 << 20,
    values: 90,
    choices: 300,
    schemas: 256,
    formulas: 400,
};

/// On a stack of its own.
pub(super) const DEEP: Room = Room {
    stack: 96 << 20,
    values: 2_000,
    choices: 6_000,
    schemas: 4_000,
    formulas: 20_000,
};

/// Bytes of that stack; pages that nobody touches are never there.
pub(super) const DEEP_STACK: usize = 128 << 20;

impl Default for Room {
    fn default() -> Self {
        USUAL
    }
}

/// Spent so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget {
    work: Cell<usize>,
    room: Room,
    /// Address of a variable in the first call.
    base: usize,
    /// Whether something was nested too deeply.
    was_deep: Cell<bool>,
}

impl Budget {
    /// A full budget, for the calls from here on.
    pub(super) fn begin(room: Room) -> Self {
        Self {
            work: Cell::new(0),
            room,
            base: here(),
            was_deep: Cell::new(false),
        }
    }

    /// A full budget again, for another part of the same question.
    pub(super) fn renew(&mut self) {
        self.work.set(0);
    }

    pub(super) fn room(&self) -> Room {
        self.room
    }

    pub(super) fn spend(&self, work: usize) {
        self.work.set(self.work.get().saturating_add(work));
    }

    pub(super) fn is_spent(&self) -> bool {
        self.work.get() > WORK || self.wants_room()
    }

    /// Whether calls are nested as deeply as the stack allows.
    pub(super) fn is_deep(&self) -> bool {
        let is_deep = self.base.abs_diff(here()) > self.room.stack;
        if is_deep {
            self.was_deep.set(true);
        }
        is_deep
    }

    /// Whether `depth` reaches `limit`, one of the room's.
    pub(super) fn reaches(&self, depth: usize, limit: usize) -> bool {
        let reaches = depth >= limit;
        if reaches {
            self.was_deep.set(true);
        }
        reaches
    }

    /// Whether more room would help.
    pub(super) fn wants_room(&self) -> bool {
        self.was_deep.get() && self.room != DEEP
    }
}

/// Where the stack ends now, give or take a frame.
#[inline(never)]
fn here() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}
