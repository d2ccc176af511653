//! Places between the steps that exactly-once rests on, where a test ends the process or holds it up.
//!
//! Only builds with the feature `failpoints` and debug assertions have them; in all others nothing is left of
//! them. `FAILPOINTS` in the environment says what happens where, in the language of the crate `fail`:
//! `after-plan=2*off->return` ends the process at the third time, as abruptly as kill -9 would;
//! `before-insert=10%sleep(200)` holds up every tenth insert; `plan=1*off->1*return->off` has the second plan
//! refused for good, and `plan=2*return(later)->off` the first two for now.
use crate::error::Result;

/// Reads what is to happen, for the whole life of the process: what ends the scenario would also forget it.
#[cfg(all(feature = "failpoints", debug_assertions))]
fn set_up() {
    static SETUP: std::sync::Once = std::sync::Once::new();
    SETUP.call_once(|| std::mem::forget(fail::FailScenario::setup()));
}

/// Arrives at a point.
#[cfg(all(feature = "failpoints", debug_assertions))]
pub(crate) fn reach(point: &str) {
    set_up();
    fail::fail_point!(point, |_| -> () { std::process::abort() });
}

/// Asks a point to be let through.
///
/// # Errors
/// It is not, for now or for good.
#[cfg(all(feature = "failpoints", debug_assertions))]
pub(crate) fn pass(point: &str) -> Result<()> {
    set_up();
    fail::fail_point!(point, |how| {
        let mut error = crate::error::Error::service("refused by a failpoint");
        error.retryable = how.as_deref() == Some("later");
        Err(error)
    });
    Ok(())
}

/// Arrives at a point; nothing ever happens there in this build.
#[cfg(not(all(feature = "failpoints", debug_assertions)))]
pub(crate) const fn reach(_point: &str) {}

/// Asks a point to be let through, as it always is in this build.
#[cfg(not(all(feature = "failpoints", debug_assertions)))]
#[allow(clippy::unnecessary_wraps)]
pub(crate) const fn pass(_point: &str) -> Result<()> {
    Ok(())
}
