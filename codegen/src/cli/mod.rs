//! The command line: arguments, files and exit codes. What commands do is the library's.
pub mod base;
pub mod bump;
pub mod check;
pub mod compat;
pub mod diff;
pub mod explain;
pub mod generate;
pub mod new;
pub mod outcome;
pub mod registry_folder;
pub mod rules;
pub mod schema;
