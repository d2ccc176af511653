//! The command line: arguments, files and exit codes. What commands do is the library's.
pub mod generate;
pub mod outcome;
pub mod schema;
