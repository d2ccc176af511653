//! Which commit a change is compared with.
use super::Repository;
use super::git::git;

/// Branches that a change is usually made from, the first that exists; in full and as people call them. A tag may
/// have a branch's name, and git would take the tag.
const DEFAULT_BRANCHES: &[(&str, &str)] = &[
    ("refs/remotes/origin/HEAD", "origin/HEAD"),
    ("refs/remotes/origin/main", "origin/main"),
    ("refs/remotes/origin/master", "origin/master"),
    ("refs/heads/main", "main"),
    ("refs/heads/master", "master"),
];

/// Where git looks for a name.
const NAMED: &[&str] = &["refs/tags/", "refs/heads/", "refs/remotes/"];

impl Repository {
    /// What git prints in the repository's root.
    pub(super) fn run<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<String, String> {
        git(&self.root, arguments)
    }

    fn resolve(&self, name: &str) -> Option<String> {
        let commit = format!("{name}^{{commit}}");
        self.run([
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &commit,
        ])
        .ok()
        .map(|id| id.trim().to_owned())
        .filter(|id| !id.is_empty())
    }

    fn shallow(&self) -> bool {
        self.run(["rev-parse", "--is-shallow-repository"])
            .is_ok_and(|answer| answer.trim() == "true")
    }

    /// The id of a commit by any name.
    pub(super) fn commit(&self, name: &str) -> Result<String, String> {
        self.unambiguous(name)?;
        self.resolve(name).ok_or_else(|| {
            let fetch = match name.strip_prefix("origin/") {
                Some(branch) => format!("git fetch origin {branch}:refs/remotes/origin/{branch}"),
                None if self.shallow() => "git fetch --unshallow".to_owned(),
                None => format!("git fetch origin {name}"),
            };
            format!("there is no commit `{name}` in this repository\n  fix: {fetch}")
        })
    }

    /// Refuses the name of a tag that is a branch's too: git would take the tag, and who names it means either.
    fn unambiguous(&self, name: &str) -> Result<(), String> {
        let refs = NAMED.iter().map(|kind| format!("{kind}{name}"));
        let refs: Vec<String> = refs.collect();
        let asked = ["for-each-ref", "--format=%(refname)"].into_iter();
        let there = self.run(asked.chain(refs.iter().map(String::as_str)))?;
        let there = there
            .lines()
            .filter(|line| refs.iter().any(|name| name == line));
        let meant: Vec<(&str, Option<String>)> =
            there.map(|line| (line, self.resolve(line))).collect();
        if meant.windows(2).all(|two| two[0].1 == two[1].1) {
            return Ok(());
        }
        let choices = meant
            .iter()
            .map(|(line, _)| format!("--against git:{line}"));
        let choices: Vec<String> = choices.collect();
        Err(format!(
            "`{name}` names more than one commit in this repository\n  fix: write which: {}",
            choices.join(" or ")
        ))
    }

    /// Where the change left the default branch, and that branch.
    pub(super) fn merge_base(&self) -> Result<(String, &'static str), String> {
        if self.resolve("HEAD").is_none() {
            return Err(
                "the repository has no commit yet, so there is nothing to compare with\n  \
                 fix: commit the registry first, or compare with a folder: --against DIR"
                    .to_owned(),
            );
        }
        let found = DEFAULT_BRANCHES
            .iter()
            .find(|(full, _)| self.resolve(full).is_some());
        let Some((full, branch)) = found else {
            return Err(format!(
                "none of the branches {} is here, so the base of this change is not known\n  \
                 fix: git fetch origin main:refs/remotes/origin/main\n  \
                 or name the base: --against git:REF",
                DEFAULT_BRANCHES
                    .iter()
                    .map(|(_, branch)| *branch)
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
        };
        match self.run(["merge-base", "HEAD", full]) {
            Ok(id) if !id.trim().is_empty() => Ok((id.trim().to_owned(), branch)),
            Ok(_) | Err(_) if self.shallow() => Err(format!(
                "this clone is shallow, and the commit where this change left {branch} is not in it\n  \
                 fix: git fetch --unshallow"
            )),
            Ok(_) | Err(_) => Err(format!(
                "HEAD and {branch} have no commit in common\n  fix: name the base: --against git:REF"
            )),
        }
    }
}
