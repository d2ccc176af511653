//! Places between the steps that exactly-once rests on, where a test ends the process or holds it up.
//!
//! Only builds with the feature `failpoints` and debug assertions have them; in all others nothing is left of
//! them. `FAILPOINTS` in the environment says what happens where, in the language of the crate `fail`:
//! `after-plan=2*off->return` ends the process at the third time, as abruptly as kill -9 would;
//! `before-insert=10%sleep(200)` holds up every tenth insert.

/// Arrives at a point.
#[cfg(all(feature = "failpoints", debug_assertions))]
pub(crate) fn reach(point: &str) {
    static SETUP: std::sync::Once = std::sync::Once::new();
    // For the whole life of the process: what ends the scenario would also forget it.
    SETUP.call_once(|| std::mem::forget(fail::FailScenario::setup()));
    fail::fail_point!(point, |_| -> () { std::process::abort() });
}

/// Arrives at a point; nothing ever happens there in this build.
#[cfg(not(all(feature = "failpoints", debug_assertions)))]
pub(crate) const fn reach(_point: &str) {}
