//! Tries an expression on a text, with look-around and back-references, by backtracking as ECMA-262 describes it.
//!
//! The expression becomes a program; places to come back to lie on a stack of our own, and steps are counted, so
//! neither deep nor slow expressions do harm.
use std::ops::Range;

use regex_syntax::hir::ClassUnicode;

use super::{Expression, Tree};

/// Most instructions of a program; repetitions are written out.
const PROGRAM: usize = 5_000;

/// Most work of one text, in instructions and remembered places: some milliseconds.
const WORK: usize = 1_000_000;

/// Longest text that is tried, in characters.
const TEXT: usize = 10_000;

/// Whether the expression is found in a text; none where that takes too long to tell.
pub(in crate::compat) fn is_found(expression: &Expression, text: &str) -> Option<bool> {
    let mut program = Program {
        code: Vec::new(),
        marks: 0,
    };
    program.add(&expression.tree, false)?;
    program.push(Code::Done)?;
    let text: Vec<char> = text.chars().take(TEXT + 1).collect();
    if text.len() > TEXT {
        return None;
    }
    let mut run = Run {
        code: &program.code,
        text: &text,
        work: 0,
    };
    for start in 0..=text.len() {
        let state = State {
            at: start,
            groups: vec![None; 2 * (expression.groups + 1)],
            marks: vec![0; program.marks],
        };
        if run.run(0, state)?.is_some() {
            return Some(true);
        }
    }
    Some(false)
}

enum Code<'t> {
    /// A character of the set, after or before the place.
    One(&'t ClassUnicode, bool),
    Start,
    End,
    Boundary(bool),
    /// Remembers the place.
    Save(usize),
    /// Forgets groups.
    Forget(Range<usize>),
    /// Goes on at the first, and where that fails at the second.
    Split(usize, usize),
    Jump(usize),
    /// Remembers where a turn began.
    Mark(usize),
    /// Fails where the turn that began there found nothing.
    Moved(usize),
    Back(usize, bool),
    /// What follows, up to its end, is tried from here without moving.
    Look {
        negated: bool,
        end: usize,
    },
    Done,
}

struct Program<'t> {
    code: Vec<Code<'t>>,
    marks: usize,
}

impl<'t> Program<'t> {
    fn push(&mut self, code: Code<'t>) -> Option<usize> {
        self.code.push(code);
        (self.code.len() <= PROGRAM).then_some(self.code.len() - 1)
    }

    fn add(&mut self, tree: &'t Tree, backward: bool) -> Option<()> {
        match tree {
            Tree::One(set) => self.push(Code::One(set, backward)).map(drop),
            Tree::Start => self.push(Code::Start).map(drop),
            Tree::End => self.push(Code::End).map(drop),
            Tree::Boundary { negated } => self.push(Code::Boundary(*negated)).map(drop),
            Tree::Back(group) => self.push(Code::Back(*group, backward)).map(drop),
            Tree::Sequence(parts) if backward => {
                parts.iter().rev().try_for_each(|part| self.add(part, true))
            }
            Tree::Sequence(parts) => parts.iter().try_for_each(|part| self.add(part, false)),
            Tree::Choice(parts) => {
                let mut ends = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    if index + 1 == parts.len() {
                        self.add(part, backward)?;
                        break;
                    }
                    let split = self.push(Code::Jump(0))?;
                    self.add(part, backward)?;
                    ends.push(self.push(Code::Jump(0))?);
                    self.code[split] = Code::Split(split + 1, self.code.len());
                }
                let after = self.code.len();
                for end in ends {
                    self.code[end] = Code::Jump(after);
                }
                Some(())
            }
            Tree::Group { number, inside } => {
                let (start, end) = (2 * number, 2 * number + 1);
                self.push(Code::Save(if backward { end } else { start }))?;
                self.add(inside, backward)?;
                self.push(Code::Save(if backward { start } else { end }))
                    .map(drop)
            }
            Tree::Repeat {
                inside,
                min,
                max,
                greedy,
                groups,
            } => self.repeat(inside, (*min, *max), *greedy, groups, backward),
            Tree::Look {
                ahead,
                negated,
                inside,
            } => {
                let look = self.push(Code::Jump(0))?;
                self.add(inside, !ahead)?;
                self.push(Code::Done)?;
                self.code[look] = Code::Look {
                    negated: *negated,
                    end: self.code.len(),
                };
                Some(())
            }
        }
    }

    fn repeat(
        &mut self,
        inside: &'t Tree,
        (min, max): (u32, Option<u32>),
        greedy: bool,
        groups: &Range<usize>,
        backward: bool,
    ) -> Option<()> {
        // Groups are counted from 1, and have two places each.
        let places = 2 * (groups.start + 1)..2 * (groups.end + 1);
        for _ in 0..min {
            self.push(Code::Forget(places.clone()))?;
            self.add(inside, backward)?;
        }
        let mut splits = Vec::new();
        let mut turns = max.map_or(1, |max| max.saturating_sub(min));
        while turns > 0 {
            turns -= 1;
            let split = self.push(Code::Jump(0))?;
            splits.push(split);
            let mark = self.marks;
            self.marks += 1;
            self.push(Code::Mark(mark))?;
            self.push(Code::Forget(places.clone()))?;
            self.add(inside, backward)?;
            self.push(Code::Moved(mark))?;
            if max.is_none() {
                self.push(Code::Jump(split))?;
            }
        }
        let after = self.code.len();
        for split in splits {
            self.code[split] = if greedy {
                Code::Split(split + 1, after)
            } else {
                Code::Split(after, split + 1)
            };
        }
        Some(())
    }
}

