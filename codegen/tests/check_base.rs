//! What `topicwright check` compares with where the registry is not where it was: nothing passes because it is
//! compared with nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod edited;
mod git_repository;

use git_repository::{Repository, run};

/// With the record key of a topic changed, which a comparison with the base finds.
fn change_key(repository: &Repository, folder: &str) {
    repository.replace(
        &format!("{folder}/topics/order.returned/topic.toml"),
        "key = \"/customer\"",
        "key = \"/data/order_id\"",
    );
}

#[test]
fn a_decoy_in_the_old_place_is_no_first_registry() {
    let repository = Repository::with_registry("schema_registry");
    repository.write_registry("regs");
    change_key(&repository, "regs");
    repository.commit("another place, the old one left");
    let check = |more: &[&str]| repository.check(&[&["--registry", "regs"], more].concat());
    check(&[]).fails(&[
        "no registry in regs/, but has one in schema_registry/",
        "--against git:REF:schema_registry",
        "--against none",
    ]);
    // Either answer is taken.
    check(&["--against", "git:main:schema_registry"])
        .finds(&["record-key-changed", "schema_registry/"]);
    check(&["--against", "git:main:./schema_registry/"]).finds(&["record-key-changed"]);
    let new = check(&["--against", "none"]);
    new.is_clean();
    assert!(new.text.contains("everything is new"), "{}", new.text);
    check(&["--against", "git:main:elsewhere"])
        .fails(&["no registry in elsewhere/", "git:REF:DIR"]);
    // A difference would be told of nothing as well.
    let diff = run(&repository.root, &["diff", "--registry", "regs"]);
    diff.fails(&["--against none"]);
}

#[test]
fn one_of_several_that_is_gone_is_not_guessed() {
    let repository = Repository::new();
    repository.write_registry("one");
    repository.write_registry("tests/two");
    repository.commit("two registries");
    repository.git(&["checkout", "-q", "-b", "change"]);
    repository.git(&["mv", "one", "regs"]);
    repository.commit("moved");
    repository
        .check(&["--registry", "regs"])
        .fails(&["one/, tests/two/"]);
}

#[test]
fn a_hidden_folder_is_a_place_too() {
    let repository = Repository::with_registry(".schemas");
    repository.git(&["mv", ".schemas", "schemas"]);
    change_key(&repository, "schemas");
    repository.commit("moved");
    repository
        .check(&["--registry", "schemas"])
        .finds(&["record-key-changed", "was called .schemas/"]);
}

/// A folder that had other files at the base had no registry.
#[test]
fn other_files_are_no_registry() {
    let repository = Repository::new();
    std::fs::create_dir(repository.root.join("schema_registry")).unwrap();
    std::fs::write(repository.root.join("schema_registry/a.json"), "{}").unwrap();
    repository.commit("a file");
    repository.git(&["checkout", "-q", "-b", "change"]);
    repository.write_registry("schema_registry");
    let checked = repository.check(&[]);
    checked.is_clean();
    assert!(checked.text.contains("everything is new"));
}

/// A repository with the web shop's registry at its root.
fn schemas() -> Repository {
    let other = Repository::new();
    other.write_registry(".");
    other.commit("registry");
    other
}

#[test]
fn a_submodule_in_its_place_is_no_registry_of_the_repository() {
    let other = schemas();
    let repository = Repository::with_registry("schema_registry");
    repository.git(&["rm", "-rq", "schema_registry"]);
    let url = format!("file://{}", other.root.display());
    repository.git(&["submodule", "add", "-q", &url, "schema_registry"]);
    repository.commit("a submodule");
    for against in [&[][..], &["--against", "git:main"]] {
        repository
            .check(against)
            .fails(&["schema_registry is in a submodule of", "--against DIR"]);
    }
    // The way back.
    repository.git(&["checkout", "-q", "-B", "main"]);
    repository.git(&["checkout", "-q", "-b", "back"]);
    repository.git(&["rm", "-q", "schema_registry"]);
    repository.write_registry("schema_registry");
    repository.commit("files again");
    repository
        .check(&[])
        .fails(&["schema_registry is a submodule", "check out its commit"]);
    let folder = other.root.to_str().unwrap();
    repository.check(&["--against", folder]).is_clean();
}

