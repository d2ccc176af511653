//! What ClickHouse's numeric exception codes mean for the pipeline: who must act, and whether to try again.
//!
//! Names and numbers are those of `ErrorCodes.cpp`, which never reuses one. A code that is not listed is no
//! retry and no bad record: the pipeline stops and says so.
use crate::error::Kind;

/// The server or its neighbours are away or busy.
const SERVICE: &[u16] = &[
    74,  // CANNOT_READ_FROM_FILE_DESCRIPTOR
    75,  // CANNOT_WRITE_TO_FILE_DESCRIPTOR
    76,  // CANNOT_OPEN_FILE
    77,  // CANNOT_CLOSE_FILE
    95,  // CANNOT_READ_FROM_SOCKET
    96,  // CANNOT_WRITE_TO_SOCKET
    159, // TIMEOUT_EXCEEDED
    160, // TOO_SLOW
    173, // CANNOT_ALLOCATE_MEMORY
    198, // DNS_ERROR
    201, // QUOTA_EXCEEDED
    202, // TOO_MANY_SIMULTANEOUS_QUERIES
    203, // NO_FREE_CONNECTION
    209, // SOCKET_TIMEOUT
    210, // NETWORK_ERROR
    224, // REPLICA_IS_ALREADY_ACTIVE
    225, // NO_ZOOKEEPER
    234, // NO_REPLICA_HAS_PART
    236, // ABORTED
    241, // MEMORY_LIMIT_EXCEEDED
    242, // TABLE_IS_READ_ONLY
    243, // NOT_ENOUGH_SPACE
    244, // UNEXPECTED_ZOOKEEPER_ERROR
    252, // TOO_MANY_PARTS
    254, // NO_ACTIVE_REPLICAS
    265, // NO_AVAILABLE_REPLICA
    279, // ALL_CONNECTION_TRIES_FAILED
    285, // TOO_FEW_LIVE_REPLICAS
    286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    289, // REPLICA_IS_NOT_IN_QUORUM
    294, // CANNOT_WRITE_TO_FILE
    297, // SHARD_HAS_NO_CONNECTIONS
    319, // UNKNOWN_STATUS_OF_INSERT
    364, // RECEIVED_ERROR_TOO_MANY_REQUESTS
    369, // ALL_REPLICAS_ARE_STALE
    394, // QUERY_WAS_CANCELLED
    416, // REPLICA_STATUS_CHANGED
    425, // SYSTEM_ERROR
    439, // CANNOT_SCHEDULE_TASK
    473, // DEADLOCK_AVOIDED
    499, // S3_ERROR
    574, // DISTRIBUTED_TOO_MANY_PENDING_BYTES
    677, // THREAD_WAS_CANCELED
    692, // TOO_MANY_MUTATIONS
    696, // ASYNC_LOAD_CANCELED
    722, // ASYNC_LOAD_WAIT_FAILED
    733, // TABLE_IS_BEING_RESTARTED
    735, // QUERY_WAS_CANCELLED_BY_CLIENT
    745, // SERVER_OVERLOADED
    749, // TCP_CONNECTION_LIMIT_REACHED
    762, // HTTP_CONNECTION_LIMIT_REACHED
    777, // MEMORY_RESERVATION_KILLED
    778, // MEMORY_RESERVATION_FAILED
    904, // TOO_MANY_UNAVAILABLE_SHARDS
    999, // KEEPER_EXCEPTION
];

/// A row's content is at fault: the block can be bisected to it.
const RECORD: &[u16] = &[
    6,   // CANNOT_PARSE_TEXT
    25,  // CANNOT_PARSE_ESCAPE_SEQUENCE
    26,  // CANNOT_PARSE_QUOTED_STRING
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    38,  // CANNOT_PARSE_DATE
    41,  // CANNOT_PARSE_DATETIME
    69,  // ARGUMENT_OUT_OF_BOUND
    70,  // CANNOT_CONVERT_TYPE
    72,  // CANNOT_PARSE_NUMBER
    117, // INCORRECT_DATA
    128, // TOO_LARGE_ARRAY_SIZE
    131, // TOO_LARGE_STRING_SIZE
    153, // ILLEGAL_DIVISION
    248, // INVALID_PARTITION_VALUE
    321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    376, // CANNOT_PARSE_UUID
    395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
    407, // DECIMAL_OVERFLOW
    467, // CANNOT_PARSE_BOOL
    469, // VIOLATED_CONSTRAINT
    691, // UNKNOWN_ELEMENT_OF_ENUM
];

/// Who must act on a code.
pub(super) fn kind(code: u16) -> Kind {
    if SERVICE.contains(&code) {
        Kind::Service
    } else if RECORD.contains(&code) {
        Kind::Record
    } else {
        Kind::Config
    }
}

/// What the operator can do.
pub(super) fn fix(code: u16) -> Option<&'static str> {
    Some(match code {
        16 | 60 | 81 => "create the tables: `pipeline apply`",
        115 | 452 | 472 => {
            "the pipeline needs this setting; use a newer server, or let this user change it (no constraint, no read-only profile)"
        }
        192..=195 | 516 => {
            "check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD (or the user and password of CLICKHOUSE_URL)"
        }
        164 | 497 => {
            "grant this user the right that the message names, or use another; a worker needs SELECT and INSERT on the database, `apply` needs CREATE and ALTER too"
        }
        242 | 774 => {
            "a replica lost its Keeper session, or the disk is read-only: see the server's log"
        }
        243 => "free space on the server's disks",
        252 => {
            "too many small parts: merges lag behind inserts; it passes when they catch up, larger batches help"
        }
        241 | 173 => {
            "the server is short of memory; it passes, or give it more, or lower --max-batch-rows"
        }
        _ => return None,
    })
}

/// The number in `Code: N. DB::Exception: …`.
pub(super) fn number(message: &str) -> Option<u16> {
    let digits = message.trim_start().strip_prefix("Code: ")?;
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// The name in `… (UNKNOWN_TABLE) (version …)`, the only part of a message that never holds data.
pub(super) fn name(message: &str) -> Option<&str> {
    message
        .rsplit('(')
        .filter_map(|part| part.split_once(')'))
        .map(|(inside, _)| inside)
        .find(|inside| {
            inside.len() > 2
                && inside
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_decide() {
        for (code, expected) in [
            (252, Kind::Service),
            (999, Kind::Service),
            (516, Kind::Config),
            (27, Kind::Record),
            (12345, Kind::Config),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
        assert!(SERVICE.iter().all(|code| !RECORD.contains(code)));
    }

    #[test]
    fn number_and_name_are_read() {
        let message = "Code: 60. DB::Exception: Table a.b does not exist (maybe). (UNKNOWN_TABLE) (version 26.7.2.1)";
        assert_eq!(number(message), Some(60));
        assert_eq!(name(message), Some("UNKNOWN_TABLE"));
        assert_eq!(number("502 Bad Gateway"), None);
        assert_eq!(name("Code: 1"), None);
    }
}
