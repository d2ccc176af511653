//! Runs git.
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// git in a folder.
pub(super) fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    // Messages are matched nowhere, but people paste them.
    command.arg("-C").arg(folder).env("LC_ALL", "C");
    // Hooks are run with these, which would make git look from somewhere else.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(variable);
    }
    command
}

/// That git does not run, and what helps.
pub(super) fn no_git(error: std::io::Error) -> String {
    format!("cannot run git: {error}\n  fix: install git, or compare with a folder: --against DIR")
}

/// What git prints in a folder.
///
/// # Errors
/// git does not run, or what it says where it fails.
pub(super) fn git<'a>(
    folder: &Path,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<String, String> {
    let output = command(folder)
        .args(arguments.into_iter().map(OsStr::new))
        .output()
        .map_err(no_git)?;
    if output.status.success() {
        // Names that are not UTF-8 are no registry's: its files are told apart by text.
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
