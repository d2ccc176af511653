//! Which ids no open transaction can add a row before: those reached before every transaction began that now writes
//! to the table. A transaction that inserts holds the table's lock from before it takes an id until its row is seen,
//! so the locks tell; jobs that do not touch the outbox, however long, do not matter.
use std::collections::{HashSet, VecDeque};

use tokio_postgres::Client;

use super::super::connect::problem;
use crate::error::Result;

/// Transactions that write to the outbox, this relay's own sessions aside. Parameter: their process ids.
const WRITING: &str = "\
    SELECT virtualtransaction FROM pg_locks \
    WHERE locktype = 'relation' AND relation = 'event_outbox'::regclass AND mode = 'RowExclusiveLock' AND granted \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
        AND NOT coalesce(pid = ANY($1::integer[]), false)";

/// Ids that wait for their transactions; more would not be clear sooner.
const MOST_WAITING: usize = 8;

/// An id, and the transactions that were open when it had been reached.
#[derive(Debug)]
struct Waiting {
    id: i64,
    open: HashSet<String>,
}

#[derive(Debug, Default)]
pub(super) struct Horizon {
    waiting: VecDeque<Waiting>,
    clear: i64,
}

impl Horizon {
    /// Ids up to here are behind every transaction that is open.
    pub(super) fn clear(&self) -> i64 {
        self.clear
    }

    /// What writes now; `reached` is the highest id that had been read before that was asked.
    pub(super) fn looked(&mut self, reached: i64, writing: &HashSet<String>) {
        for waiting in &mut self.waiting {
            waiting
                .open
                .retain(|transaction| writing.contains(transaction));
        }
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(Waiting {
                id: reached,
                open: writing.clone(),
            });
        }
        while let Some(first) = self.waiting.pop_front_if(|first| first.open.is_empty()) {
            self.clear = self.clear.max(first.id);
        }
    }
}

/// Looks which transactions write.
pub(super) async fn writing(client: &Client, own: &[i32]) -> Result<HashSet<String>> {
    let rows = client
        .query(WRITING, &[&own])
        .await
        .map_err(|error| problem("cannot see the outbox's open transactions", &error))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_id_is_clear_when_all_that_wrote_has_ended() {
        let mut horizon = Horizon::default();
        horizon.looked(10, &set(&["a", "b"]));
        horizon.looked(20, &set(&["b", "c"]));
        assert_eq!(horizon.clear(), 0);
        // New ones do not matter to ids reached before them.
        horizon.looked(30, &set(&["c", "d"]));
        assert_eq!(horizon.clear(), 10);
        horizon.looked(40, &set(&["d"]));
        assert_eq!(horizon.clear(), 20);
        horizon.looked(50, &set(&[]));
        assert_eq!(horizon.clear(), 50);
    }

    #[test]
    fn a_long_transaction_piles_nothing_up() {
        let mut horizon = Horizon::default();
        for id in 0..1000 {
            horizon.looked(id, &set(&["long"]));
        }
        assert!(horizon.waiting.len() <= MOST_WAITING);
        horizon.looked(1000, &set(&[]));
        horizon.looked(1001, &set(&[]));
        assert_eq!(horizon.clear(), 1001);
    }
}
