//! Random choices that a seed repeats on every machine: whatever is drawn is drawn as 64 bits.

/// A stream of choices.
#[derive(Clone, Debug)]
pub struct Dice(fastrand::Rng);

impl Dice {
    /// The choices of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A number below `end`; 0 where there is none.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.u64(..end) }
    }

    /// A number of both bounds or between; `low` where they are the wrong way round.
    pub(super) fn between(&mut self, low: i128, high: i128) -> i128 {
        let span = high.saturating_sub(low);
        if span <= 0 {
            return low;
        }
        let span = u64::try_from(span).unwrap_or(u64::MAX - 1);
        low + i128::from(self.below(span.saturating_add(1)))
    }

    /// At least 0, below 1.
    pub(super) fn share(&mut self) -> f64 {
        self.0.f64()
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// An index below `length`.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.index(choices.len()))
    }

    /// In another order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.index(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_choices_for_ever() {
        let mut dice = Dice::new(1);
        let drawn: Vec<u64> = (0..5).map(|_| dice.below(1000)).collect();
        assert_eq!(drawn, [657, 534, 239, 778, 9]);
        assert_eq!(dice.between(5, 4), 5);
        assert!((-3..=3).contains(&dice.between(-3, 3)));
        dice.between(i128::MIN, i128::MAX);
    }
}
