//! The README's tour as data: its fenced blocks in order.
//!
//! The words after a fence say what a block is. `sh` is run, `json field` and `toml column` are what the reader
//! adds, `sh addresses` stands for what the test knows; of every other block each line must be seen somewhere.

/// A fenced block.
pub enum Block {
    /// Commands.
    Run(String),
    /// A member of the new version's `properties`.
    Field(String),
    /// A table of registry.toml.
    Column(String),
    /// Lines that commands print or files hold.
    Seen(Vec<String>),
}

/// The blocks of a chapter.
pub fn blocks(readme: &str, chapter: &str) -> Vec<Block> {
    let (_, rest) = readme.split_once(&format!("\n## {chapter}")).unwrap();
    let chapter = rest.split("\n## ").next().unwrap();
    let fenced = chapter.split("\n```").skip(1).step_by(2);
    fenced
        .filter_map(|block| {
            let (kind, text) = block.split_once('\n').unwrap();
            Some(match kind {
                "sh" => Block::Run(text.to_owned()),
                "sh addresses" => return None,
                "json field" => Block::Field(text.to_owned()),
                "toml column" => Block::Column(text.to_owned()),
                _ => Block::Seen(text.lines().map(str::to_owned).collect()),
            })
        })
        .collect()
}
