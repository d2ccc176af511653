//! Hosts ClickHouse's shared library in a process of its own: this executable, started again.
//!
//! The library takes over the process it runs in (signal handlers, threads, memory), so it never runs in the
//! process that has other work. This is the only module of the workspace with unsafe code.
#![allow(unsafe_code)]
use std::ffi::{CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt as _;
use std::process::ExitCode;

use libloading::Library;

/// Set to the library's path in a process that is to host it; its arguments are the engine's.
pub(super) const HOST_VARIABLE: &str = "TOPICWRIGHT_HOST_LIBRARY";

/// The library's entry point with clickhouse-local's command line, its own name first.
type CommandLine = unsafe extern "C" fn(argc: c_int, argv: *mut *mut c_char) -> c_int;

/// Runs the engine if this process was started for that. Call it first in `main` of every executable that
/// starts a ClickHouse, and end with its result.
#[must_use]
pub fn host_if_asked() -> Option<ExitCode> {
    let library = std::env::var_os(HOST_VARIABLE)?;
    Some(match host(&library) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", library.display());
            ExitCode::FAILURE
        }
    })
}

fn host(library: &OsStr) -> Result<c_int, Box<dyn std::error::Error>> {
    let mut arguments = vec![CString::new("clickhouse")?];
    for argument in std::env::args_os().skip(1) {
        arguments.push(CString::new(argument.as_bytes())?);
    }
    let mut pointers: Vec<*mut c_char> = arguments
        .iter()
        .map(|argument| argument.as_ptr().cast_mut())
        .chain([std::ptr::null_mut()])
        .collect();
    let count = c_int::try_from(arguments.len())?;
    // SAFETY: loading runs the library's initialisers. The file is the verified download or the operator's own
    // choice, and this process exists for nothing else.
    let library = unsafe { Library::new(library)? };
    // SAFETY: the symbol has this signature since 26.7 (chdb.h of the verified version).
    let run = unsafe { library.get::<CommandLine>(b"chdb_query_cmdline\0")? };
    // SAFETY: `pointers` holds `count` NUL-terminated strings and a null; both outlive the call.
    let code = unsafe { run(count, pointers.as_mut_ptr()) };
    Ok(code)
}
