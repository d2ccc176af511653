//! One judgement everywhere: registries, changes and messages are drawn at random, and what the gate calls safe the
//! compiled worker of before takes, what `validate` takes `produce` takes, and what `produce` takes the worker
//! stores.
//!
//! `TOPICWRIGHT_REGISTRIES_SECONDS` says how long new registries are drawn, `TOPICWRIGHT_REGISTRIES_SEED` with which
//! seed the first is; one registry where it says nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#[path = "random_registries/change.rs"]
mod change;
#[path = "random_registries/messages.rs"]
mod messages;
#[path = "random_registries/payload.rs"]
mod payload;
#[path = "random_registries/pipeline.rs"]
mod pipeline;
#[path = "random_registries/registry.rs"]
mod registry;
#[path = "random_registries/round.rs"]
mod round;
#[path = "random_registries/rows.rs"]
mod rows;
mod workspace;

use std::time::{Duration, Instant};

use round::Round;
use workspace::Workspace;

/// Topics of a drawn registry.
const TOPICS: usize = 60;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn what_is_called_safe_is_stored() {
    let length = Duration::from_secs(setting("TOPICWRIGHT_REGISTRIES_SECONDS", 0));
    let first = setting("TOPICWRIGHT_REGISTRIES_SEED", 1);
    let workspace = Workspace::fresh();
    let started = Instant::now();
    let mut problems = Vec::new();
    for seed in first.. {
        let round = Round::of(&workspace, seed, TOPICS);
        println!("{}", round.said());
        problems.extend(round.problems);
        if started.elapsed() >= length {
            break;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}