#[test]
fn a_submodule_inside_of_it_is_refused() {
    let other = Repository::new();
    other.commit("empty");
    let repository = Repository::with_registry("schema_registry");
    let url = format!("file://{}", other.root.display());
    repository.git(&["submodule", "add", "-q", &url, "schema_registry/more"]);
    let check = || repository.check(&["--against", "git:main"]);
    check().fails(&["schema_registry/more is a submodule"]);
    repository.commit("a submodule");
    repository.git(&["checkout", "-q", "-B", "main"]);
    repository.git(&["rm", "-q", "schema_registry/more"]);
    check().fails(&[
        "schema_registry/more is a submodule",
        "check out its commit",
    ]);
}

#[cfg(unix)]
#[test]
fn a_link_on_the_way_hides_nothing() {
    use std::os::unix::fs::symlink;
    let repository = Repository::with_registry("data/schema_registry");
    std::fs::rename(repository.root.join("data"), repository.root.join("real")).unwrap();
    symlink("real", repository.root.join("data")).unwrap();
    change_key(&repository, "real/schema_registry");
    repository.commit("a link");
    let said = ["data is a symbolic link", "--registry DIR"];
    for path in [
        "data/schema_registry",
        "data/schema_registry/",
        "./data/../data/schema_registry/.",
    ] {
        repository.check(&["--registry", path]).fails(&said);
    }
    let path = repository.root.join("data/schema_registry");
    repository
        .check(&["--registry", path.to_str().unwrap()])
        .fails(&said);
    // The folder itself, whose old place has gone but for the link.
    let checked = repository.check(&["--registry", "real/schema_registry"]);
    assert_ne!(checked.code, 0, "{}", checked.text);
    // To another repository, whose base has all of it.
    let other = schemas();
    std::fs::remove_file(repository.root.join("data")).unwrap();
    symlink(&other.root, repository.root.join("data")).unwrap();
    for path in ["data", "data/"] {
        repository.check(&["--registry", path]).fails(&said);
    }
}

/// Homes and temporary folders are behind links on many machines.
#[cfg(unix)]
#[test]
fn a_link_to_the_repository_is_none_on_the_way() {
    let repository = Repository::with_registry("schema_registry");
    change_key(&repository, "schema_registry");
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&repository.root, folder.path().join("link")).unwrap();
    git_repository::check(folder.path(), &["--registry", "link/schema_registry"])
        .finds(&["record-key-changed"]);
}

/// On the default branch itself, what is committed is compared with itself.
#[test]
fn on_its_own_branch_only_what_is_not_committed_is_compared() {
    let repository = Repository::with_registry("schema_registry");
    repository.git(&["checkout", "-q", "main"]);
    change_key(&repository, "schema_registry");
    let id = repository.git(&["rev-parse", "HEAD"]);
    repository.check(&[]).finds(&[
        "record-key-changed",
        &format!(
            "compared with HEAD ({}), so only what is not committed",
            &id[..10]
        ),
    ]);
    repository.commit("the key");
    let checked = repository.check(&[]);
    checked.is_clean();
    assert!(
        checked.text.contains("so only what is not committed"),
        "{}",
        checked.text
    );
}

#[test]
fn a_name_of_two_commits_is_not_guessed() {
    let repository = Repository::with_registry("schema_registry");
    let id = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "main"]);
    // Both are the same commit.
    repository
        .check(&["--against", "git:refs/heads/main"])
        .is_clean();
    repository.check(&["--against", "git:main"]).is_clean();
    change_key(&repository, "schema_registry");
    repository.commit("the key");
    repository.git(&["tag", "-f", "-a", "-m", "a tag", "main"]);
    repository.check(&["--against", "git:main"]).fails(&[
        "`main` names more than one commit",
        "--against git:refs/heads/main or --against git:refs/tags/main",
    ]);
    repository
        .check(&["--against", "git:refs/heads/main"])
        .finds(&["record-key-changed"]);
    repository
        .check(&["--against", "git:refs/tags/main"])
        .is_clean();
    // The default branch is a branch, whatever tags there are.
    repository.check(&[]).finds(&[
        "record-key-changed",
        &format!("the merge base with main ({})", &id[..10]),
    ]);
}
