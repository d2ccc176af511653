//! A program that a test started and that never outlives it, however the test ends: by a panic, by Ctrl-C, by a kill.
//!
//! The guard is a pipe. A small shell beside the program reads it and kills the program at end of file, which comes
//! when the value is dropped or the test's process is gone. The program has the shell's process id, so signals sent
//! to the id reach the program itself.
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};

/// `$$` stays the process id after `exec`. The guard holds no output open: who reads it to its end waits for the
/// program alone.
const GUARD: &str =
    r#"exec 3<&0; (read -r _ <&3; kill -9 $$) >/dev/null 2>&1 & exec 3<&-; exec "$@" </dev/null"#;

/// A running program; dropping it kills it.
pub struct Running {
    child: Child,
    guard: ChildStdin,
}

/// A program that will be guarded; without settings of its own for input, which is empty.
#[must_use]
pub fn guarded(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", GUARD, "sh", program])
        .args(arguments)
        .stdin(Stdio::piped());
    command
}

impl Running {
    /// Starts what [`guarded`] made.
    ///
    /// # Panics
    /// It cannot be started, or is not guarded.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let guard = child.stdin.take().expect("a command of `guarded`");
        Self { child, guard }
    }

    /// Process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    ///
    /// # Panics
    /// The system does not tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        // Errors mean that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for its own end.
    ///
    /// # Panics
    /// The system does not tell.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Waits for its own end; what it said, where that is piped.
    ///
    /// # Panics
    /// Its output cannot be read.
    #[must_use]
    pub fn output(self) -> Output {
        let Self { child, guard } = self;
        let output = child.wait_with_output().unwrap();
        // Until here: the guard's end would be the program's.
        drop(guard);
        output
    }

    /// SIGTERM, as an orchestrator sends it, and then as [`Self::output`].
    ///
    /// # Panics
    /// It cannot be sent.
    #[must_use]
    pub fn terminate(self) -> Output {
        signal(self.id(), "TERM");
        self.output()
    }
}

/// Sends a signal by name; to a process that is gone, in vain.
///
/// # Panics
/// There is no `kill`.
pub fn signal(process: u32, name: &str) {
    let _ = Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::wait_until;

    /// A shell that says its id and then only waits.
    fn sleeper() -> (Running, u32) {
        use std::io::{BufRead as _, BufReader};
        let mut command = guarded("sh", &["-c", "echo $$; exec sleep 600"]);
        let mut running = Running::start(command.stdout(Stdio::piped()));
        let mut line = String::new();
        let said = running.child.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut line).unwrap();
        (running, line.trim().parse().unwrap())
    }

    fn is_alive(process: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
    }

    #[test]
    fn ids_are_the_programs_and_a_panic_kills() {
        let (running, process) = sleeper();
        assert_eq!(running.id(), process);
        assert!(is_alive(process));
        // Frozen ones too.
        signal(process, "STOP");
        let panicked = std::thread::spawn(move || {
            let _running = running;
            panic!("as a failed test does");
        });
        assert!(panicked.join().is_err());
        wait_until("the program is gone", || !is_alive(process));
    }

    #[test]
    fn a_program_is_asked_to_end_and_its_output_read() {
        let mut command = guarded(
            "sh",
            &[
                "-c",
                "trap 'echo asked; exit 7' TERM; echo up; while :; do sleep 0.05; done",
            ],
        );
        let mut running = Running::start(command.stdout(Stdio::piped()));
        let mut up = [0; 3];
        let mut said = running.child.stdout.take().unwrap();
        std::io::Read::read_exact(&mut said, &mut up).unwrap();
        running.child.stdout = Some(said);
        let output = running.terminate();
        assert_eq!(
            (output.status.code(), &output.stdout[..]),
            (Some(7), &b"asked\n"[..])
        );
    }
}
