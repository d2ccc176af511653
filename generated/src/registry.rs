//! The compiled registry: what the runtime knows.
//!
//! Made from `schema_registry/registry.toml` (de5451b3b839) by `topicwright generate`; do not edit.
use crate::fact::Block;
use crate::topics;
use topicwright_runtime::check::Check;
use topicwright_runtime::registry::{EnvelopeFields, EventRegistry, Payload, Project, Topic, Version};

/// The `game` registry, compiled.
#[derive(Clone, Copy, Debug)]
pub struct GameEvents;

impl EventRegistry for GameEvents {
    type Block = Block;
    const PROJECT: Project = Project {
        name: "game",
        database: "game",
        fact_table: "events_raw",
        sorting_key: &["event_type", "user_id", "ts", "entity_id", "dedupe_key"],
        envelope: EnvelopeFields {
            event_type: "event_type",
            schema_version: "schema_version",
            event_id: "event_id",
            timestamp: "ts",
            payload: "payload",
            dedupe_key: "dedupe_key",
        },
        needs_hash_key: true,
        tables: &[],
        kpis: &[],
        plan: include_str!("../plan.json"),
    };
    const CHECK_ENVELOPE: Check = crate::envelope::CHECK;
    const TOPICS: &'static [Topic<Block>] = &[
        Topic {
            name: "auth.events",
            dlq: "auth.events.dlq",
            partitions: 6,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "604800000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::auth_events::v1::AuthEvents as Payload>::CHECK,
                    key: topics::auth_events::v1::key,
                    dedupe_key: topics::auth_events::v1::dedupe_key,
                    write: topics::auth_events::v1::write,
                },
                Version {
                    number: 2,
                    check: <topics::auth_events::v2::AuthEvents as Payload>::CHECK,
                    key: topics::auth_events::v2::key,
                    dedupe_key: topics::auth_events::v2::dedupe_key,
                    write: topics::auth_events::v2::write,
                },
            ],
            reads_newer: true,
        },
        Topic {
            name: "event.claim",
            dlq: "event.claim.dlq",
            partitions: 6,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::event_claim::v1::EventClaim as Payload>::CHECK,
                    key: topics::event_claim::v1::key,
                    dedupe_key: topics::event_claim::v1::dedupe_key,
                    write: topics::event_claim::v1::write,
                },
            ],
            reads_newer: true,
        },
        Topic {
            name: "event.progress",
            dlq: "event.progress.dlq",
            partitions: 12,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "604800000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::event_progress::v1::EventProgress as Payload>::CHECK,
                    key: topics::event_progress::v1::key,
                    dedupe_key: topics::event_progress::v1::dedupe_key,
                    write: topics::event_progress::v1::write,
                },
            ],
            reads_newer: true,
        },
        Topic {
            name: "game.session",
            dlq: "game.session.dlq",
            partitions: 6,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::game_session::v1::GameSession as Payload>::CHECK,
                    key: topics::game_session::v1::key,
                    dedupe_key: topics::game_session::v1::dedupe_key,
                    write: topics::game_session::v1::write,
                },
                Version {
                    number: 2,
                    check: <topics::game_session::v2::GameSession as Payload>::CHECK,
                    key: topics::game_session::v2::key,
                    dedupe_key: topics::game_session::v2::dedupe_key,
                    write: topics::game_session::v2::write,
                },
            ],
            reads_newer: false,
        },
        Topic {
            name: "mission.claim",
            dlq: "mission.claim.dlq",
            partitions: 6,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::mission_claim::v1::MissionClaim as Payload>::CHECK,
                    key: topics::mission_claim::v1::key,
                    dedupe_key: topics::mission_claim::v1::dedupe_key,
                    write: topics::mission_claim::v1::write,
                },
            ],
            reads_newer: true,
        },
        Topic {
            name: "mission.progress",
            dlq: "mission.progress.dlq",
            partitions: 6,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "604800000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::mission_progress::v1::MissionProgress as Payload>::CHECK,
                    key: topics::mission_progress::v1::key,
                    dedupe_key: topics::mission_progress::v1::dedupe_key,
                    write: topics::mission_progress::v1::write,
                },
            ],
            reads_newer: true,
        },
        Topic {
            name: "reward.granted",
            dlq: "reward.granted.dlq",
            partitions: 6,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::reward_granted::v1::RewardGranted as Payload>::CHECK,
                    key: topics::reward_granted::v1::key,
                    dedupe_key: topics::reward_granted::v1::dedupe_key,
                    write: topics::reward_granted::v1::write,
                },
            ],
            reads_newer: true,
        },
        Topic {
            name: "shop.purchase",
            dlq: "shop.purchase.dlq",
            partitions: 6,
            replication_factor: 3,
            config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            dlq_config: &[
                ("cleanup.policy", "delete"),
                ("compression.type", "lz4"),
                ("max.message.bytes", "1048576"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    check: <topics::shop_purchase::v1::ShopPurchase as Payload>::CHECK,
                    key: topics::shop_purchase::v1::key,
                    dedupe_key: topics::shop_purchase::v1::dedupe_key,
                    write: topics::shop_purchase::v1::write,
                },
                Version {
                    number: 2,
                    check: <topics::shop_purchase::v2::ShopPurchase as Payload>::CHECK,
                    key: topics::shop_purchase::v2::key,
                    dedupe_key: topics::shop_purchase::v2::dedupe_key,
                    write: topics::shop_purchase::v2::write,
                },
            ],
            reads_newer: true,
        },
    ];
}
