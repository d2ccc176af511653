//! Prints values as SQL, indented as a person would write it. Names and texts are quoted so that none can end early.
use serde_json::Value;

use super::expression::{Aggregate, Among, Expression, Operator, Order};
use super::object::{
    Column, Default, Definition, MaterializedView, Setting, Table, TableName, View,
};
use super::query::{Select, Source};

/// Words that ClickHouse's parser may read as syntax where a name is meant.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "cross",
    "date",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "final",
    "format",
    "from",
    "full",
    "global",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "intersect",
    "interval",
    "into",
    "is",
    "join",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "prewhere",
    "right",
    "sample",
    "select",
    "settings",
    "substring",
    "table",
    "then",
    "timestamp",
    "totals",
    "trim",
    "union",
    "using",
    "values",
    "view",
    "when",
    "where",
    "window",
    "with",
];

/// A name, in backticks where it could be misread.
#[must_use]
pub fn name(text: &str) -> String {
    let mut characters = text.chars();
    let plain = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_')
        && !KEYWORDS.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        format!("`{}`", escape(text, '`'))
    }
}

/// A text literal.
#[must_use]
pub fn text(value: &str) -> String {
    format!("'{}'", escape(value, '\''))
}

fn escape(text: &str, quote: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\0' => escaped.push_str("\\0"),
            '\\' => escaped.push_str("\\\\"),
            other if other == quote => {
                escaped.push('\\');
                escaped.push(quote);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// A statement, and where it names the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// Without a closing semicolon.
    pub sql: String,
    /// Where the database's name begins and ends in it, in bytes, each time.
    pub databases: Vec<(usize, usize)>,
}

/// An object's statement.
#[must_use]
pub fn definition(definition: &Definition) -> Printed {
    let mut printer = Printer::default();
    match definition {
        Definition::Database(database) => {
            printer.write("CREATE DATABASE IF NOT EXISTS ");
            printer.database(database);
        }
        Definition::Table(table) => printer.table(table),
        Definition::MaterializedView(view) => printer.materialized_view(view),
        Definition::View(view) => printer.view(view),
    }
    printer.0
}

/// A query.
#[must_use]
pub fn select(query: &Select) -> Printed {
    let mut printer = Printer::default();
    printer.select(query, 0);
    printer.0
}

/// A query's rows put into a table.
#[must_use]
pub fn insert(table: &TableName, query: &Select) -> Printed {
    let mut printer = Printer::default();
    printer.write("INSERT INTO ");
    printer.table_name(table);
    let columns: Vec<String> = query
        .columns
        .iter()
        .map(|column| name(&column.name))
        .collect();
    printer.write(&format!(" ({})\n", columns.join(", ")));
    printer.select(query, 0);
    printer.0
}

/// Engine, keys, time to live and settings of a table, as they follow its columns.
#[must_use]
pub fn clauses(table: &Table) -> String {
    let mut printer = Printer::default();
    printer.clauses(table);
    printer.0.sql
}

/// `database.table`.
#[must_use]
pub fn table_name(table: &TableName) -> String {
    format!("{}.{}", name(&table.database), name(&table.table))
}

/// An expression in one line, or several where it holds a query.
#[must_use]
pub fn expression(expression: &Expression) -> String {
    let mut printer = Printer::default();
    printer.expression(expression, 0);
    printer.0.sql
}

/// A column's type and default.
#[must_use]
pub fn type_and_default(column: &Column) -> String {
    let kind = column.kind.in_definition();
    match &column.default {
        Default::OfType => kind,
        Default::Stored(value) => format!("{kind} DEFAULT {}", expression(value)),
        Default::Alias(value) => format!("{kind} ALIAS {}", expression(value)),
    }
}

/// A column as its table's definition has it.
#[must_use]
pub fn column(column: &Column) -> String {
    let mut sql = format!("{} {}", name(&column.name), type_and_default(column));
    if !column.comment.is_empty() {
        sql.push_str(&format!(" COMMENT {}", text(&column.comment)));
    }
    if let Some(codec) = &column.codec {
        sql.push_str(&format!(" CODEC({codec})"));
    }
    sql
}

#[derive(Default)]
struct Printer(Printed);

/// How tightly an expression holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Not,
    Comparison,
    Sum,
    Product,
    Value,
}

