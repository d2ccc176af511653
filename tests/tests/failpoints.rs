//! A worker ends at every step between plan, insert, acknowledgement and commit, and the next one goes on: every
//! good event is there exactly once, every bad one is a dead letter, every answer is as counted by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use topicwright_tests::faults::scene::{End, Scene};
use topicwright_tests::faults::stream::{FORBIDDEN_PRODUCT, Stream, yesterday};
use topicwright_tests::faults::verdict;
use topicwright_tests::program::lags;

/// Records before each end: a few batches.
const RECORDS: usize = 1500;

fn scene() -> Scene {
    Scene::start(
        env!("CARGO_BIN_EXE_pipeline-under-test"),
        env!("CARGO_BIN_EXE_engine-host"),
    )
}

/// Fewer, where each refused one is an insert or more of its own.
const FEW: usize = 600;

/// Records of a full batch: the scene's `MAX_BATCH_ROWS`.
const FULL: u64 = 400;

/// Failpoints of one worker after another; each makes good what the one before left, and ends at its own while
/// more records come. The last worker has none, and finishes.
fn check(scene: &mut Scene, stream: &mut Stream, records: usize, points: &[&str]) {
    scene.send(stream, records);
    for point in points {
        scene.add_worker(point);
        scene.await_failpoint(point);
        scene.send(stream, records / 4);
    }
    make_good(scene, stream, &points.join(", then "));
}

/// A worker without failpoints finishes what others left.
fn make_good(scene: &mut Scene, stream: &Stream, what: &str) {
    scene.add_worker("");
    scene.settle();
    scene.stop_workers();
    verdict::check(scene, stream, what);
}

#[test]
fn an_end_at_any_step_is_made_good() {
    let mut scene = scene();
    let mut stream = Stream::new(11, yesterday());
    for points in [
        // Each step once, with what the step before left to make good.
        &[
            "before-plan=1*off->return",
            "after-plan=return",
            "after-letters=1*off->return",
            "before-insert=1*off->return",
            "after-insert=return",
            "before-settle=1*off->return",
            "after-settle=1*off->return",
        ][..],
        &["before-commit=return"],
        &["after-commit=return", "after-assignment=return"],
        // Later batches.
        &["after-plan=2*off->return", "after-insert=2*off->return"],
        // While the end before is made good.
        &[
            "after-plan=return",
            "after-replay-read=return",
            "before-insert=return",
            "after-insert=return",
            "before-settle=return",
            "after-settle=return",
            "before-commit=return",
        ],
    ] {
        check(&mut scene, &mut stream, RECORDS, points);
    }
    assert!(scene.logged("replayed a planned batch") > 10);
    assert_eq!(scene.logged("changed in Kafka"), 0);
    // One insert carries records of many topics and partitions. Nothing is merged here: a part is of one insert.
    let widest = scene.ask(
        "SELECT max(topics) > 3, max(partitions) > 6 FROM (SELECT uniq(kafka_topic) AS topics, \
         uniq(kafka_topic, kafka_partition) AS partitions FROM events_raw GROUP BY _part)",
    );
    assert_eq!(widest, "1\t1");
}

/// The batch behind a sealed one leaves out the events that the sealed one has.
#[test]
fn batches_whose_plan_is_refused_come_again_with_those_behind_them() {
    let mut scene = scene();
    let mut stream = Stream::new(15, yesterday());
    scene.send(&mut stream, RECORDS);
    scene.add_worker("plan=1*return->1*off->2*return(later)->1*return->off");
    scene.send(&mut stream, RECORDS);
    scene.settle();
    scene.stop_workers();
    verdict::check(&scene, &stream, "plans refused");
    assert_eq!(scene.logged("a batch is given up"), 2);
    assert_eq!(scene.logged("a plan is committed again"), 2);
}

