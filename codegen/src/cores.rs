//! The same work on many things, on every core.
//!
//! Results come in the order of the things, so nothing that is printed depends on the number of cores. The
//! standard library's scoped threads do; a pool would be one more dependency for those who compile a registry
//! in their `build.rs`.
use std::sync::atomic::{AtomicUsize, Ordering};

/// As much as a main thread has: schemas nest, and what reads them calls itself.
const STACK_BYTES: usize = 8 << 20;

/// `work` on every item, in their order.
///
/// # Panics
/// Where `work` does.
pub fn map<'i, T: Sync, R: Send>(items: &'i [T], work: impl Fn(&'i T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = threads.min(items.len());
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done: Vec<(usize, R)> = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return done;
            };
            done.push((index, work(item)));
        }
    };
    let mut done = std::thread::scope(|scope| {
        // A thread that the system does not give leaves its share to the others.
        let others: Vec<_> = (1..threads)
            .filter_map(|_| {
                let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
                thread.spawn_scoped(scope, take).ok()
            })
            .collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(found) => done.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        let squares = super::map(&items, |item| item * item);
        assert!(
            squares
                .iter()
                .enumerate()
                .all(|(index, square)| *square == index * index)
        );
        assert_eq!(super::map(&[] as &[u8], |item| *item), Vec::<u8>::new());
    }
}
