//! Starting points for people: the next version of a topic, a new topic.
//!
//! Both return files to write, never overwrite, and leave a registry that loads.
mod bump;
mod new_topic;

use std::path::Path;

pub use bump::bump;
pub use new_topic::new_topic;

/// A file to write, below the registry folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// `topics/shop.purchase/v3.json`
    pub path: String,
    /// Its text.
    pub contents: String,
}

/// Why there is nothing to start from.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// No such topic.
    #[error("the registry has no topic `{topic}`{}", suggestion(.similar.as_deref()))]
    UnknownTopic {
        /// As asked for.
        topic: String,
        /// The topic that was probably meant.
        similar: Option<String>,
    },
    /// There is one already.
    #[error("the topic `{0}` exists; `topicwright bump {0}` starts its next version")]
    TopicExists(String),
    /// Not a topic name.
    #[error("`{0}` is no topic name: lower-case words joined by dots, like shop.purchase")]
    TopicName(String),
    /// The newest version cannot be read.
    #[error("{path}: {why}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        why: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

fn suggestion(similar: Option<&str>) -> String {
    similar.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// Writes new files below the registry folder.
///
/// # Errors
/// A file exists already, or cannot be written.
pub fn write(files: &[NewFile], registry: &Path) -> Result<(), ScaffoldError> {
    for file in files {
        let path = registry.join(&file.path);
        let result = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::File::create_new(&path))
            .and_then(|mut opened| {
                std::io::Write::write_all(&mut opened, file.contents.as_bytes())
            });
        result.map_err(|source| ScaffoldError::Write {
            path: path.display().to_string(),
            source,
        })?;
    }
    Ok(())
}
