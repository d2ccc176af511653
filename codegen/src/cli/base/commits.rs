//! Which commit a change is compared with.
use super::Repository;
use super::git::git;

/// Branches that a change is usually made from, the first that exists.
const DEFAULT_BRANCHES: &[&str] = &[
    "origin/HEAD",
    "origin/main",
    "origin/master",
    "main",
    "master",
];

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
        self.resolve(name).ok_or_else(|| {
            let fetch = match name.strip_prefix("origin/") {
                Some(branch) => format!("git fetch origin {branch}:refs/remotes/origin/{branch}"),
                None if self.shallow() => "git fetch --unshallow".to_owned(),
                None => format!("git fetch origin {name}"),
            };
            format!("there is no commit `{name}` in this repository\n  fix: {fetch}")
        })
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
            .find(|branch| self.resolve(branch).is_some());
        let Some(branch) = found else {
            return Err(format!(
                "none of the branches {} is here, so the base of this change is not known\n  \
                 fix: git fetch origin main:refs/remotes/origin/main\n  \
                 or name the base: --against git:REF",
                DEFAULT_BRANCHES.join(", ")
            ));
        };
        match self.run(["merge-base", "HEAD", branch]) {
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
