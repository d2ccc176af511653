//! A topic's version, named the same way by every command: `shop.purchase@2`.
use crate::registry::shape::nearest;
use crate::registry::{Registry, Topic, TopicVersion};

/// `shop.purchase@2`; without a number the newest version is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionName {
    /// The topic.
    pub topic: String,
    /// The version's number, where one is named.
    pub number: Option<u32>,
}

impl std::str::FromStr for VersionName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((topic, number)) = text.rsplit_once('@') else {
            return Ok(Self {
                topic: text.to_owned(),
                number: None,
            });
        };
        let number = number.strip_prefix('v').unwrap_or(number);
        let number = number
            .parse()
            .map_err(|_| format!("`{number}` is no version; write TOPIC@N, as in {topic}@2"))?;
        Ok(Self {
            topic: topic.to_owned(),
            number: Some(number),
        })
    }
}

impl VersionName {
    /// The version of that name.
    ///
    /// # Errors
    /// There is none, with the names that there are.
    pub fn find<'r>(
        &self,
        registry: &'r Registry,
    ) -> Result<(&'r Topic, &'r TopicVersion), String> {
        let Some(topic) = registry.topic(&self.topic) else {
            let topics = registry.topics.iter();
            let known: Vec<String> = topics.map(|topic| topic.name.clone()).collect();
            let fix = nearest(&self.topic, &known).map_or_else(
                || format!("name one of: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(format!("there is no topic `{}`\n  fix: {fix}", self.topic));
        };
        let found = match self.number {
            Some(number) => topic
                .versions
                .iter()
                .find(|version| version.number == number),
            None => topic.versions.last(),
        };
        found.map(|version| (topic, version)).ok_or_else(|| {
            let versions = topic.versions.iter();
            let known: Vec<String> = versions
                .map(|version| format!("{}@{}", topic.name, version.number))
                .collect();
            format!(
                "{} has no version {}\n  fix: name one of: {}",
                topic.name,
                self.number.unwrap_or_default(),
                known.join(", ")
            )
        })
    }
}
