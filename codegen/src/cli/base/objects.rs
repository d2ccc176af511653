//! Contents of git objects, all from one `git cat-file`.
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::Stdio;

use super::git::{command, no_git};
use super::listing::Blob;
use crate::registry::files::Files;

/// Adds the blobs' texts by their paths.
///
/// # Errors
/// git does not run, an object is not there, or it is not UTF-8.
pub(super) fn read(root: &Path, blobs: &[Blob], files: &mut Files) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot read objects from git: {error}");
    let mut child = command(root)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(no_git)?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("cannot talk to git".to_owned());
    };
    let ids: Vec<String> = blobs.iter().map(|blob| blob.id.clone()).collect();
    // Asked from another thread, so that neither side waits for the other's full pipe.
    let asking = std::thread::spawn(move || ids.iter().try_for_each(|id| writeln!(input, "{id}")));
    let mut output = BufReader::new(output);
    for blob in blobs {
        let mut head = String::new();
        output.read_line(&mut head).map_err(failed)?;
        let size = head
            .trim_end()
            .rsplit(' ')
            .next()
            .and_then(|size| size.parse::<usize>().ok())
            .ok_or_else(|| {
                format!(
                    "git does not have the object of {} ({})\n  fix: git fetch --refetch --filter=none",
                    blob.path,
                    head.trim_end()
                )
            })?;
        let mut contents = vec![0; size + 1];
        output.read_exact(&mut contents).map_err(failed)?;
        contents.pop();
        let text = String::from_utf8(contents)
            .map_err(|_| format!("{} is not UTF-8 in the base", blob.path))?;
        files.0.insert(blob.path.clone(), text);
    }
    let _ = asking.join();
    let _ = child.wait();
    Ok(())
}