impl Printer {
    fn write(&mut self, text: &str) {
        self.0.sql.push_str(text);
    }

    /// A line break and the indentation of a depth.
    fn line(&mut self, depth: usize) {
        self.write("\n");
        self.indent(depth);
    }

    fn indent(&mut self, depth: usize) {
        for _ in 0..depth {
            self.write("    ");
        }
    }

    /// Each item by `print`, with `between` between two.
    fn all<T>(&mut self, items: &[T], between: &str, mut print: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.write(between);
            }
            print(self, item);
        }
    }

    fn database(&mut self, database: &str) {
        let start = self.0.sql.len();
        self.write(&name(database));
        self.0.databases.push((start, self.0.sql.len()));
    }

    fn table_name(&mut self, table: &TableName) {
        self.database(&table.database);
        self.write(".");
        self.write(&name(&table.table));
    }

    fn table(&mut self, table: &Table) {
        self.write("CREATE TABLE IF NOT EXISTS ");
        self.table_name(&table.name);
        self.write("\n(\n");
        self.all(&table.columns, ",\n", |printer, it| {
            printer.write("    ");
            printer.write(&column(it));
        });
        self.write("\n)\nENGINE = ");
        self.clauses(table);
        self.comment(&table.comment);
    }

    fn clauses(&mut self, table: &Table) {
        self.write(&table.engine.to_string());
        if let Some(partition) = &table.partition_by {
            self.write("\nPARTITION BY ");
            self.expression(partition, 0);
        }
        let order: Vec<String> = table.order_by.iter().map(|column| name(column)).collect();
        self.write(&format!("\nORDER BY ({})", order.join(", ")));
        if let Some(ttl) = &table.ttl {
            self.write("\nTTL ");
            self.expression(&ttl.date, 0);
            self.write(&format!(" + toIntervalDay({}) DELETE", ttl.days));
        }
        self.write("\nSETTINGS\n");
        self.all(&table.settings, ",\n", |printer, setting| {
            let Setting { name, value, why } = setting;
            printer.write(&format!("    -- {why}\n    {name} = {value}"));
        });
    }

    fn comment(&mut self, comment: &str) {
        self.write(&format!("\nCOMMENT {}", text(comment)));
    }

    fn materialized_view(&mut self, view: &MaterializedView) {
        self.write("CREATE MATERIALIZED VIEW IF NOT EXISTS ");
        self.table_name(&view.name);
        self.write("\nTO ");
        self.table_name(&view.target);
        self.write("\nAS\n");
        self.select(&view.select, 0);
        self.comment(&view.comment);
    }

    fn view(&mut self, view: &View) {
        self.write("CREATE OR REPLACE VIEW ");
        self.table_name(&view.name);
        self.write("\nAS\n");
        self.select(&view.select, 0);
        self.comment(&view.comment);
    }

    /// A query in lines, indented by `depth` levels.
    fn select(&mut self, select: &Select, depth: usize) {
        self.indent(depth);
        self.write("SELECT\n");
        self.all(&select.columns, ",\n", |printer, column| {
            printer.indent(depth + 1);
            printer.expression(&column.expression, depth);
            printer.write(&format!(" AS {}", name(&column.name)));
        });
        self.line(depth);
        self.write("FROM");
        self.source(&select.from, select.alias, depth);
        self.conditions("WHERE", &select.filter, depth);
        self.listed("GROUP BY", &select.group_by, depth);
        self.conditions("HAVING", &select.having, depth);
        if !select.order_by.is_empty() {
            self.line(depth);
            self.write("ORDER BY ");
            self.all(&select.order_by, ", ", |printer, order| {
                printer.order(order, depth);
            });
        }
        self.listed("LIMIT 1 BY", &select.first_by, depth);
        if let Some(limit) = select.limit {
            self.line(depth);
            self.write(&format!("LIMIT {limit}"));
        }
        if matches!(select.from, Source::FinalByPartition(_)) {
            self.line(depth);
            self.write("SETTINGS do_not_merge_across_partitions_select_final = 1");
        }
    }

    fn source(&mut self, source: &Source, alias: &str, depth: usize) {
        match source {
            Source::Table(table) => {
                self.write(" ");
                self.table_name(table);
                self.write(&format!(" AS {alias}"));
            }
            // FINAL follows the alias in ClickHouse's grammar.
            Source::Final(table) | Source::FinalByPartition(table) => {
                self.write(" ");
                self.table_name(table);
                self.write(&format!(" AS {alias} FINAL"));
            }
            Source::Query(query) => {
                self.nested(std::slice::from_ref(query.as_ref()), depth);
                self.write(&format!(" AS {alias}"));
            }
            Source::All(queries) => {
                self.nested(queries, depth);
                self.write(&format!(" AS {alias}"));
            }
        }
    }

    /// Queries in parentheses, from a line of their own.
    fn nested(&mut self, queries: &[Select], depth: usize) {
        self.line(depth);
        self.write("(\n");
        for (index, query) in queries.iter().enumerate() {
            if index > 0 {
                self.line(depth + 1);
                self.write("UNION ALL\n");
            }
            self.select(query, depth + 1);
        }
        self.line(depth);
        self.write(")");
    }

    fn conditions(&mut self, keyword: &str, conditions: &[Expression], depth: usize) {
        for (index, condition) in conditions.iter().enumerate() {
            if index == 0 {
                self.line(depth);
                self.write(keyword);
            } else {
                self.line(depth + 1);
                self.write("AND");
            }
            self.write(" ");
            self.expression(condition, depth);
        }
    }

    fn listed(&mut self, keyword: &str, expressions: &[Expression], depth: usize) {
        if expressions.is_empty() {
            return;
        }
        self.line(depth);
        self.write(keyword);
        self.write(" ");
        self.list(expressions, depth);
    }

    fn list(&mut self, expressions: &[Expression], depth: usize) {
        self.all(expressions, ", ", |printer, expression| {
            printer.expression(expression, depth);
        });
    }

    fn order(&mut self, order: &Order, depth: usize) {
        self.expression(&order.by, depth);
        self.write(match order.descending {
            None => "",
            Some(false) => " ASC",
            Some(true) => " DESC",
        });
        if order.nulls_last {
            self.write(" NULLS LAST");
        }
    }

    /// An expression of a query that is indented by `depth` levels.
    fn expression(&mut self, expression: &Expression, depth: usize) {
        match expression {
            Expression::Column { of, name: column } => {
                if let Some(of) = of {
                    self.write(of);
                    self.write(".");
                }
                self.write(&name(column));
            }
            Expression::Literal(value) => self.write(&literal(value)),
            Expression::Parameter { name, kind } => self.write(&format!("{{{name}:{kind}}}")),
            Expression::Call {
                function,
                arguments,
            } => {
                self.write(function);
                self.write("(");
                self.list(arguments, depth);
                self.write(")");
            }
            Expression::Aggregate { function, of, only } => {
                self.write(spelled(*function));
                self.write(if only.is_empty() { "(" } else { "If(" });
                if let Some(of) = of {
                    self.expression(of, depth);
                    if !only.is_empty() {
                        self.write(", ");
                    }
                }
                self.all(only, " AND ", |printer, condition| {
                    printer.expression(condition, depth);
                });
                self.write(")");
            }
            Expression::Infix {
                left,
                operator,
                right,
            } => {
                let own = binding(expression);
                self.within(left, binding(left) < own, depth);
                self.write(&format!(" {} ", sign(*operator)));
                self.within(right, binding(right) <= own, depth);
            }
            Expression::Between { value, least, most } => {
                self.expression(value, depth);
                self.write(" BETWEEN ");
                self.expression(least, depth);
                self.write(" AND ");
                self.expression(most, depth);
            }
            Expression::In {
                value,
                is_negated,
                among,
            } => {
                self.expression(value, depth);
                self.write(if *is_negated { " NOT IN" } else { " IN" });
                self.among(among, depth);
            }
            Expression::Not(inner) => {
                self.write("NOT ");
                self.within(inner, binding(inner) < Binding::Value, depth);
            }
            Expression::Tuple(elements) => {
                self.write("(");
                self.list(elements, depth);
                self.write(")");
            }
            Expression::Scalar(query) => self.scalar(query, depth),
        }
    }

    fn among(&mut self, among: &Among, depth: usize) {
        match among {
            Among::Values(values) => {
                self.write(" (");
                self.list(values, depth);
                self.write(")");
            }
            Among::Parameter(parameter) => {
                self.write(" ");
                self.expression(parameter, depth);
            }
            Among::Query(query) => self.nested(std::slice::from_ref(query.as_ref()), depth + 1),
        }
    }

    fn within(&mut self, expression: &Expression, in_parentheses: bool, depth: usize) {
        if in_parentheses {
            self.write("(");
        }
        self.expression(expression, depth);
        if in_parentheses {
            self.write(")");
        }
    }

    /// A query for one value, in a line.
    fn scalar(&mut self, query: &Select, depth: usize) {
        self.write("(SELECT ");
        self.all(&query.columns, ", ", |printer, column| {
            printer.expression(&column.expression, depth);
        });
        self.write(" FROM");
        self.source(&query.from, query.alias, depth);
        for (index, condition) in query.filter.iter().enumerate() {
            self.write(if index == 0 { " WHERE " } else { " AND " });
            self.expression(condition, depth);
        }
        self.write(")");
    }
}

