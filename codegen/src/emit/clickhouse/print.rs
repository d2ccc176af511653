//! Prints the plan as SQL, indented as a person would write it.
use super::spec::{
    ColumnSpec, Definition, MaterializedViewSpec, Select, Setting, Source, TableName, TableSpec,
    ViewSpec,
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

/// `database.table`.
#[must_use]
pub fn table_name(table: &TableName) -> String {
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
        .map(|Setting { name, value, why }| format!("    -- {why}\n    {name} = {value}"))
        .collect();
    sql.push_str(&format!("\nSETTINGS\n{}", settings.join(",\n")));
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
    format!(
        "CREATE MATERIALIZED VIEW IF NOT EXISTS {}\nTO {}\nAS\n{}\nCOMMENT {}",
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

/// A query's rows put into a table.
#[must_use]
pub fn insert(table: &TableName, query: &Select) -> String {
    let columns: Vec<String> = query
        .columns
        .iter()
        .map(|column| name(&column.name))
        .collect();
    format!(
        "INSERT INTO {} ({})\n{}",
        table_name(table),
        columns.join(", "),
        select(query, 0)
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
        Source::Table(table) => format!(" {} AS {}", table_name(table), select.alias),
        // FINAL follows the alias in ClickHouse's grammar.
        Source::Final(table) | Source::FinalByPartition(table) => {
            format!(" {} AS {} FINAL", table_name(table), select.alias)
        }
        Source::Query(query) => nested(&self::select(query, depth + 1), &indent, select.alias),
        Source::All(queries) => {
            let queries: Vec<String> = queries
                .iter()
                .map(|query| self::select(query, depth + 1))
                .collect();
            let between = format!("\n{indent}    UNION ALL\n");
            nested(&queries.join(&between), &indent, select.alias)
        }
    };
    let mut sql = format!(
        "{indent}SELECT\n{}\n{indent}FROM{from}",
        columns.join(",\n")
    );
    if !select.filter.is_empty() {
        // A condition of several lines holds a query; literals hold no line ends.
        let filter: Vec<String> = select
            .filter
            .iter()
            .map(|condition| condition.replace('\n', &format!("\n{indent}    ")))
            .collect();
        sql.push_str(&format!(
            "\n{indent}WHERE {}",
            filter.join(&format!("\n{indent}    AND "))
        ));
    }
    if !select.group_by.is_empty() {
        sql.push_str(&format!(
            "\n{indent}GROUP BY {}",
            select.group_by.join(", ")
        ));
    }
    if !select.having.is_empty() {
        sql.push_str(&format!(
            "\n{indent}HAVING {}",
            select.having.join(&format!("\n{indent}    AND "))
        ));
    }
    if !select.order_by.is_empty() {
        sql.push_str(&format!(
            "\n{indent}ORDER BY {}",
            select.order_by.join(", ")
        ));
    }
    if !select.first_by.is_empty() {
        sql.push_str(&format!(
            "\n{indent}LIMIT 1 BY {}",
            select.first_by.join(", ")
        ));
    }
    if let Some(limit) = select.limit {
        sql.push_str(&format!("\n{indent}LIMIT {limit}"));
    }
    if matches!(select.from, Source::FinalByPartition(_)) {
        sql.push_str(&format!(
            "\n{indent}SETTINGS do_not_merge_across_partitions_select_final = 1"
        ));
    }
    sql
}

/// Whether an expression is among a query's rows, as a condition of several lines.
#[must_use]
pub fn among(expression: &str, operator: &str, query: &Select) -> String {
    format!("{expression} {operator}\n(\n{}\n)", select(query, 1))
}

/// Queries in parentheses, under a name.
fn nested(queries: &str, indent: &str, alias: &str) -> String {
    format!("\n{indent}(\n{queries}\n{indent}) AS {alias}")
}
