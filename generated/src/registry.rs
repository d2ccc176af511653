//! The compiled registry: what the runtime knows.
//!
//! Made from `schema_registry/registry.toml` (f53cb4c3cbcc) by `topicwright generate`; do not edit.
use crate::fact::Block;
use crate::topics;
use topicwright_runtime::check::Check;
use topicwright_runtime::registry::{ClosedView, Days, EnvelopeFields, EventRegistry, Payload, Project, Statement, Topic, Version};

/// The `game` registry, compiled.
#[derive(Clone, Copy, Debug)]
pub struct GameEvents;

impl EventRegistry for GameEvents {
    type Block = Block;
    const PROJECT: Project = Project {
        name: "game",
        database: "game",
        fact_table: "events_raw",
        sorting_key: &["event_type", "user_id", "event_key"],
        envelope: EnvelopeFields {
            event_type: "event_type",
            schema_version: "schema_version",
            event_id: "event_id",
            timestamp: "ts",
            payload: "payload",
            dedupe_key: "dedupe_key",
        },
        needs_hash_key: true,
        tables: &[
            Statement {
                name: "game",
                sql: include_str!("../clickhouse/00_database.sql"),
            },
            Statement {
                name: "events_raw",
                sql: include_str!("../clickhouse/10_events_raw.sql"),
            },
            Statement {
                name: "event_ledger",
                sql: include_str!("../clickhouse/20_event_ledger.sql"),
            },
            Statement {
                name: "view_watermarks",
                sql: include_str!("../clickhouse/20_view_watermarks.sql"),
            },
            Statement {
                name: "event_ledger_mv",
                sql: include_str!("../clickhouse/30_event_ledger_mv.sql"),
            },
            Statement {
                name: "daily_closed",
                sql: include_str!("../clickhouse/40_daily_closed.sql"),
            },
            Statement {
                name: "event_completion_closed",
                sql: include_str!("../clickhouse/40_event_completion_closed.sql"),
            },
            Statement {
                name: "event_daily_closed",
                sql: include_str!("../clickhouse/40_event_daily_closed.sql"),
            },
            Statement {
                name: "kpi_arpdau_closed",
                sql: include_str!("../clickhouse/40_kpi_arpdau_closed.sql"),
            },
            Statement {
                name: "kpi_claim_conversion_closed",
                sql: include_str!("../clickhouse/40_kpi_claim_conversion_closed.sql"),
            },
            Statement {
                name: "kpi_dau_closed",
                sql: include_str!("../clickhouse/40_kpi_dau_closed.sql"),
            },
            Statement {
                name: "kpi_gold_flow_closed",
                sql: include_str!("../clickhouse/40_kpi_gold_flow_closed.sql"),
            },
            Statement {
                name: "kpi_mission_claim_conversion_closed",
                sql: include_str!(
                    "../clickhouse/40_kpi_mission_claim_conversion_closed.sql"
                ),
            },
            Statement {
                name: "kpi_payer_conversion_closed",
                sql: include_str!("../clickhouse/40_kpi_payer_conversion_closed.sql"),
            },
            Statement {
                name: "kpi_signups_closed",
                sql: include_str!("../clickhouse/40_kpi_signups_closed.sql"),
            },
            Statement {
                name: "kpi_weekly_actives_closed",
                sql: include_str!("../clickhouse/40_kpi_weekly_actives_closed.sql"),
            },
            Statement {
                name: "kpi_whales_closed",
                sql: include_str!("../clickhouse/40_kpi_whales_closed.sql"),
            },
            Statement {
                name: "latest_mission_progress_closed",
                sql: include_str!("../clickhouse/40_latest_mission_progress_closed.sql"),
            },
            Statement {
                name: "latest_progress_closed",
                sql: include_str!("../clickhouse/40_latest_progress_closed.sql"),
            },
            Statement {
                name: "mission_completion_closed",
                sql: include_str!("../clickhouse/40_mission_completion_closed.sql"),
            },
            Statement {
                name: "user_daily_closed",
                sql: include_str!("../clickhouse/40_user_daily_closed.sql"),
            },
            Statement {
                name: "event_completion",
                sql: include_str!("../clickhouse/50_event_completion.sql"),
            },
            Statement {
                name: "latest_mission_progress",
                sql: include_str!("../clickhouse/50_latest_mission_progress.sql"),
            },
            Statement {
                name: "latest_progress",
                sql: include_str!("../clickhouse/50_latest_progress.sql"),
            },
            Statement {
                name: "mission_completion",
                sql: include_str!("../clickhouse/50_mission_completion.sql"),
            },
            Statement {
                name: "user_daily",
                sql: include_str!("../clickhouse/50_user_daily.sql"),
            },
            Statement {
                name: "daily",
                sql: include_str!("../clickhouse/60_daily.sql"),
            },
            Statement {
                name: "event_daily",
                sql: include_str!("../clickhouse/60_event_daily.sql"),
            },
            Statement {
                name: "kpi_arpdau",
                sql: include_str!("../clickhouse/80_kpi_arpdau.sql"),
            },
            Statement {
                name: "kpi_claim_conversion",
                sql: include_str!("../clickhouse/80_kpi_claim_conversion.sql"),
            },
            Statement {
                name: "kpi_dau",
                sql: include_str!("../clickhouse/80_kpi_dau.sql"),
            },
            Statement {
                name: "kpi_gold_flow",
                sql: include_str!("../clickhouse/80_kpi_gold_flow.sql"),
            },
            Statement {
                name: "kpi_mission_claim_conversion",
                sql: include_str!("../clickhouse/80_kpi_mission_claim_conversion.sql"),
            },
            Statement {
                name: "kpi_payer_conversion",
                sql: include_str!("../clickhouse/80_kpi_payer_conversion.sql"),
            },
            Statement {
                name: "kpi_signups",
                sql: include_str!("../clickhouse/80_kpi_signups.sql"),
            },
            Statement {
                name: "kpi_weekly_actives",
                sql: include_str!("../clickhouse/80_kpi_weekly_actives.sql"),
            },
            Statement {
                name: "kpi_whales",
                sql: include_str!("../clickhouse/80_kpi_whales.sql"),
            },
        ],
        kpis: &[
            Statement {
                name: "arpdau",
                sql: include_str!("../clickhouse/kpi/arpdau.sql"),
            },
            Statement {
                name: "claim_conversion",
                sql: include_str!("../clickhouse/kpi/claim_conversion.sql"),
            },
            Statement {
                name: "dau",
                sql: include_str!("../clickhouse/kpi/dau.sql"),
            },
            Statement {
                name: "gold_flow",
                sql: include_str!("../clickhouse/kpi/gold_flow.sql"),
            },
            Statement {
                name: "mission_claim_conversion",
                sql: include_str!("../clickhouse/kpi/mission_claim_conversion.sql"),
            },
            Statement {
                name: "payer_conversion",
                sql: include_str!("../clickhouse/kpi/payer_conversion.sql"),
            },
            Statement {
                name: "signups",
                sql: include_str!("../clickhouse/kpi/signups.sql"),
            },
            Statement {
                name: "weekly_actives",
                sql: include_str!("../clickhouse/kpi/weekly_actives.sql"),
            },
            Statement {
                name: "whales",
                sql: include_str!("../clickhouse/kpi/whales.sql"),
            },
        ],
        days: Some(Days {
            ledger: "event_ledger",
            watermarks: "view_watermarks",
            fill: include_str!("../clickhouse/ledger/fill_ledger.sql"),
            mark_copies: include_str!("../clickhouse/ledger/mark_copies.sql"),
            views: &[
                ClosedView {
                    name: "event_completion",
                    table: "event_completion_closed",
                    query: include_str!("../clickhouse/closing/event_completion.sql"),
                    columns: &[
                        "event_date",
                        "entity_id",
                        "progress_updates",
                        "claims",
                        "players",
                        "claimants",
                    ],
                    replaces_day: true,
                },
                ClosedView {
                    name: "latest_mission_progress",
                    table: "latest_mission_progress_closed",
                    query: include_str!(
                        "../clickhouse/closing/latest_mission_progress.sql"
                    ),
                    columns: &["user_id", "entity_id", "newest", "last_event_at"],
                    replaces_day: false,
                },
                ClosedView {
                    name: "latest_progress",
                    table: "latest_progress_closed",
                    query: include_str!("../clickhouse/closing/latest_progress.sql"),
                    columns: &["user_id", "entity_id", "newest", "last_event_at"],
                    replaces_day: false,
                },
                ClosedView {
                    name: "mission_completion",
                    table: "mission_completion_closed",
                    query: include_str!("../clickhouse/closing/mission_completion.sql"),
                    columns: &[
                        "event_date",
                        "entity_id",
                        "progress_updates",
                        "claims",
                        "players",
                        "claimants",
                    ],
                    replaces_day: true,
                },
                ClosedView {
                    name: "user_daily",
                    table: "user_daily_closed",
                    query: include_str!("../clickhouse/closing/user_daily.sql"),
                    columns: &[
                        "event_date",
                        "user_id",
                        "auth_events",
                        "signups",
                        "logins",
                        "sessions",
                        "net_gold_delta",
                        "gold_granted",
                        "gold_bought",
                        "session_gold",
                        "purchases",
                        "revenue_cents",
                        "event_claims",
                        "mission_claims",
                        "highest_balance",
                    ],
                    replaces_day: true,
                },
                ClosedView {
                    name: "daily",
                    table: "daily_closed",
                    query: include_str!("../clickhouse/closing/daily.sql"),
                    columns: &[
                        "event_date",
                        "active_users",
                        "paying_users",
                        "signups",
                        "sessions",
                        "purchases",
                        "revenue_cents",
                        "net_gold_delta",
                        "event_claims",
                        "mission_claims",
                        "highest_balance",
                    ],
                    replaces_day: true,
                },
                ClosedView {
                    name: "event_daily",
                    table: "event_daily_closed",
                    query: include_str!("../clickhouse/closing/event_daily.sql"),
                    columns: &[
                        "event_date",
                        "entity_id",
                        "progress_updates",
                        "claims",
                        "players",
                    ],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_arpdau",
                    table: "kpi_arpdau_closed",
                    query: include_str!("../clickhouse/closing/kpi_arpdau.sql"),
                    columns: &["event_date", "revenue_cents", "active_users"],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_claim_conversion",
                    table: "kpi_claim_conversion_closed",
                    query: include_str!(
                        "../clickhouse/closing/kpi_claim_conversion.sql"
                    ),
                    columns: &["event_date", "entity_id", "progress_updates", "claims"],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_dau",
                    table: "kpi_dau_closed",
                    query: include_str!("../clickhouse/closing/kpi_dau.sql"),
                    columns: &["event_date", "active_users"],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_gold_flow",
                    table: "kpi_gold_flow_closed",
                    query: include_str!("../clickhouse/closing/kpi_gold_flow.sql"),
                    columns: &[
                        "event_date",
                        "net_gold_delta",
                        "gold_granted",
                        "gold_bought",
                        "session_gold",
                        "highest_balance",
                    ],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_mission_claim_conversion",
                    table: "kpi_mission_claim_conversion_closed",
                    query: include_str!(
                        "../clickhouse/closing/kpi_mission_claim_conversion.sql"
                    ),
                    columns: &["event_date", "entity_id", "progress_updates", "claims"],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_payer_conversion",
                    table: "kpi_payer_conversion_closed",
                    query: include_str!(
                        "../clickhouse/closing/kpi_payer_conversion.sql"
                    ),
                    columns: &["event_date", "chunk", "paying_users", "active_users"],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_signups",
                    table: "kpi_signups_closed",
                    query: include_str!("../clickhouse/closing/kpi_signups.sql"),
                    columns: &["event_date", "signups", "logins", "sessions"],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_weekly_actives",
                    table: "kpi_weekly_actives_closed",
                    query: include_str!("../clickhouse/closing/kpi_weekly_actives.sql"),
                    columns: &["event_date", "chunk", "active_users"],
                    replaces_day: true,
                },
                ClosedView {
                    name: "kpi_whales",
                    table: "kpi_whales_closed",
                    query: include_str!("../clickhouse/closing/kpi_whales.sql"),
                    columns: &["event_date", "user_id", "gold_bought", "revenue_cents"],
                    replaces_day: true,
                },
            ],
            late_days: 31,
            retention_days: 400,
        }),
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "9ebcd25eeb6c",
                    check: <topics::auth_events::v1::AuthEvents as Payload>::CHECK,
                    key: topics::auth_events::v1::key,
                    dedupe_key: topics::auth_events::v1::dedupe_key,
                    identify: topics::auth_events::v1::identify,
                    write: topics::auth_events::v1::write,
                },
                Version {
                    number: 2,
                    schema_id: "31832034c4b6",
                    check: <topics::auth_events::v2::AuthEvents as Payload>::CHECK,
                    key: topics::auth_events::v2::key,
                    dedupe_key: topics::auth_events::v2::dedupe_key,
                    identify: topics::auth_events::v2::identify,
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "6e910454fbfe",
                    check: <topics::event_claim::v1::EventClaim as Payload>::CHECK,
                    key: topics::event_claim::v1::key,
                    dedupe_key: topics::event_claim::v1::dedupe_key,
                    identify: topics::event_claim::v1::identify,
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "825d1d7cc28e",
                    check: <topics::event_progress::v1::EventProgress as Payload>::CHECK,
                    key: topics::event_progress::v1::key,
                    dedupe_key: topics::event_progress::v1::dedupe_key,
                    identify: topics::event_progress::v1::identify,
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "fc08300aa5fa",
                    check: <topics::game_session::v1::GameSession as Payload>::CHECK,
                    key: topics::game_session::v1::key,
                    dedupe_key: topics::game_session::v1::dedupe_key,
                    identify: topics::game_session::v1::identify,
                    write: topics::game_session::v1::write,
                },
                Version {
                    number: 2,
                    schema_id: "a3764941b556",
                    check: <topics::game_session::v2::GameSession as Payload>::CHECK,
                    key: topics::game_session::v2::key,
                    dedupe_key: topics::game_session::v2::dedupe_key,
                    identify: topics::game_session::v2::identify,
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "c7f8dbf36ccf",
                    check: <topics::mission_claim::v1::MissionClaim as Payload>::CHECK,
                    key: topics::mission_claim::v1::key,
                    dedupe_key: topics::mission_claim::v1::dedupe_key,
                    identify: topics::mission_claim::v1::identify,
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "2867262ac941",
                    check: <topics::mission_progress::v1::MissionProgress as Payload>::CHECK,
                    key: topics::mission_progress::v1::key,
                    dedupe_key: topics::mission_progress::v1::dedupe_key,
                    identify: topics::mission_progress::v1::identify,
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "7395d64842ec",
                    check: <topics::reward_granted::v1::RewardGranted as Payload>::CHECK,
                    key: topics::reward_granted::v1::key,
                    dedupe_key: topics::reward_granted::v1::dedupe_key,
                    identify: topics::reward_granted::v1::identify,
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
                ("max.message.bytes", "1114112"),
                ("retention.ms", "1209600000"),
            ],
            versions: &[
                Version {
                    number: 1,
                    schema_id: "b80d5e7daf69",
                    check: <topics::shop_purchase::v1::ShopPurchase as Payload>::CHECK,
                    key: topics::shop_purchase::v1::key,
                    dedupe_key: topics::shop_purchase::v1::dedupe_key,
                    identify: topics::shop_purchase::v1::identify,
                    write: topics::shop_purchase::v1::write,
                },
                Version {
                    number: 2,
                    schema_id: "3389aa49119b",
                    check: <topics::shop_purchase::v2::ShopPurchase as Payload>::CHECK,
                    key: topics::shop_purchase::v2::key,
                    dedupe_key: topics::shop_purchase::v2::dedupe_key,
                    identify: topics::shop_purchase::v2::identify,
                    write: topics::shop_purchase::v2::write,
                },
            ],
            reads_newer: true,
        },
    ];
}