#[derive(Clone)]
struct State {
    at: usize,
    groups: Vec<Option<usize>>,
    marks: Vec<usize>,
}

struct Run<'r> {
    code: &'r [Code<'r>],
    text: &'r [char],
    work: usize,
}

impl Run<'_> {
    /// The state at the end of the first way through; none of none where there is none, none where it takes too long.
    fn run(&mut self, start: usize, state: State) -> Option<Option<State>> {
        let mut ways = vec![(start, state)];
        while let Some((mut next, mut state)) = ways.pop() {
            loop {
                self.work += 1;
                if self.work > WORK {
                    return None;
                }
                let goes_on = match self.code.get(next)? {
                    Code::Done => return Some(Some(state)),
                    Code::Jump(to) => {
                        next = *to;
                        continue;
                    }
                    Code::Split(first, second) => {
                        self.work += state.groups.len() + state.marks.len();
                        ways.push((*second, state.clone()));
                        next = *first;
                        continue;
                    }
                    Code::Look { negated, end } => {
                        let inner = self.run(next + 1, state.clone())?;
                        next = *end;
                        match (inner, negated) {
                            (Some(found), false) => {
                                state.groups = found.groups;
                                continue;
                            }
                            (None, true) => continue,
                            (Some(_), true) | (None, false) => break,
                        }
                    }
                    Code::One(set, backward) => self.one(set, *backward, &mut state),
                    Code::Start => state.at == 0,
                    Code::End => state.at == self.text.len(),
                    Code::Boundary(negated) => {
                        let before = state.at.checked_sub(1).is_some_and(|at| self.is_word(at));
                        (before != self.is_word(state.at)) != *negated
                    }
                    Code::Save(place) => {
                        state.groups[*place] = Some(state.at);
                        true
                    }
                    Code::Forget(places) => {
                        state.groups[places.clone()].fill(None);
                        true
                    }
                    Code::Mark(mark) => {
                        state.marks[*mark] = state.at;
                        true
                    }
                    Code::Moved(mark) => state.marks[*mark] != state.at,
                    Code::Back(group, backward) => self.again(*group, *backward, &mut state),
                };
                if !goes_on {
                    break;
                }
                next += 1;
            }
        }
        Some(None)
    }

    fn is_word(&self, at: usize) -> bool {
        (self.text.get(at)).is_some_and(|next| next.is_ascii_alphanumeric() || *next == '_')
    }

    fn one(&self, set: &ClassUnicode, backward: bool, state: &mut State) -> bool {
        let place = if backward {
            state.at.checked_sub(1)
        } else {
            Some(state.at)
        };
        let Some((place, character)) =
            place.and_then(|place| Some((place, *self.text.get(place)?)))
        else {
            return false;
        };
        state.at = if backward { place } else { place + 1 };
        let ranges = set.ranges();
        let index = ranges.partition_point(|range| range.end() < character);
        (ranges.get(index)).is_some_and(|range| range.start() <= character)
    }

    /// What a group found, once more; a group that found nothing is found everywhere.
    fn again(&mut self, group: usize, backward: bool, state: &mut State) -> bool {
        let (Some(start), Some(end)) = (state.groups[2 * group], state.groups[2 * group + 1])
        else {
            return true;
        };
        let length = end.saturating_sub(start);
        self.work += length;
        let from = if backward {
            state.at.checked_sub(length)
        } else {
            Some(state.at)
        };
        let Some(from) = from else {
            return false;
        };
        state.at = if backward { from } else { from + length };
        self.text.get(from..from + length) == self.text.get(start..end)
    }
}
