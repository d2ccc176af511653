//! Where a registry is in its repository, and that commits of it can be asked.
use std::path::{Path, PathBuf};

use super::git::git;
use super::listing::submodule_below;

/// The repository's root, and the folder as seen from there, `/` at its end.
///
/// # Errors
/// There is no repository around it.
pub(super) fn of(registry: &Path) -> Result<(PathBuf, String), String> {
    let help = "compare with a folder instead: --against DIR";
    let root = git(registry, ["rev-parse", "--show-toplevel"])
        .map_err(|error| format!("{error}\n  fix: run inside of the repository, or {help}"))?;
    let prefix = git(registry, ["rev-parse", "--show-prefix"])?;
    Ok((
        PathBuf::from(root.trim_end_matches('\n')),
        prefix.trim_end_matches('\n').to_owned(),
    ))
}

/// Refuses symbolic links on the way to the registry: git would look at the folder behind them, where the base has
/// none. One that no repository holds, as in the path to the repository itself, hides nothing.
///
/// # Errors
/// Which folder is a link.
pub(super) fn without_links(registry: &Path) -> Result<(), String> {
    let here = std::env::current_dir()
        .map_err(|error| format!("cannot tell the current folder: {error}"))?;
    // A path that ends in `/` or `/.` would be followed.
    let path: PathBuf = here.join(registry).components().collect();
    for folder in path.ancestors() {
        let is_link = std::fs::symlink_metadata(folder).is_ok_and(|found| found.is_symlink());
        let holds = |parent| git(parent, ["rev-parse", "--show-toplevel"]).is_ok();
        if is_link && folder.parent().is_some_and(holds) {
            return Err(format!(
                "{} is a symbolic link\n  fix: name the folder itself with --registry DIR",
                folder.strip_prefix(&here).unwrap_or(folder).display()
            ));
        }
    }
    Ok(())
}

/// Refuses submodules around the registry and inside of it: what they held at the base is in another repository.
///
/// # Errors
/// Which folder is a submodule.
pub(super) fn without_submodules(registry: &Path) -> Result<(), String> {
    let fix = "fix: keep the registry's files in the repository itself; or compare with a folder: --against DIR";
    let outer = git(registry, ["rev-parse", "--show-superproject-working-tree"])?;
    let outer = outer.trim_end_matches('\n');
    if !outer.is_empty() {
        return Err(format!(
            "{} is in a submodule of {outer}, whose commits do not hold the registry's files\n  {fix}",
            registry.display()
        ));
    }
    match submodule_below(registry)? {
        Some(path) => Err(format!(
            "{} is a submodule, so no commit of the repository holds its files\n  {fix}",
            registry.join(path).display()
        )),
        None => Ok(()),
    }
}