fn binding(expression: &Expression) -> Binding {
    match expression {
        Expression::Not(_) => Binding::Not,
        Expression::Between { .. } | Expression::In { .. } => Binding::Comparison,
        Expression::Infix { operator, .. } => match operator {
            Operator::Equal
            | Operator::NotEqual
            | Operator::Above
            | Operator::AtLeast
            | Operator::AtMost => Binding::Comparison,
            Operator::Plus | Operator::Minus => Binding::Sum,
            Operator::Divide | Operator::Modulo => Binding::Product,
        },
        Expression::Column { .. }
        | Expression::Literal(_)
        | Expression::Parameter { .. }
        | Expression::Call { .. }
        | Expression::Aggregate { .. }
        | Expression::Tuple(_)
        | Expression::Scalar(_) => Binding::Value,
    }
}

const fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "!=",
        Operator::Above => ">",
        Operator::AtLeast => ">=",
        Operator::AtMost => "<=",
        Operator::Plus => "+",
        Operator::Minus => "-",
        Operator::Divide => "/",
        Operator::Modulo => "%",
    }
}

const fn spelled(function: Aggregate) -> &'static str {
    match function {
        Aggregate::Count => "count",
        Aggregate::Sum => "sum",
        Aggregate::Max => "max",
        Aggregate::Min => "min",
        Aggregate::UniqExact => "uniqExact",
        Aggregate::Bitmap => "groupBitmapState",
        Aggregate::BitmapMerge => "groupBitmapMerge",
        Aggregate::UniqArray => "groupUniqArray",
    }
}

