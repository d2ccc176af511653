//! Every rule on views and scenarios: one edit of the web shop's registry each, and exactly the finding it must
//! give; and edits that look alike and must stay silent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::path::PathBuf;

use topicwright::finding::Finding;
use topicwright::registry::files::Files;
use topicwright::registry::load::load;

const BASKET: &str = "views/kpi_basket.toml";
const BUYERS: &str = "views/kpi_buyers.toml";
const CART: &str = "views/latest_cart.toml";
const CUSTOMERS: &str = "views/customer_daily.toml";
const SALES: &str = "views/sales_daily.toml";
const SHOPPERS: &str = "scenarios/shoppers.toml";

fn findings(file: &str, old: &str, new: &str) -> Vec<Finding> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/registries/webshop");
    let mut files = Files::read(&root).unwrap();
    let text = files.0.get_mut(file).unwrap();
    assert!(text.contains(old), "{file} has no {old}");
    *text = text.replacen(old, new, 1);
    load(&files).findings
}

/// (file, old, new, rule, pointer, part of message or fix)
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

fn check(cases: &[Case]) {
    let mut problems = Vec::new();
    for (file, old, new, rule, pointer, part) in cases {
        let found = findings(file, old, new);
        let expected = |finding: &&Finding| {
            finding.rule == *rule
                && finding.pointer == *pointer
                && finding.file == *file
                && finding.position.line > 0
                && format!("{finding}").contains(part)
                && finding.fix.is_some()
        };
        if found.len() != 1 || !found.iter().all(|finding| expected(&finding)) {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            problems.push(format!(
                "{file}: {old} → {new}\nexpected {rule} at {pointer} with `{part}`, found:\n{}",
                found.join("\n")
            ));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
#[rustfmt::skip] // one case a line
fn names_and_columns_of_views() {
    check(&[
        (CUSTOMERS, r#""event_date", "customer"]"#, r#""event_date", "customer", "contry"]"#, "unknown-column", "/group_by/2", "did you mean `country`?"),
        (CUSTOMERS, r#""event_date", "customer"]"#, r#""event_date", "customer", "country", "country"]"#, "invalid-view", "/group_by/3", "twice"),
        (CUSTOMERS, r#""event_date", "customer"]"#, r#""event_date", "customer", "weight_kg"]"#, "invalid-view", "/group_by/2", "fraction"),
        (CUSTOMERS, r#""event_date", "customer"]"#, r#""customer", "event_date"]"#, "invalid-view", "/group_by/0", "first"),
        (CUSTOMERS, r#"sum = "amount_cents""#, r#"sum = "kafka_offset""#, "unknown-column", "/measures/1/sum", "how an event arrived"),
        (CUSTOMERS, r#"sum = "amount_cents""#, r#"sum = "weight_kg""#, "invalid-view", "/measures/1/sum", "Float64"),
        (CUSTOMERS, r#"sum = "amount_cents""#, r#"sum = "country""#, "invalid-view", "/measures/1/sum", "whole numbers"),
        (CUSTOMERS, r#"max = "amount_cents""#, r#"max = "country""#, "invalid-view", "/measures/2/max", "numbers"),
        (CUSTOMERS, "max = \"amount_cents\"\nwhere = [{ column = \"event_type\", equals = \"order.placed\" }]", r#"ratio = ["net_cents", "orders"]"#, "invalid-view", "/measures/2/ratio", "only a KPI"),
        (CUSTOMERS, "retention_days = 90", "retention_days = 0", "invalid-view", "/retention_days", "0 days"),
        (CUSTOMERS, r#"name = "largest_cents""#, r#"name = "net_cents""#, "name-taken", "/measures/2/name", "already"),
        (CUSTOMERS, r#"name = "largest_cents""#, r#"name = "customer""#, "name-taken", "/measures/2/name", "already"),
        (CUSTOMERS, r#"name = "largest_cents""#, r#"name = "newest""#, "name-taken", "/measures/2/name", "already"),
        (CUSTOMERS, r#"name = "largest_cents""#, r#"name = "last_event_on""#, "name-taken", "/measures/2/name", "already"),
        (CUSTOMERS, r#"name = "largest_cents""#, r#"name = "is_copy""#, "name-taken", "/measures/2/name", "already"),
        (CUSTOMERS, r#"name = "largest_cents""#, r#"name = "chunk""#, "name-taken", "/measures/2/name", "already"),
        (CUSTOMERS, r#"name = "largest_cents""#, r#"name = "Largest""#, "invalid-view", "/measures/2/name", "lower-case"),
        (CART, r#"name = "latest_cart""#, r#"name = "shop_events""#, "name-taken", "/name", "the fact table"),
        (CART, r#"name = "latest_cart""#, r#"name = "event_ledger""#, "name-taken", "/name", "`event_ledger`, and so does every registry"),
        (CART, r#"name = "latest_cart""#, r#"name = "event_ledger_mv""#, "name-taken", "/name", "`event_ledger_mv`, and so does every registry"),
        (CART, r#"name = "latest_cart""#, r#"name = "view_watermarks""#, "name-taken", "/name", "`view_watermarks`, and so does every registry"),
        (CART, r#"name = "latest_cart""#, r#"name = "latest`; DROP""#, "invalid-view", "/name", "lower-case"),
        (CART, r#"key = ["customer"]"#, "key = []", "invalid-view", "/key", "needs a key"),
        (CART, r#"columns = ["revision", "ts"]"#, "columns = []", "invalid-view", "/columns", "at least one"),
        (CART, r#"columns = ["revision", "ts"]"#, r#"columns = ["revision", "customer"]"#, "invalid-view", "/columns/1", "in key already"),
        (CART, r#"newest_by = ["revision", "ts"]"#, r#"newest_by = ["revision", "tz"]"#, "unknown-column", "/newest_by/1", "did you mean `ts`?"),
        (CART, "retention_days = 30", "retention_days = 0", "invalid-view", "/retention_days", "0 days"),
    ]);
}

#[test]
#[rustfmt::skip] // one case a line
fn conditions_of_views() {
    let where_of = |test: &'static str| -> Case {
        (CART, r#"{ column = "event_type", equals = "cart.updated" }"#, test, "invalid-view", "/where/0", "")
    };
    let at = |case: Case, pointer: &'static str, part: &'static str| -> Case {
        (case.0, case.1, case.2, case.3, pointer, part)
    };
    check(&[
        at(where_of(r#"{ column = "event_type" }"#), "/where/0", "tests nothing"),
        at(where_of(r#"{ column = "revision", at_least = 1, at_most = 2 }"#), "/where/0", "several tests"),
        at(where_of(r#"{ column = "revision", at_least = -1 }"#), "/where/0/at_least", "never below 0"),
        at(where_of(r#"{ column = "country", at_most = 1 }"#), "/where/0/at_most", "no number"),
        at(where_of(r#"{ column = "country", in = [] }"#), "/where/0/in", "no row"),
        at(where_of(r#"{ column = "country", in = ["KR", 1] }"#), "/where/0/in/1", "never equals"),
        at(where_of(r#"{ column = "revision", equals = -1 }"#), "/where/0/equals", "0 or more"),
        at(where_of(r#"{ column = "revision", equals = "1" }"#), "/where/0/equals", "whole number"),
        at(where_of(r#"{ column = "express", not_equals = 1 }"#), "/where/0/not_equals", "true or false"),
        at(where_of(r#"{ column = "weight_kg", equals = "a" }"#), "/where/0/equals", "a number"),
        at(where_of(r#"{ column = "event_date", equals = "2026-02-30" }"#), "/where/0/equals", "a day"),
        at(where_of(r#"{ column = "ts", equals = "2026-02-20T00:00:00Z" }"#), "/where/0/equals", "a moment"),
        (CART, r#"equals = "cart.updated""#, r#"equals = "cart.update""#, "unknown-topic", "/where/0/equals", "did you mean `cart.updated`?"),
        (CART, r#"column = "event_type", equals = "cart.updated""#, r#"column = "revison", at_least = 1"#, "unknown-column", "/where/0/column", "did you mean `revision`?"),
    ]);
}

#[test]
#[rustfmt::skip] // one case a line
fn rollups_and_kpis() {
    check(&[
        (SALES, r#"from = "customer_daily""#, r#"from = "custmer_daily""#, "unknown-view", "/from", "did you mean `customer_daily`?"),
        (SALES, r#"from = "customer_daily""#, r#"from = "sales_daily""#, "unknown-view", "/from", "not an aggregate"),
        (BUYERS, r#"from = "customer_daily""#, r#"from = "latest_cart""#, "unknown-view", "/from", "not an aggregate"),
        (BUYERS, r#"from = "customer_daily""#, r#"from = "sales_daily""#, "unknown-view", "/from", "not an aggregate"),
        (SALES, r#"group_by = ["event_date"]"#, "group_by = [\"event_date\"]\nrefresh_minutes = 30", "unknown-setting", "/refresh_minutes", "not a setting"),
        (SALES, r#"group_by = ["event_date"]"#, "group_by = [\"event_date\"]\nretention_days = 0", "invalid-view", "/retention_days", "0 days"),
        (SALES, r#"group_by = ["event_date"]"#, r#"group_by = ["customer"]"#, "invalid-view", "/group_by/0", "first"),
        (SALES, r#"sum = "net_cents""#, r#"sum = "nets""#, "unknown-column", "/measures/1/sum", "no column `nets`"),
        (BUYERS, "window_days = 30", "window_days = 0", "invalid-view", "/window_days", "holds nothing"),
        (BUYERS, "window_days = 30", "limit = 0", "invalid-view", "/limit", "shows nothing"),
        (BUYERS, "at_least = 1", "at_least = -1", "invalid-view", "/measures/0/where/0/at_least", "never below 0"),
        (BASKET, r#"["net_cents", "orders"]"#, r#"["net_cents", "order"]"#, "unknown-measure", "/measures/2/ratio/1", "did you mean `orders`?"),
        (BASKET, r#"["net_cents", "orders"]"#, r#"["basket_cents", "orders"]"#, "unknown-measure", "/measures/2/ratio/0", "a ratio itself"),
        (BASKET, r#"order_by = ["-event_date"]"#, r#"order_by = ["-day"]"#, "unknown-measure", "/order_by/0", "no column `day`"),
        (BASKET, r#"order_by = ["-event_date"]"#, r#"having = [{ column = "order", at_least = 1 }]"#, "unknown-measure", "/having/0/column", "did you mean `orders`?"),
        (BASKET, r#"order_by = ["-event_date"]"#, r#"having = [{ column = "event_date", equals = "2026-01-01" }]"#, "unknown-measure", "/having/0/column", "move the condition to where"),
        (BASKET, r#"order_by = ["-event_date"]"#, r#"where = [{ column = "amount_cents", at_least = 1 }]"#, "unknown-column", "/where/0/column", "no column `amount_cents`"),
        (BASKET, r#"ratio = ["net_cents", "orders"]"#, "", "invalid-view", "/measures/2", "computes nothing"),
        (BASKET, r#"sum = "orders""#, "sum = \"orders\"\nmax = \"orders\"", "invalid-view", "/measures/1", "several kinds"),
        (BASKET, r#"ratio = ["net_cents", "orders"]"#, "ratio = [\"net_cents\", \"orders\"]\nwhere = [{ column = \"orders\", at_least = 1 }]", "invalid-view", "/measures/2/where", "finished measures"),
    ]);
}

#[test]
#[rustfmt::skip] // one case a line
fn scenarios() {
    check(&[
        (SHOPPERS, r#"topic = "cart.updated""#, r#"topic = "cart.update""#, "unknown-topic", "/flows/0/steps/0/topic", "did you mean `cart.updated`?"),
        (SHOPPERS, r#"topic = "order.placed""#, "topic = \"order.placed\"\nversion = 7", "unknown-version", "/flows/0/steps/1/version", "use one of: 1, 2"),
        (SHOPPERS, r#""$entity" = "order""#, r#""$entity" = "ordr""#, "unknown-name", "/flows/0/draw/order/$entity", "did you mean `order`?"),
        (SHOPPERS, r#"order_id = { "$var" = "order" }"#, r#"order_id = { "$var" = "ord" }"#, "unknown-name", "/flows/0/steps/1/payload/order_id/$var", "the flow draws no `ord`"),
        (SHOPPERS, r#""$counter" = ["customer"]"#, r#""$counter" = ["buyer"]"#, "unknown-name", "/flows/0/steps/0/payload/revision/$counter/0", "draws no `buyer`"),
        (SHOPPERS, r#"country = {"#, r#"contry = {"#, "unknown-field", "/flows/0/steps/1/payload/contry", "did you mean `country`?"),
        (SHOPPERS, r#"quantity = { "$int" = [1, 4] }"#, r#"quantty = { "$int" = [1, 4] }"#, "unknown-field", "/flows/0/steps/0/payload/lines/0/quantty", "did you mean `quantity`?"),
        (SHOPPERS, r#"["KR", "DE"]"#, r#"["KR", "Germany"]"#, "rejected-value", "/flows/0/steps/1/payload/country", "Germany"),
        (SHOPPERS, r#"[0.3, true]"#, r#"[0.3, "yes"]"#, "rejected-value", "/flows/0/steps/1/payload/express", "yes"),
        (SHOPPERS, r#"refund_cents = { "$int" = [1, 990] }, "#, "", "rejected-value", "/flows/0/steps/2/payload", "refund_cents"),
        (SHOPPERS, r#"refund_cents = { "$int" = [1, 990] }"#, r#"refund_cents = { "$chance" = [0.5, 3] }"#, "rejected-value", "/flows/0/steps/2/payload", "refund_cents"),
        (SHOPPERS, r#"refund_cents = { "$int" = [1, 990] }"#, r#"refund_cents = { "$int" = [-1, 990] }"#, "rejected-value", "/flows/0/steps/2/payload/refund_cents", "-1"),
        (SHOPPERS, r#""C00000042""#, r#""nobody""#, "rejected-value", "/envelope/customer", "nobody"),
        (SHOPPERS, "[envelope]", "[envelope]\nshop = 1", "unknown-field", "/envelope/shop", "no field `shop`"),
        (SHOPPERS, "duplicates = 0.05", "duplicates = 5", "invalid-scenario", "/noise/duplicates", "0 to 1"),
        (SHOPPERS, "malformed = 0.01", "malformed = -0.01", "invalid-scenario", "/noise/malformed", "0 to 1"),
        (SHOPPERS, "late_hours = 24", "late_hours = 0", "invalid-scenario", "/noise/late_hours", "0 hours"),
        (SHOPPERS, "chance = 0.2", "chance = 1.2", "invalid-scenario", "/flows/0/steps/2/chance", "0 to 1"),
        (SHOPPERS, "[0.3, true]", "[3, true]", "invalid-scenario", "/flows/0/steps/1/payload/express/$chance/0", "0 to 1"),
        (SHOPPERS, "weight = 3", "weight = 0", "invalid-scenario", "/flows", "ever drawn"),
        (SHOPPERS, "repeat = [1, 3]", "repeat = [3, 1]", "invalid-scenario", "/flows/0/steps/0/repeat", "[least, most]"),
        (SHOPPERS, "after_seconds = [3600, 7200]", "after_seconds = [3600, 720]", "invalid-scenario", "/flows/0/steps/2/after_seconds", "[least, most]"),
        (SHOPPERS, "days = 5", "days = 0", "invalid-scenario", "/days", "0 days"),
        (SHOPPERS, "size = 100000", "size = 0", "invalid-scenario", "/entities/order/size", "1 or more"),
        (SHOPPERS, "size = 100000", "size = 100000\nskew = -1.0", "invalid-scenario", "/entities/order/skew", "0 or more"),
        (SHOPPERS, r#"{ "$int" = [990, 9990] }"#, r#"{ "$int" = [9990, 990] }"#, "invalid-scenario", "/flows/0/steps/1/payload/total_cents/$int", "[least, most]"),
        (SHOPPERS, r#"{ "$time" = "now" }"#, r#"{ "$time" = "later" }"#, "invalid-scenario", "/flows/0/steps/1/payload/promised_at/$time", "\"now\" or \"start\""),
        (SHOPPERS, r#"{ "$time" = "now" }"#, r#"{ "$tim" = "now" }"#, "invalid-scenario", "/flows/0/steps/1/payload/promised_at/$tim", "did you mean `$time`?"),
        (SHOPPERS, r#"{ "$time" = "now" }"#, r#"{ "$time" = "now", zone = "UTC" }"#, "invalid-scenario", "/flows/0/steps/1/payload/promised_at/$time", "stands alone"),
    ]);
}

#[test]
fn what_is_right_stays_silent() {
    for (file, old, new) in [
        // The web shop as it is, so that each case above has one cause.
        (CART, "", ""),
        (CUSTOMERS, r#"max = "amount_cents""#, r#"max = "weight_kg""#),
        (CUSTOMERS, r#"max = "amount_cents""#, r#"min = "revision""#),
        (
            CUSTOMERS,
            r#"max = "amount_cents""#,
            r#"count_distinct = "weight_kg""#,
        ),
        (
            CART,
            r#"{ column = "event_type", equals = "cart.updated" }"#,
            r#"{ column = "event_date", not_equals = "2024-02-29" }"#,
        ),
        (
            CART,
            r#"{ column = "event_type", equals = "cart.updated" }"#,
            r#"{ column = "weight_kg", at_least = -1 }, { column = "express", equals = true }"#,
        ),
        (CART, r#"name = "latest_cart""#, r#"name = "kpi_carts""#),
        (
            CART,
            r#"name = "latest_cart""#,
            r#"name = "latest_cart_mv""#,
        ),
        (
            CUSTOMERS,
            r#"name = "largest_cents""#,
            r#"name = "refreshed_at""#,
        ),
        (BASKET, r#"order_by = ["-event_date"]"#, ""),
        (
            BASKET,
            r#"order_by = ["-event_date"]"#,
            r#"having = [{ column = "basket_cents", at_least = 1 }]"#,
        ),
        (BUYERS, "window_days = 30", ""),
        (SHOPPERS, "weight = 3", "weight = 0.001"),
        (SHOPPERS, "[0.3, true]", "[1, true]"),
        (SHOPPERS, "malformed = 0.01", "malformed = 1"),
        (
            SHOPPERS,
            r#"topic = "order.placed""#,
            "topic = \"order.placed\"\nversion = 2",
        ),
    ] {
        let found = findings(file, old, new);
        assert!(found.is_empty(), "{file}: {old} → {new}\n{}", found[0]);
    }
}

/// A table and a KPI's view are objects of one database, and each has a table of closed days.
#[test]
fn both_views_that_make_one_object_are_told() {
    for (name, other) in [
        ("kpi_basket", BASKET),
        ("kpi_basket_closed", BASKET),
        ("customer_daily_closed", CUSTOMERS),
    ] {
        let found = findings(
            CART,
            r#"name = "latest_cart""#,
            &format!("name = \"{name}\""),
        );
        // One for each object that both make.
        let mut files: Vec<&str> = found.iter().map(|finding| finding.file.as_str()).collect();
        files.dedup();
        assert_eq!(files, [other, CART], "{name}");
        assert!(found.iter().all(|finding| finding.rule == "name-taken"));
    }
}

/// A sorting column tells events apart, so it says something of the event, and all that copies of it share.
#[test]
fn the_sorting_key_has_no_columns_of_arrival() {
    const ORDER_BY: &str = r#"order_by = ["event_type", "customer"]"#;
    for column in [
        "dedupe_key",
        "event_key",
        "version",
        "received_at",
        "kafka_topic",
        "kafka_partition",
        "kafka_offset",
        "partition_tag",
        "payload_json",
    ] {
        let edited = format!("order_by = [\"event_type\", \"{column}\"]");
        let found = findings("registry.toml", ORDER_BY, &edited);
        let [finding] = found.as_slice() else {
            panic!("{column}: {found:#?}")
        };
        assert_eq!(
            (finding.rule, finding.pointer.as_str()),
            ("unknown-column", "/clickhouse/order_by/1")
        );
        assert!(finding.message.contains(&format!("`{column}`")));
        let fix = finding.fix.as_deref().unwrap_or_default();
        assert!(fix.contains("event_key is added by itself"), "{fix}");
    }
    for columns in [
        r#"["event_type"]"#,
        r#"["customer", "event_type"]"#,
        r#"["event_type", "order_id", "event_date"]"#,
    ] {
        let found = findings("registry.toml", ORDER_BY, &format!("order_by = {columns}"));
        assert_eq!(found, [], "{columns}");
    }
}

/// Settings that are gone are told like any other that is not there.
#[test]
fn settings_of_the_table() {
    const ORDER_BY: &str = r#"order_by = ["event_type", "customer"]"#;
    let with =
        |setting: &str| findings("registry.toml", ORDER_BY, &format!("{ORDER_BY}\n{setting}"));
    assert_eq!(with("late_days = 7"), []);
    let found = with(r#"version_column = "revision""#);
    let told: Vec<(&str, &str)> = found
        .iter()
        .map(|finding| (finding.rule, finding.pointer.as_str()))
        .collect();
    assert_eq!(told, [("unknown-setting", "/clickhouse/version_column")]);
    for (old, new, rule, pointer) in [
        (
            ORDER_BY,
            format!("{ORDER_BY}\nlate_days = 0"),
            "invalid-setting",
            "/clickhouse/late_days",
        ),
        (
            "retention_days = 90",
            "retention_days = 0".to_owned(),
            "invalid-setting",
            "/clickhouse/retention_days",
        ),
        (
            "name = \"customer\"\ntype = \"String\"",
            "name = \"customer\"\ntype = \"String\"\ndense = true".to_owned(),
            "invalid-column",
            "/clickhouse/columns/0/dense",
        ),
    ] {
        let found = findings("registry.toml", old, &new);
        let told: Vec<(&str, &str)> = found
            .iter()
            .map(|finding| (finding.rule, finding.pointer.as_str()))
            .collect();
        assert_eq!(told, [(rule, pointer)], "{new}");
        assert!(
            found
                .iter()
                .all(|finding| finding.fix.is_some() && finding.position.line > 1)
        );
    }
    let column = "name = \"order_id\"\ntype = \"UInt64\"";
    assert_eq!(
        findings("registry.toml", column, &format!("{column}\ndense = true")),
        []
    );
}

/// What refers to a view or topic that could not be read is not blamed for it.
#[test]
fn a_broken_file_has_its_own_findings_only() {
    for (file, old, new, rule) in [
        (
            CUSTOMERS,
            "retention_days = 90",
            "retention_days = \"90\"",
            "invalid-setting",
        ),
        (
            "topics/cart.updated/v1.json",
            r#""type": "object""#,
            r#""type": "objct""#,
            "invalid-schema",
        ),
    ] {
        let found = findings(file, old, new);
        assert!(
            !found.is_empty()
                && found
                    .iter()
                    .all(|finding| finding.rule == rule && finding.file == file),
            "{found:#?}"
        );
    }
}
