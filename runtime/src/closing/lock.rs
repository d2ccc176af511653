//! One process at a time closes days: a table that only one can create.
//!
//! The table's comment says who holds it. A lock that was not renewed for a while belonged to a process that is gone.
//! Two that both believe to hold it do no harm to a day that they count one after the other; the lock keeps that from
//! being the rule.
use std::time::Duration;

use crate::clickhouse::client::exception_code;
use crate::clickhouse::{Client, literal, quoted};
use crate::error::{Error, Result};

/// The table.
pub(super) const NAME: &str = "closing_lock";

/// What tables of rows under computation are called, before their number.
pub(super) const ASIDE: &str = "closing_aside_";

/// Seconds after which a lock that was not renewed is nobody's.
const ABANDONED_SECONDS: u32 = 30;

/// Seconds after which a table of rows under computation was left behind.
const OLD_SECONDS: u32 = 3600;

/// How often it is renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(5);

/// TABLE_ALREADY_EXISTS
const EXISTS: u16 = 57;

/// A lock that is held.
pub(super) struct Lock {
    client: Client,
    database: &'static str,
    owner: String,
}

impl Lock {
    /// Takes the lock; `None` where another process holds it.
    pub(super) async fn take(client: &Client, database: &'static str) -> Result<Option<Self>> {
        let lock = Self {
            client: client.clone(),
            database,
            owner: uuid::Uuid::now_v7().simple().to_string(),
        };
        if lock.create().await? {
            lock.clean().await?;
            return Ok(Some(lock));
        }
        let is_fresh = format!("metadata_modification_time > now() - {ABANDONED_SECONDS}");
        if lock.is_there(&is_fresh).await? {
            return Ok(None);
        }
        lock.drop_table().await?;
        Ok(lock.create().await?.then_some(lock))
    }

    /// Still ours, from now on for a while.
    ///
    /// # Errors
    /// Another process has taken it.
    pub(super) async fn renew(&self) -> Result<()> {
        if !self.is_ours().await? {
            return Err(Error::service("another process closes days now"));
        }
        // A changed comment is a changed time of modification.
        let sql = format!(
            "ALTER TABLE {} MODIFY COMMENT '{} {}'",
            self.table(),
            self.owner,
            uuid::Uuid::now_v7().simple()
        );
        self.client.execute(&sql).await
    }

    /// Renews it for as long as work goes on.
    pub(super) async fn hold<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            match tokio::time::timeout(RENEWED_EVERY, &mut work).await {
                Ok(done) => return done,
                // Whether it is still ours is asked before each group of days.
                Err(_) => {
                    if let Err(error) = self.renew().await {
                        tracing::debug!(%error, "the lock of closing days is not renewed");
                    }
                }
            }
        }
    }

    /// Gives it back, unless another process has taken it.
    pub(super) async fn release(self) -> Result<()> {
        if self.is_ours().await? {
            self.drop_table().await?;
        }
        Ok(())
    }

    async fn is_ours(&self) -> Result<bool> {
        let is_ours = format!("startsWith(comment, '{}')", self.owner);
        self.is_there(&is_ours).await
    }

    /// Whether the table is there, and like this.
    async fn is_there(&self, condition: &str) -> Result<bool> {
        let sql = format!(
            "SELECT count() FROM system.tables WHERE database = {} AND name = '{NAME}' AND {condition}",
            literal(self.database)
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        let count = answer.rows.first().and_then(|row| row.first()?.as_u64());
        Ok(count == Some(1))
    }

    async fn create(&self) -> Result<bool> {
        let sql = format!(
            "CREATE TABLE {} (nothing UInt8) ENGINE = Memory COMMENT '{}'",
            self.table(),
            self.owner
        );
        match self.client.execute(&sql).await {
            Ok(()) => Ok(true),
            Err(error) if exception_code(&error) == Some(EXISTS) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Drops what a crash left behind.
    async fn clean(&self) -> Result<()> {
        let sql = format!(
            "SELECT name FROM system.tables WHERE database = {} AND startsWith(name, '{ASIDE}') \
             AND metadata_modification_time < now() - {OLD_SECONDS}",
            literal(self.database)
        );
        let answer = self.client.query_json(&sql, &[]).await?;
        for row in &answer.rows {
            if let Some(name) = row.first().and_then(serde_json::Value::as_str) {
                let table = format!("{}.{}", quoted(self.database), quoted(name));
                self.client
                    .execute(&format!("DROP TABLE IF EXISTS {table} SYNC"))
                    .await?;
            }
        }
        Ok(())
    }

    async fn drop_table(&self) -> Result<()> {
        let sql = format!("DROP TABLE IF EXISTS {} SYNC", self.table());
        self.client.execute(&sql).await
    }

    fn table(&self) -> String {
        format!("{}.{NAME}", quoted(self.database))
    }
}