/// A literal of a manifest's value; arrays and objects, which the checks refuse, as their JSON text.
fn literal(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Number(number) => number.to_string(),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Null => "NULL".to_owned(),
        Value::Array(_) | Value::Object(_) => text(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_stand_where_meaning_asks_for_them() {
        let column = |name| Expression::own(name);
        let sum = || column("a").infix(Operator::Plus, column("b"));
        for (value, printed) in [
            (sum().infix(Operator::Divide, sum()), "(a + b) / (a + b)"),
            (column("a").infix(Operator::Minus, sum()), "a - (a + b)"),
            (sum().infix(Operator::Minus, column("a")), "a + b - a"),
            (sum().equals(column("c")), "a + b = c"),
            (sum().equals(column("c")).negated(), "NOT (a + b = c)"),
            (column("a").negated().equals(column("c")), "(NOT a) = c"),
            (
                column("a").one_of(vec![Expression::text("it's")]),
                r"a IN ('it\'s')",
            ),
            (column("a").one_of(Vec::new()), "false"),
            (
                Expression::aggregate_if(Aggregate::Count, None, vec![column("a"), column("b")]),
                "countIf(a AND b)",
            ),
        ] {
            assert_eq!(expression(&value), printed);
        }
    }

    #[test]
    fn a_statement_knows_where_it_names_its_database() {
        let table = |table: &str| TableName {
            database: "select".to_owned(),
            table: table.to_owned(),
        };
        let rows = Select {
            filter: vec![Expression::own("word").equals(Expression::text("`select`.a"))],
            ..Select::over(Source::Table(table("a")), "x", Vec::new())
        };
        let printed = insert(&table("b"), &rows);
        let named: Vec<&str> = printed
            .databases
            .iter()
            .map(|(start, end)| &printed.sql[*start..*end])
            .collect();
        assert_eq!(named, ["`select`", "`select`"]);
    }
}
