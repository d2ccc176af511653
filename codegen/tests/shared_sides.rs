//! Two registries that share what is the same in both are judged as if each had been loaded by itself.
//!
//! Random edits of the web shop: texts, files, whole topics, shared definitions, the envelope, the lock. Every
//! outcome is compared in full, every problem of a registry that does not load too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::sync::Arc;

use topicwright::gate::day::Day;
use topicwright::gate::side::Side;
use topicwright::gate::{self, Outcome};
use topicwright::registry::files::Files;

mod edited;

fn today() -> Day {
    Day::read("2026-11-24").unwrap()
}

/// What the gate says, in full; or what does not load.
fn outcome(old: Result<Side, Vec<topicwright::finding::Finding>>, new: &Side) -> String {
    match old {
        Ok(old) => {
            let outcome: Outcome = gate::check(Some(&old), new, today());
            format!("{outcome:#?}")
        }
        Err(findings) => format!("{findings:#?}"),
    }
}

/// Topics that both have in common by sharing, and whether both ways say the same.
fn compare(old: &Files, new: &Files, what: &str) -> usize {
    let Ok(side) = Side::load(new) else {
        return 0;
    };
    let shared = side.load_other(old);
    let count = shared.as_ref().map_or(0, |shared| {
        let topics = shared.registry.topics.iter();
        let both = topics.filter(|topic| {
            let twin = side.registry.shared_topic(&topic.name);
            twin.is_some_and(|twin| Arc::ptr_eq(twin, topic))
        });
        both.count()
    });
    let apart = outcome(Side::load(old), &Side::load(new).unwrap());
    let together = outcome(shared, &side);
    assert!(
        apart == together,
        "{what}\napart:\n{apart}\ntogether:\n{together}"
    );
    count
}

#[test]
fn random_edits_are_judged_alike() {
    let mut random = fastrand::Rng::with_seed(24);
    let start = edited::webshop();
    let topics = Side::load(&start).unwrap().registry.topics.len();
    let (mut loaded, mut partly) = (0, 0);
    for case in 0..150 {
        let mut new = start.clone();
        let edits = 1 + random.usize(0..3);
        let done: Vec<String> = (0..edits).map(|_| edit(&mut random, &mut new)).collect();
        for (old, new) in [(&start, &new), (&new, &start)] {
            let shared = compare(old, new, &format!("case {case}: {}", done.join("; ")));
            loaded += usize::from(shared > 0);
            partly += usize::from(shared > 0 && shared < topics);
        }
    }
    // Not much would be compared if nothing loaded, or everything was shared.
    assert!(
        loaded > 100 && partly > 60,
        "{loaded} loaded, {partly} partly shared"
    );
}

