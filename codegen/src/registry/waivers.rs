//! `waivers.toml`: findings of the gate that someone has accepted, for a reason and for a time.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dates;
use super::document::Document;
use super::shape;
use crate::finding::Finding;

/// Path below the registry folder.
pub const PATH: &str = "waivers.toml";

/// `waivers.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    /// Accepted findings.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
}

/// An accepted finding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Rule id, as the finding shows it.
    #[schemars(length(min = 1))]
    pub rule: String,
    /// Topic that the finding is about; left out where it is about none (envelope, fact table, view).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// JSON pointer of the finding, `""` for the whole file.
    pub pointer: String,
    /// File of the finding below the registry folder, `topics/order.placed/v4.json`: needed where the place is in
    /// several files, and where the waiver comes before the file. Without it, a waiver is about the change that
    /// brings it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// Why it is right to accept it.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Who accepts it.
    #[schemars(length(min = 1))]
    pub approver: String,
    /// Last day on which it counts, `YYYY-MM-DD`.
    pub expires: String,
}

impl Waiver {
    /// Whether it is about this finding.
    #[must_use]
    pub fn covers(&self, finding: &Finding) -> bool {
        self.rule == finding.rule
            && self.topic == finding.topic
            && self.pointer == finding.pointer
            && self.file.as_ref().is_none_or(|file| *file == finding.file)
    }
}

/// Reads `waivers.toml`; every violation of its schema and every date that is none becomes a finding.
#[must_use]
pub fn read(document: &Document) -> (Waivers, Vec<Finding>) {
    let (waivers, mut findings) = shape::read::<Waivers>(document);
    let waivers = waivers.unwrap_or_default();
    for (index, waiver) in waivers.waivers.iter().enumerate() {
        if dates::day_number(&waiver.expires).is_none() {
            let mut finding = document.finding(
                "invalid-setting",
                &format!("/waivers/{index}/expires"),
                format!("`{}` is no day", waiver.expires),
            );
            finding.fix = Some("write the last day on which it counts as YYYY-MM-DD".to_owned());
            findings.push(finding);
        }
        let told = [
            (
                "reason",
                &waiver.reason,
                "write why it is right to accept it",
            ),
            ("approver", &waiver.approver, "write who accepts it"),
        ];
        // Texts of no length are the shape's to refuse.
        for (name, text, fix) in told {
            if !text.is_empty() && text.trim().is_empty() {
                let pointer = format!("/waivers/{index}/{name}");
                let message = format!("`{name}` says nothing");
                let mut finding = document.finding("invalid-setting", &pointer, message);
                finding.fix = Some(fix.to_owned());
                findings.push(finding);
            }
        }
    }
    (waivers, findings)
}
