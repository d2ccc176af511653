//! Lanes shared among relays by advisory locks of their sessions: a relay that dies or loses its database gives its
//! lanes up at once, without a lease to wait for. Each announces itself by a lock too, so all know how many they are.
use tokio_postgres::Client;

use super::super::LANES;
use super::super::connect::problem;
use crate::error::{Error, Result};

/// Locks of the outbox in the caller's search path: its table's oid, made to fit.
const SPACE: &str = "SELECT ('event_outbox'::regclass::oid::bigint & 2147483647)::integer";

/// Lock numbers from here on announce a relay: this plus the process id of its session.
const PRESENCE: i32 = 1 << 20;

const ANNOUNCE: &str = "SELECT pg_advisory_lock_shared($1, $2 + pg_backend_pid() % 1048576)";

/// Locks that are held in the outbox's space.
const HELD: &str = "\
    SELECT objid::bigint FROM pg_locks \
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::bigint = $1 \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

const TAKE: &str = "\
    SELECT lane FROM unnest($2::integer[]) AS lane WHERE pg_try_advisory_lock($1, lane)";

const FREE: &str = "SELECT pg_advisory_unlock($1, lane) FROM unnest($2::integer[]) AS lane";

/// This session's locks.
pub(super) struct Locks {
    space: i32,
}

/// What to do so that every relay has its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Balance {
    /// Lanes that are ours from now on.
    Taken(Vec<i16>),
    /// How many are too many.
    Excess(usize),
}

impl Locks {
    pub(super) async fn announce(client: &Client) -> Result<Self> {
        let failed = |error| problem("cannot share the outbox's lanes", &error);
        let space: i32 = client.query_one(SPACE, &[]).await.map_err(failed)?.get(0);
        client
            .execute(ANNOUNCE, &[&space, &PRESENCE])
            .await
            .map_err(failed)?;
        Ok(Self { space })
    }

    /// Looks who is there, and takes free lanes up to the share of each.
    pub(super) async fn balance(&self, client: &Client, owned: usize) -> Result<Balance> {
        let failed = |error| problem("cannot share the outbox's lanes", &error);
        let rows = client
            .query(HELD, &[&i64::from(self.space)])
            .await
            .map_err(failed)?;
        let held: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        let relays = held
            .iter()
            .filter(|lock| **lock >= i64::from(PRESENCE))
            .count();
        if relays == 0 {
            return Err(Error::service("the relay's locks are gone"));
        }
        let share = usize::try_from(LANES).unwrap_or(1).div_ceil(relays);
        if owned > share {
            return Ok(Balance::Excess(owned - share));
        }
        let free = (0..i32::from(LANES)).filter(|lane| !held.contains(&i64::from(*lane)));
        let wanted: Vec<i32> = free.take(share - owned).collect();
        if wanted.is_empty() {
            return Ok(Balance::Taken(Vec::new()));
        }
        let rows = client
            .query(TAKE, &[&self.space, &wanted])
            .await
            .map_err(failed)?;
        let taken = rows.iter().map(|row| row.get::<_, i32>(0));
        Ok(Balance::Taken(
            taken.filter_map(|lane| i16::try_from(lane).ok()).collect(),
        ))
    }

    /// Gives lanes to whoever takes them.
    pub(super) async fn free(&self, client: &Client, lanes: &[i16]) -> Result<()> {
        let lanes: Vec<i32> = lanes.iter().map(|lane| i32::from(*lane)).collect();
        client
            .execute(FREE, &[&self.space, &lanes])
            .await
            .map_err(|error| problem("cannot share the outbox's lanes", &error))?;
        Ok(())
    }
}
