//! Loads a registry folder: text with positions, every problem reported at once.
pub mod manifest;
