//! Rows that were handed to Kafka and that the table does not call settled yet, and how many bytes they are.
use std::collections::HashMap;

/// What is remembered of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) topic: &'static str,
    pub(super) attempts: i32,
    /// When it was inserted, in milliseconds since the epoch.
    pub(super) created_ms: i64,
    /// Whether it was sent with nothing else under way.
    pub(super) is_alone: bool,
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
pub(super) struct Sent {
    rows: HashMap<i64, Row>,
    bytes: usize,
}

impl Sent {
    pub(super) fn insert(&mut self, id: i64, row: Row) {
        self.remove(id);
        self.bytes += row.bytes;
        self.rows.insert(id, row);
    }

    pub(super) fn remove(&mut self, id: i64) {
        if let Some(row) = self.rows.remove(&id) {
            self.bytes -= row.bytes;
        }
    }

    pub(super) fn get(&self, id: i64) -> Option<Row> {
        self.rows.get(&id).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, Row)> {
        self.rows.iter().map(|(id, row)| (*id, *row))
    }

    /// Bytes of the rows' events.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_rows_that_are_there() {
        let row = |bytes| Row {
            topic: "t",
            attempts: 0,
            created_ms: 0,
            is_alone: false,
            bytes,
        };
        let mut sent = Sent::default();
        sent.insert(1, row(10));
        sent.insert(2, row(5));
        sent.insert(2, row(7));
        assert_eq!(sent.bytes(), 17);
        sent.remove(1);
        sent.remove(1);
        assert_eq!((sent.bytes(), sent.iter().count()), (7, 1));
    }
}
