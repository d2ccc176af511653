//! Expressions and conditions.
use serde_json::Value;

use crate::registry::manifest::Condition;

use super::query::Select;

/// A value computed from a row or a group of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// A column, of the source under this alias; without one, of what is being defined.
    Column {
        /// Alias of a source.
        of: Option<&'static str>,
        /// Name of the column.
        name: String,
    },
    /// A text, number, boolean or null.
    Literal(Value),
    /// A parameter of the query.
    Parameter {
        /// Its name.
        name: &'static str,
        /// Its type, as in SQL.
        kind: &'static str,
    },
    /// A function of values.
    Call {
        /// Name of the function.
        function: &'static str,
        /// Arguments in order.
        arguments: Vec<Self>,
    },
    /// A function of the rows of a group for which all of `only` hold.
    Aggregate {
        /// The function.
        function: Aggregate,
        /// What it is of; nothing for a count.
        of: Option<Box<Self>>,
        /// Conditions on rows.
        only: Vec<Self>,
    },
    /// Two values and what stands between them.
    Infix {
        /// The left one.
        left: Box<Self>,
        /// What stands between.
        operator: Operator,
        /// The right one.
        right: Box<Self>,
    },
    /// Whether a value lies between two others.
    Between {
        /// The value.
        value: Box<Self>,
        /// At least this.
        least: Box<Self>,
        /// At most this.
        most: Box<Self>,
    },
    /// Whether a value is one of several.
    In {
        /// The value.
        value: Box<Self>,
        /// Whether it is meant the other way round.
        is_negated: bool,
        /// The several.
        among: Among,
    },
    /// The contrary of a condition.
    Not(Box<Self>),
    /// Values side by side.
    Tuple(Vec<Self>),
    /// The one value of a query's one row.
    Scalar(Box<Select>),
}

/// Several values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Among {
    /// These.
    Values(Vec<Expression>),
    /// Those of a parameter that is an array.
    Parameter(Box<Expression>),
    /// The rows of a query.
    Query(Box<Select>),
}

/// Functions of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// How many rows.
    Count,
    /// The sum.
    Sum,
    /// The highest.
    Max,
    /// The lowest.
    Min,
    /// How many different values, exactly.
    UniqExact,
    /// A set of whole numbers, as a bitmap.
    Bitmap,
    /// How many numbers several bitmaps hold together.
    BitmapMerge,
    /// All different values, as an array.
    UniqArray,
}

/// What stands between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// What rows are ordered by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The value.
    pub by: Expression,
    /// Whether the highest comes first; said aloud where `None` is not.
    pub descending: Option<bool>,
    /// Whether rows without a value come last, either way.
    pub nulls_last: bool,
}

impl Order {
    /// The lowest first.
    #[must_use]
    pub const fn by(by: Expression) -> Self {
        Self {
            by,
            descending: None,
            nulls_last: false,
        }
    }

    /// The highest first.
    #[must_use]
    pub const fn highest(by: Expression) -> Self {
        Self {
            by,
            descending: Some(true),
            nulls_last: false,
        }
    }
}

impl Expression {
    /// A column of an aliased source.
    #[must_use]
    pub fn column(of: &'static str, name: &str) -> Self {
        Self::Column {
            of: Some(of),
            name: name.to_owned(),
        }
    }

    /// A column of the table that is being defined, or of the query's own result.
    #[must_use]
    pub fn own(name: &str) -> Self {
        Self::Column {
            of: None,
            name: name.to_owned(),
        }
    }

    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Literal(Value::from(text))
    }

    /// A whole number.
    #[must_use]
    pub fn number(number: impl Into<serde_json::Number>) -> Self {
        Self::Literal(Value::Number(number.into()))
    }

    /// A function of values.
    #[must_use]
    pub fn call(function: &'static str, arguments: impl IntoIterator<Item = Self>) -> Self {
        Self::Call {
            function,
            arguments: arguments.into_iter().collect(),
        }
    }

    /// A function of all rows of a group.
    #[must_use]
    pub fn aggregate(function: Aggregate, of: Self) -> Self {
        Self::aggregate_if(function, Some(of), Vec::new())
    }

    /// A function of the rows of a group for which conditions hold.
    #[must_use]
    pub fn aggregate_if(function: Aggregate, of: Option<Self>, only: Vec<Self>) -> Self {
        Self::Aggregate {
            function,
            of: of.map(Box::new),
            only,
        }
    }

    /// This, an operator, and another.
    #[must_use]
    pub fn infix(self, operator: Operator, right: Self) -> Self {
        Self::Infix {
            left: Box::new(self),
            operator,
            right: Box::new(right),
        }
    }

    /// Whether both are equal.
    #[must_use]
    pub fn equals(self, right: Self) -> Self {
        self.infix(Operator::Equal, right)
    }

    /// Whether they differ.
    #[must_use]
    pub fn differs(self, right: Self) -> Self {
        self.infix(Operator::NotEqual, right)
    }

    /// Whether this is one of several.
    #[must_use]
    pub fn among(self, among: Among) -> Self {
        Self::In {
            value: Box::new(self),
            is_negated: false,
            among,
        }
    }

    /// Whether this is a row of a query.
    #[must_use]
    pub fn in_query(self, query: Select) -> Self {
        self.among(Among::Query(Box::new(query)))
    }

    /// Whether this is no row of a query.
    #[must_use]
    pub fn not_in_query(self, query: Select) -> Self {
        Self::In {
            value: Box::new(self),
            is_negated: true,
            among: Among::Query(Box::new(query)),
        }
    }

    /// The contrary.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// The element of a tuple at a place, from 1 on.
    #[must_use]
    pub fn element(self, place: usize) -> Self {
        let place = Self::number(u64::try_from(place).unwrap_or(u64::MAX));
        Self::call("tupleElement", [self, place])
    }

    /// The tests of a manifest's condition on this value.
    #[must_use]
    pub fn tests(&self, condition: &Condition) -> Vec<Self> {
        let with = |operator, value: Self| self.clone().infix(operator, value);
        let mut tests = Vec::new();
        if let Some(value) = &condition.equals {
            tests.push(with(Operator::Equal, Self::Literal(value.clone())));
        }
        if let Some(value) = &condition.not_equals {
            tests.push(with(Operator::NotEqual, Self::Literal(value.clone())));
        }
        if let Some(values) = &condition.one_of {
            let values = values.iter().cloned().map(Self::Literal).collect();
            tests.push(self.clone().one_of(values));
        }
        if let Some(value) = condition.at_least {
            tests.push(with(Operator::AtLeast, Self::number(value)));
        }
        if let Some(value) = condition.at_most {
            tests.push(with(Operator::AtMost, Self::number(value)));
        }
        tests
    }

    /// Whether this is one of these values; false where there are none.
    #[must_use]
    pub fn one_of(self, values: Vec<Self>) -> Self {
        if values.is_empty() {
            Self::Literal(Value::Bool(false))
        } else {
            self.among(Among::Values(values))
        }
    }

    /// The tests of manifests' conditions on columns of an aliased source.
    #[must_use]
    pub fn conditions(of: &'static str, conditions: &[Condition]) -> Vec<Self> {
        let conditions = conditions.iter();
        conditions
            .flat_map(|condition| Self::column(of, &condition.column).tests(condition))
            .collect()
    }
}
