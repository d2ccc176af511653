//! Names of members, each kept once and numbered.
use std::collections::HashMap;

/// Most names that get a number; payloads whose names are data would fill memory with them.
const MOST: usize = 4096;

/// Longest name that gets a number, in bytes.
const LONGEST: usize = 128;

/// Numbered names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    texts: Vec<Box<[u8]>>,
    numbers: HashMap<Box<[u8]>, usize>,
    /// Which name came behind each name last, the start of an object first: members come in runs of one order.
    behind: Vec<usize>,
}

impl Names {
    /// A name's number, given that of the member before it; `None` where it gets none.
    #[inline]
    pub(crate) fn number(&mut self, name: &str, before: Option<usize>) -> Option<usize> {
        let place = before.map_or(0, |number| number + 1);
        if let Some(guess) = self.behind.get(place)
            && self.texts.get(*guess).map(|text| &**text) == Some(name.as_bytes())
        {
            return Some(*guess);
        }
        self.find(name.as_bytes(), place)
    }

    fn find(&mut self, name: &[u8], place: usize) -> Option<usize> {
        let number = match self.numbers.get(name) {
            Some(number) => *number,
            None if self.texts.len() < MOST && name.len() <= LONGEST => {
                let number = self.texts.len();
                self.texts.push(name.into());
                self.numbers.insert(name.into(), number);
                number
            }
            None => return None,
        };
        if self.behind.len() <= place {
            self.behind.resize(place + 1, 0);
        }
        self.behind[place] = number;
        Some(number)
    }

    /// The name of a number.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> &[u8] {
        self.texts.get(number).map_or(&[], |text| text)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Makes room for others where there is none; numbers given before mean nothing then.
    pub(crate) fn refresh(&mut self) {
        if self.texts.len() == MOST {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_whatever_comes_before_it() {
        let mut names = Names::default();
        let mut numbers = |order: [&str; 3]| {
            let mut last = None;
            order.map(|name| {
                last = names.number(name, last);
                last.expect("a number")
            })
        };
        assert_eq!(numbers(["a", "b", "c"]), [0, 1, 2]);
        assert_eq!(numbers(["a", "b", "c"]), [0, 1, 2]);
        assert_eq!(numbers(["c", "a", "b"]), [2, 0, 1]);
        assert_eq!(numbers(["", "a", "c"]), [3, 0, 2]);
        assert_eq!(names.get(3), b"");
        assert_eq!(names.get(2), b"c");
    }

    #[test]
    fn names_that_are_data_take_bounded_memory() {
        let mut names = Names::default();
        assert_eq!(names.number(&"x".repeat(LONGEST + 1), None), None);
        for number in 0..MOST {
            assert_eq!(names.number(&format!("n{number}"), None), Some(number));
        }
        assert_eq!(names.number("one more", None), None);
        assert_eq!(names.number("n7", None), Some(7));
        assert_eq!(names.len(), MOST);
        names.refresh();
        assert_eq!(names.number("one more", None), Some(0));
    }
}
