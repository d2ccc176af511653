//! Keywords that most schemas do not have: room is taken only where there are any.
use std::ops::Deref;
use std::sync::LazyLock;

use super::{ArrayKeywords, NumberKeywords, ObjectKeywords, StringKeywords};

/// A family of keywords; reads as one without keywords where there are none.
#[derive(Clone, Debug)]
pub struct Sparse<T>(Option<Box<T>>);

/// Keywords of which there may be none.
pub trait Absent: PartialEq + 'static {
    /// What stands for none of them.
    fn absent() -> &'static Self;
}

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Absent> From<T> for Sparse<T> {
    fn from(keywords: T) -> Self {
        Self((keywords != *T::absent()).then(|| Box::new(keywords)))
    }
}

impl<T: Absent> Deref for Sparse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or_else(|| T::absent())
    }
}

macro_rules! absent {
    ($($keywords:ident),*) => {$(
        impl Absent for $keywords {
            fn absent() -> &'static Self {
                static ABSENT: LazyLock<$keywords> = LazyLock::new($keywords::default);
                &ABSENT
            }
        }
    )*};
}

absent!(
    ArrayKeywords,
    NumberKeywords,
    ObjectKeywords,
    StringKeywords
);
