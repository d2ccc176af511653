//! Standard output and standard error of every command. A reader that has seen enough (`| head`) is no failure and
//! ends nothing.
use std::io::{ErrorKind, Write};

use crate::error::{Error, Result};

/// Writes a result to standard output.
///
/// # Errors
/// It cannot be written, for another reason than that its reader has left.
pub(super) fn write_result(text: &str) -> Result<()> {
    write_to(&mut std::io::stdout().lock(), text)
}

fn write_to(output: &mut dyn Write, text: &str) -> Result<()> {
    let written = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::config("cannot write to standard output").why(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a line to standard error. Unlike `eprintln!` it does not panic when nobody reads it: work goes on.
pub(super) fn say(line: &str) {
    let mut text = line.to_owned();
    text.push('\n');
    say_part(&text);
}

/// As [`say`], without the line feed.
pub(super) fn say_part(text: &str) {
    // Nowhere is left to say that it failed.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_may_leave_but_a_disk_may_not_be_full() {
        assert!(write_to(&mut Failing(ErrorKind::BrokenPipe), "text").is_ok());
        let error = write_to(&mut Failing(ErrorKind::StorageFull), "text").expect_err("told");
        assert!(error.to_string().contains("standard output"), "{error}");
    }
}
