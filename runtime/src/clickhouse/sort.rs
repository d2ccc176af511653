//! Rows into the order of the table's sorting key, so that the server need not sort them again.
//!
//! The order is ClickHouse's: numbers by value, texts by bytes. Equal rows keep their order, so a replay of
//! the same rows makes the same block.
use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::column::{ColumnRef, Text};
use crate::registry::FactBlock;

/// Positions of the key's columns among the block's; columns that the block does not carry end the key.
#[must_use]
pub fn key_columns<B: FactBlock>(sorting_key: &[&str]) -> Vec<usize> {
    sorting_key
        .iter()
        .map_while(|name| B::COLUMNS.iter().position(|(column, _)| column == name))
        .collect()
}

/// Sorts `rows` by the given columns of the block.
#[must_use]
pub fn sorted_rows<B: FactBlock>(block: &B, key_columns: &[usize], rows: Vec<u32>) -> Vec<u32> {
    let columns = block.columns();
    let keys: Vec<ColumnRef<'_>> = key_columns
        .iter()
        .filter_map(|index| columns.get(*index).copied())
        .collect();
    let (mut packed, exact) = pack(&keys, &rows);
    let rest = &keys[exact..];
    // Stable, and quick on the runs that an ordered stream brings along.
    packed.sort_by(|(left, left_row), (right, right_row)| {
        left.cmp(right).then_with(|| {
            rest.iter().fold(Ordering::Equal, |order, column| {
                order.then_with(|| compare(*column, *left_row as usize, *right_row as usize))
            })
        })
    });
    let mut sorted = rows;
    sorted.clear();
    sorted.extend(packed.into_iter().map(|(_, row)| row));
    sorted
}

/// Packs as many leading key columns into one number a row as fit, each in as many bits as its values in
/// these rows need; and how many columns are in it wholly.
fn pack(keys: &[ColumnRef<'_>], rows: &[u32]) -> (Vec<(u128, u32)>, usize) {
    let mut packed: Vec<(u128, u32)> = rows.iter().map(|row| (0, *row)).collect();
    let mut free = u128::BITS;
    for (index, column) in keys.iter().enumerate() {
        let Some(ranks) = ranks(*column, rows) else {
            return (packed, index);
        };
        let lowest = ranks.iter().copied().min().unwrap_or(0);
        let highest = ranks.iter().copied().max().unwrap_or(0);
        let width = u64::BITS - (highest - lowest).leading_zeros();
        let kept = width.min(free);
        for ((key, _), rank) in packed.iter_mut().zip(&ranks) {
            *key = key.checked_shl(kept).unwrap_or(0)
                | u128::from((rank - lowest).checked_shr(width - kept).unwrap_or(0));
        }
        free -= kept;
        if kept < width {
            return (packed, index);
        }
    }
    (packed, keys.len())
}

/// A number a row that orders as the column does; `None` where there is none in 64 bits.
fn ranks(column: ColumnRef<'_>, rows: &[u32]) -> Option<Vec<u64>> {
    /// Moves the signed range onto the unsigned one.
    fn signed(value: i64) -> u64 {
        value.cast_unsigned() ^ (1 << 63)
    }
    macro_rules! ranks {
        ($column:expr, $value:ident => $rank:expr) => {{
            let values = &$column.0;
            Some(
                rows.iter()
                    .map(|row| {
                        let $value = values[*row as usize];
                        $rank
                    })
                    .collect(),
            )
        }};
    }
    match column {
        ColumnRef::Bool(column) => ranks!(column, value => u64::from(value)),
        ColumnRef::UInt8(column) => ranks!(column, value => u64::from(value)),
        ColumnRef::UInt16(column) => ranks!(column, value => u64::from(value)),
        ColumnRef::UInt32(column) => ranks!(column, value => u64::from(value)),
        ColumnRef::UInt64(column) => ranks!(column, value => value),
        ColumnRef::Int8(column) => ranks!(column, value => signed(i64::from(value))),
        ColumnRef::Int16(column) => ranks!(column, value => signed(i64::from(value))),
        ColumnRef::Int32(column) => ranks!(column, value => signed(i64::from(value))),
        ColumnRef::Int64(column) => ranks!(column, value => signed(value)),
        ColumnRef::DateTime64(column) => ranks!(column, value => signed(value.0)),
        ColumnRef::LowCardinality(text) => text_ranks(text, rows),
        ColumnRef::String(_)
        | ColumnRef::Float64(_)
        | ColumnRef::Json(_)
        | ColumnRef::JsonText(_) => None,
    }
}

/// Distinct texts up to which ranking them is cheaper than comparing.
const FEW_TEXTS: usize = 1000;

/// Each row's place among the distinct texts.
fn text_ranks(text: &Text, rows: &[u32]) -> Option<Vec<u64>> {
    let mut distinct: BTreeMap<&[u8], u64> = BTreeMap::new();
    let mut last: Option<&[u8]> = None;
    for row in rows {
        let value = text.get(*row as usize);
        if last != Some(value) {
            distinct.insert(value, 0);
            if distinct.len() > FEW_TEXTS {
                return None;
            }
            last = Some(value);
        }
    }
    for (place, rank) in (0..).zip(distinct.values_mut()) {
        *rank = place;
    }
    let mut last: Option<(&[u8], u64)> = None;
    let mut ranks = Vec::with_capacity(rows.len());
    for row in rows {
        let value = text.get(*row as usize);
        let rank = match last {
            Some((same, rank)) if same == value => rank,
            _ => *distinct.get(value)?,
        };
        last = Some((value, rank));
        ranks.push(rank);
    }
    Some(ranks)
}

fn compare(column: ColumnRef<'_>, left: usize, right: usize) -> Ordering {
    match column {
        ColumnRef::Bool(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::UInt8(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::UInt16(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::UInt32(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::UInt64(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::Int8(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::Int16(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::Int32(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::Int64(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::Float64(column) => column.0[left].total_cmp(&column.0[right]),
        ColumnRef::DateTime64(column) => column.0[left].cmp(&column.0[right]),
        ColumnRef::String(text) | ColumnRef::LowCardinality(text) => {
            text.get(left).cmp(text.get(right))
        }
        // ClickHouse takes no JSON column into a sorting key.
        ColumnRef::Json(_) => Ordering::Equal,
        ColumnRef::JsonText(column) => column.text.get(left).cmp(column.text.get(right)),
    }
}