/// The broker takes a plan and its answer is lost, until the worker is asked to leave: it must not take the plan away
/// from some of its partitions.
#[test]
fn a_plan_whose_answer_was_lost_stands_beside_all_of_its_partitions() {
    let mut scene = scene();
    let mut stream = Stream::new(16, yesterday());
    scene.send(&mut stream, RECORDS);
    scene.add_worker("plan-answer=2*off->return(later)");
    scene.wait_until("an answer is lost", |scene| {
        scene.logged("a plan is committed again") > 2
    });
    scene.stop_workers();
    make_good(&mut scene, &stream, "answers lost");
    assert_eq!(scene.logged("replayed a planned batch"), 1);
}

#[test]
fn an_insert_that_ends_in_a_panic_ends_its_worker() {
    let mut scene = scene();
    let mut stream = Stream::new(17, yesterday());
    scene.send(&mut stream, RECORDS);
    let point = "before-insert=1*off->panic";
    scene.add_worker(point);
    scene.watch("the worker ends", |scene| match scene.ended().pop() {
        Some(End::Error(_, log)) => {
            assert!(log.contains("an insert has ended"), "{log}");
            true
        }
        Some(End::AtStart) => {
            scene.add_worker(point);
            false
        }
        Some(end) => panic!("{end:?}"),
        None => false,
    });
    make_good(&mut scene, &stream, "a panic");
}

#[test]
fn partitions_of_a_plan_that_several_workers_get_are_made_good_once() {
    let mut scene = scene();
    let mut stream = Stream::new(14, yesterday());
    for point in [
        "after-plan=return",
        "after-insert=return",
        "before-settle=return",
    ] {
        scene.send(&mut stream, FEW);
        scene.add_worker(point);
        scene.await_failpoint(point);
        // Each gets a part of the plan's partitions, and reads the others' records along.
        for _ in 0..3 {
            scene.add_worker("");
        }
        scene.settle();
        scene.stop_workers();
        verdict::check(&scene, &stream, point);
    }
    assert!(scene.logged("replayed a planned batch") >= 3);
}

#[test]
fn an_end_on_the_way_out_is_made_good() {
    let mut scene = scene();
    let mut stream = Stream::new(12, yesterday());
    for point in ["before-revocation-commit", "after-revocation-commit"] {
        scene.send(&mut stream, RECORDS);
        // Every batch is full but the last, which stays open for an hour, and what is durable is committed with the
        // next plan. So there is something to commit when the worker has to let go. Where a batch was
        // acknowledged before the next one had a record, its positions were committed on their own; then more come.
        let port = scene
            .add_worker_with(
                &format!("{point}=return"),
                &["--flush-interval-ms", "3600000"],
            )
            .port;
        scene.wait_until("something is durable and not committed", |scene| {
            let lag: u64 = lags(port).iter().sum();
            let Some(uncommitted) = scene.uncommitted() else {
                return false;
            };
            if (1..FULL).contains(&lag) && uncommitted == lag {
                scene.send(&mut stream, usize::try_from(FULL).unwrap());
            }
            (1..FULL).contains(&lag) && uncommitted > lag
        });
        let first = scene.workers[0].process.id();
        // Another joins, and the first lets go.
        scene.add_worker("");
        scene.watch(point, |scene| match scene.ended().pop() {
            Some(End::Failpoint) => true,
            Some(end) => panic!("{point}: {end:?}"),
            None => false,
        });
        assert!(
            scene
                .workers
                .iter()
                .all(|worker| worker.process.id() != first)
        );
        scene.settle();
        scene.stop_workers();
        verdict::check(&scene, &stream, point);
    }
}

#[test]
fn a_refused_row_stops_nobody_and_halves_survive_an_end() {
    let mut scene = scene();
    let mut stream = Stream::new(13, yesterday());
    let _ = scene.ask(&format!(
        "ALTER TABLE events_raw ADD CONSTRAINT unlucky CHECK product_id != {FORBIDDEN_PRODUCT}"
    ));
    stream.forbid();
    for points in [
        &[][..],
        &["after-half=return"],
        &[
            "after-half=5*off->return",
            "after-half=3*off->return",
            "after-half=9*off->return",
        ],
        &["after-insert=return", "after-letters=return"],
    ] {
        check(&mut scene, &mut stream, FEW, points);
    }
    assert!(scene.logged("a block is halved") > 10);
}