#[test]
fn what_nobody_edited_is_shared() {
    let files = edited::webshop();
    let new = Side::load(&files).unwrap();
    assert_eq!(
        compare(&files, &files, "nothing"),
        new.registry.topics.len()
    );
    // A shared definition reaches the topics that refer to it, and no other.
    let mut referring = files.clone();
    let text = referring.0.get_mut("topics/cart.updated/v1.json").unwrap();
    let property = r#""properties": {"extra": {"$ref": "../../common/only.json#/$defs/extra"},"#;
    *text = text.replacen(r#""properties": {"#, property, 1);
    let only = r#"{"$defs": {"extra": {"description": "More.", "type": "integer"}}}"#;
    let define = |files: &mut Files, text: String| {
        files.0.insert("common/only.json".to_owned(), text);
    };
    define(&mut referring, only.to_owned());
    let mut edited = referring.clone();
    define(&mut edited, only.replace("integer", "string"));
    let shared = compare(&referring, &edited, "common/only.json");
    assert_eq!(shared, new.registry.topics.len() - 1);
    // The frame of all topics reaches all.
    for frame in ["registry.toml", "envelope/v1.json"] {
        let mut edited = files.clone();
        edited.0.get_mut(frame).unwrap().push('\n');
        assert_eq!(compare(&files, &edited, frame), 0, "{frame}");
    }
}

#[test]
fn a_reference_that_leads_elsewhere_is_noticed() {
    // The topic's own texts stay as they are; a file appears that its reference now leads to.
    let mut old = edited::webshop();
    let (path, text) = old
        .0
        .iter()
        .find(|(path, text)| path.starts_with("topics/") && text.contains("../../common/"))
        .map(|(path, text)| (path.clone(), text.clone()))
        .unwrap();
    let at = text.find("../../common/").unwrap() + "../../".len();
    let target: String = text[at..]
        .chars()
        .take_while(|at| !"#\"".contains(*at))
        .collect();
    let mut new = old.clone();
    let definition = old.0.remove(&target).unwrap();
    old.0.insert("common/elsewhere.json".to_owned(), definition);
    let side = Side::load(&new).unwrap();
    let other = side.load_other(&old);
    assert!(
        other.is_err(),
        "{path} refers to {target}, which is not there"
    );
    compare(&old, &new, &target);
    // The other way round: the text behind the reference differs, and the topic's does not.
    let text = new.0.get_mut(&target).unwrap();
    *text = text.replacen("\"description\": \"", "\"description\": \"Now: ", 1);
    compare(&edited::webshop(), &new, &target);
}

/// One edit and what it was.
fn edit(random: &mut fastrand::Rng, files: &mut Files) -> String {
    let paths: Vec<String> = files.0.keys().cloned().collect();
    let path = paths[random.usize(0..paths.len())].clone();
    let text = files.0[&path].clone();
    let names: Vec<&str> = paths
        .iter()
        .filter_map(|path| path.strip_prefix("topics/")?.split('/').next())
        .collect();
    let name = names[random.usize(0..names.len())];
    match random.u8(0..12) {
        0 => {
            files.0.remove(&path);
            format!("removed {path}")
        }
        1 => {
            // The next version of a topic: its last one again.
            let folder = format!("topics/{name}/v");
            let last = (1..9).rev().find_map(|number| {
                let text = files.0.get(&format!("{folder}{number}.json"))?;
                Some((number, text.clone()))
            });
            let (number, text) = last.unwrap_or((0, "{}".to_owned()));
            let path = format!("{folder}{}.json", number + 1);
            files.0.insert(path.clone(), words(random, &text));
            format!("wrote {path}")
        }
        2 => {
            let copy = format!("{name}_copy");
            for path in &paths {
                if let Some(rest) = path.strip_prefix(&format!("topics/{name}/")) {
                    let text = files.0[path].clone();
                    files.0.insert(format!("topics/{copy}/{rest}"), text);
                }
            }
            format!("copied {name}")
        }
        3 => {
            files
                .0
                .retain(|path, _| !path.starts_with(&format!("topics/{name}/")));
            format!("deleted {name}")
        }
        4 => {
            files.0.insert(path.clone(), format!("{text}\n"));
            format!("a line more in {path}")
        }
        5 => {
            // Marks a topic with a note.
            let path = format!("topics/{name}/v1.json");
            if let Some(text) = files.0.get_mut(&path) {
                *text = text.replacen('{', "{\"somethingElse\": 1,", 1);
            }
            format!("an unknown keyword in {path}")
        }
        _ => {
            files.0.insert(path.clone(), words(random, &text));
            format!("other words in {path}")
        }
    }
}

/// A number raised, a word replaced by another of the text, or a line left out.
fn words(random: &mut fastrand::Rng, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let at = random.usize(0..lines.len().max(1));
    let line = lines.get(at).copied().unwrap_or_default();
    let new = match random.u8(0..4) {
        0 => String::new(),
        1 => line.replace("description", "title"),
        2 => lines[random.usize(0..lines.len().max(1))].to_owned(),
        _ => {
            let digits: String = line
                .chars()
                .map(|digit| match digit {
                    '0'..='8' => char::from_u32(u32::from(digit) + 1).unwrap_or(digit),
                    other => other,
                })
                .collect();
            if digits == line {
                line.replace("string", "integer")
            } else {
                digits
            }
        }
    };
    let mut lines: Vec<&str> = lines;
    if let Some(line) = lines.get_mut(at) {
        *line = &new;
    }
    lines.join("\n") + "\n"
}
