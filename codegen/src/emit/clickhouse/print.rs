//! Prints the plan as SQL, indented as a person would write it.
use super::spec::{
    ColumnSpec, Definition, MaterializedViewSpec, Select, Source, TableName, TableSpec, ViewSpec,
};
use super::sql::{name, text};

/// A statement without a closing semicolon.
#[must_use]
pub fn definition(definition: &Definition) -> String {
    match definition {
        Definition::Database(database) => {
            format!("CREATE DATABASE IF NOT EXISTS {}", name(database))
        }
        Definition::Table(spec) => table(spec),
        Definition::MaterializedView(spec) => materialized_view(spec),
        Definition::View(spec) => view(spec),
    }
}

fn table_name(table: &TableName) -> String {
    format!("{}.{}", name(&table.database), name(&table.table))
}

fn table(spec: &TableSpec) -> String {
    let columns: Vec<String> = spec.columns.iter().map(column).collect();
    let mut sql = format!(
        "CREATE TABLE IF NOT EXISTS {}\n(\n{}\n)\nENGINE = {}",
        table_name(&spec.name),
        columns.join(",\n"),
        spec.engine
    );
    if let Some(partition) = &spec.partition_by {
        sql.push_str(&format!("\nPARTITION BY {partition}"));
    }
    let order: Vec<String> = spec.order_by.iter().map(|column| name(column)).collect();
    sql.push_str(&format!("\nORDER BY ({})", order.join(", ")));
    if let Some(ttl) = &spec.ttl {
        sql.push_str(&format!(
            "\nTTL {} + toIntervalDay({}) DELETE",
            ttl.date, ttl.days
        ));
    }
    let settings: Vec<String> = spec
        .settings
        .iter()
        .map(|(setting, value)| format!("{setting} = {value}"))
        .collect();
    sql.push_str(&format!("\nSETTINGS {}", settings.join(", ")));
    sql.push_str(&format!("\nCOMMENT {}", text(&spec.comment)));
    sql
}

fn column(spec: &ColumnSpec) -> String {
    let mut sql = format!("    {} {}", name(&spec.name), spec.sql_type);
    if !spec.comment.is_empty() {
        sql.push_str(&format!(" COMMENT {}", text(&spec.comment)));
    }
    if let Some(codec) = &spec.codec {
        sql.push_str(&format!(" CODEC({codec})"));
    }
    sql
}

fn materialized_view(spec: &MaterializedViewSpec) -> String {
    let refresh = spec
        .refresh_minutes
        .map(|minutes| format!("\nREFRESH EVERY {minutes} MINUTE APPEND"))
        .unwrap_or_default();
    format!(
        "CREATE MATERIALIZED VIEW IF NOT EXISTS {}{refresh}\nTO {}\nAS\n{}\nCOMMENT {}",
        table_name(&spec.name),
        table_name(&spec.target),
        select(&spec.select, 0),
        text(&spec.comment)
    )
}

fn view(spec: &ViewSpec) -> String {
    format!(
        "CREATE OR REPLACE VIEW {}\nAS\n{}\nCOMMENT {}",
        table_name(&spec.name),
        select(&spec.select, 0),
        text(&spec.comment)
    )
}

/// A query, indented by `depth` levels.
#[must_use]
pub fn select(select: &Select, depth: usize) -> String {
    let indent = "    ".repeat(depth);
    let columns: Vec<String> = select
        .columns
        .iter()
        .map(|column| {
            format!(
                "{indent}    {} AS {}",
                column.expression,
                name(&column.name)
            )
        })
        .collect();
    let from = match &select.from {
        Source::Table(table) => format!("{} AS {}", table_name(table), select.alias),
        // FINAL follows the alias in ClickHouse's grammar.
        Source::Final(table) => format!("{} AS {} FINAL", table_name(table), select.alias),
        Source::Query(query) => format!(
            "\n{indent}(\n{}\n{indent}) AS {}",
            self::select(query, depth + 1),
            select.alias
        ),
    };
    let gap = if matches!(select.from, Source::Query(_)) {
        ""
    } else {
        " "
    };
    let mut sql = format!(
        "{indent}SELECT\n{}\n{indent}FROM{gap}{from}",
        columns.join(",\n")
    );
    if !select.filter.is_empty() {
        sql.push_str(&format!(
            "\n{indent}WHERE {}",
            select.filter.join(&format!("\n{indent}    AND "))
        ));
    }
    if !select.group_by.is_empty() {
        sql.push_str(&format!(
            "\n{indent}GROUP BY {}",
            select.group_by.join(", ")
        ));
    }
    if !select.order_by.is_empty() {
        sql.push_str(&format!(
            "\n{indent}ORDER BY {}",
            select.order_by.join(", ")
        ));
    }
    if let Some(limit) = select.limit {
        sql.push_str(&format!("\n{indent}LIMIT {limit}"));
    }
    sql
}
