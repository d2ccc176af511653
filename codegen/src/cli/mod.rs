//! The command line: arguments, files and exit codes. What commands do is the library's.
pub mod base;
pub mod bump;
pub mod check;
pub mod compat;
pub mod completions;
pub mod diff;
pub mod explain;
pub mod generate;
pub mod man;
pub mod new;
pub mod outcome;
pub mod registry_folder;
pub mod rules;
pub mod sample;
pub mod schema;
pub mod validate;
pub mod version_name;
