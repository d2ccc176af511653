//! A copy of this workspace, in which a test may do what a user does: replace the registry, edit it, generate,
//! compile, run.
//!
//! The copy keeps its place and cargo's target folder is shared, so that only what differs is compiled. There is
//! one copy; tests take turns.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

static TURN: Mutex<()> = Mutex::new(());

/// Texts by path below a folder.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The copy.
pub struct Workspace {
    root: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

fn original() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_path_buf()
}

fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Standard output of a program that succeeds.
pub fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// What became of a program.
pub fn run(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn write(path: &Path, contents: &[u8]) {
    // What is the same keeps its time, and cargo does not compile it again.
    if std::fs::read(path).is_ok_and(|there| there == contents) {
        return;
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, contents).unwrap();
}

fn read_below(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.ends_with(".git") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// What a commit of everything would hold.
fn sources() -> Files {
    let list = ["ls-files", "-z", "--cached", "--others"];
    let names = succeed(
        Command::new("git")
            .args(list)
            .arg("--exclude-standard")
            .current_dir(original()),
    );
    names
        .split_terminator('\0')
        // A file that is deleted and not yet committed is still listed.
        .filter_map(|name| Some((name.to_owned(), std::fs::read(original().join(name)).ok()?)))
        .collect()
}

impl Workspace {
    /// The copy, as the workspace is.
    pub fn fresh() -> Self {
        // A test that failed leaves nothing that the next would see.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let root = scratch().join("workspace");
        let sources = sources();
        // A test's commit is no other test's.
        let _ = std::fs::remove_dir_all(root.join(".git"));
        for name in read_below(&root).keys() {
            if !sources.contains_key(name) {
                std::fs::remove_file(root.join(name)).unwrap();
            }
        }
        for (name, contents) in &sources {
            write(&root.join(name), contents);
        }
        let copy = Self { root, _turn: turn };
        // Cargo tells packages apart by version and by path below their workspace, not by where the workspace is.
        // Without a version of its own the copy would leave what it compiles to the workspace as up to date.
        let manifest = copy.read("Cargo.toml");
        let (ours, theirs) = ("version = \"0.1.0\"", "version = \"0.0.0-copy\"");
        assert!(manifest.contains(ours), "{ours}");
        copy.write("Cargo.toml", &manifest.replace(ours, theirs));
        copy
    }

    /// Makes it a repository with one commit, as a clone is.
    #[allow(dead_code)] // by tests
    pub fn commit(&self) {
        let nobody = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        for arguments in [
            ["init", "-q", "-b", "main"].as_slice(),
            &["add", "--all"],
            &["commit", "-q", "-m", "a clone"],
        ] {
            succeed(self.command("git").args(nobody).args(arguments));
        }
    }

    /// Every file of it.
    #[allow(dead_code)] // by tests
    pub fn files(&self) -> Files {
        read_below(&self.root)
    }

    /// A file's text.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes a file.
    pub fn write(&self, path: &str, contents: &str) {
        write(&self.root.join(path), contents.as_bytes());
    }

    /// Removes a file.
    #[allow(dead_code)] // by benchmarks
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.root.join(path)).unwrap();
    }

    /// Puts another registry in the place of the first.
    #[allow(dead_code)] // by tests
    pub fn replace_registry(&self, with: &str) {
        let registry = self.root.join("schema_registry");
        std::fs::remove_dir_all(&registry).unwrap();
        for (name, contents) in read_below(&self.root.join(with)) {
            write(&registry.join(name), &contents);
        }
    }

    /// Puts a registry that is nowhere on disk in the place of the first.
    #[allow(dead_code)] // by tests
    pub fn put_registry(&self, texts: &BTreeMap<String, String>) {
        let registry = self.root.join("schema_registry");
        for name in read_below(&registry).keys() {
            if !texts.contains_key(name) {
                std::fs::remove_file(registry.join(name)).unwrap();
            }
        }
        for (name, text) in texts {
            write(&registry.join(name), text.as_bytes());
        }
    }

    /// A program in the copy.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("CARGO_TARGET_DIR", scratch().parent().unwrap())
            .current_dir(&self.root);
        command
    }

    /// `cargo` in the copy.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO"));
        command.args(arguments);
        command
    }

    /// The pipeline's program as it is now, kept from what is compiled later.
    #[allow(dead_code)] // by tests
    pub fn pipeline(&self, name: &str) -> PathBuf {
        self.built(name, "debug", &[])
    }

    /// As [`Self::pipeline`], as it runs in production.
    #[allow(dead_code)] // by benchmarks
    pub fn released_pipeline(&self, name: &str) -> PathBuf {
        self.built(name, "dist", &["--profile", "dist"])
    }

    /// What [`Self::released_pipeline`] compiled the last time.
    #[allow(dead_code)] // by tests
    pub fn released_before(name: &str) -> PathBuf {
        let kept = kept(name, "dist");
        assert!(
            kept.exists(),
            "nothing was compiled before: {}",
            kept.display()
        );
        kept
    }

    fn built(&self, name: &str, profile: &str, flags: &[&str]) -> PathBuf {
        // The library targets are what tests depend on; the tests themselves speak of one registry.
        let mut build = self.cargo(&["build", "--quiet", "--lib", "--bin", "pipeline"]);
        build.args(flags);
        let built = run(&mut build);
        let said = String::from_utf8(built.stderr).unwrap();
        assert!(built.status.success(), "{said}");
        assert!(!said.contains("warning"), "{said}");
        let kept = kept(name, profile);
        // Another file: the program may still run from the last time.
        let _ = std::fs::remove_file(&kept);
        std::fs::copy(
            scratch().parent().unwrap().join(profile).join("pipeline"),
            &kept,
        )
        .unwrap();
        kept
    }
}

/// Where a compiled program is kept.
fn kept(name: &str, profile: &str) -> PathBuf {
    scratch().join(format!("pipeline-{profile}-{name}"))
}
