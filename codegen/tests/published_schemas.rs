//! The schemas that editors complete manifests by are current, and every manifest here passes its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use topicwright::registry::published::Manifest;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

#[test]
fn the_files_are_current() {
    let folder = project().join("docs/schemas");
    let update = "run `cargo topicwright schema --all docs/schemas`";
    for manifest in Manifest::ALL {
        let name = manifest.file_name();
        let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(text == manifest.text(), "{name} is not current: {update}");
    }
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, Manifest::ALL.len(), "a schema of no manifest");
}

/// The manifests of a registry with the schemas that hold for them.
fn manifests(registry: &Path) -> Vec<(PathBuf, Manifest)> {
    let mut found = vec![(registry.join("registry.toml"), Manifest::Registry)];
    let listed = |folder: &str| {
        let entries = std::fs::read_dir(registry.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    found.extend(listed("topics").map(|path| (path.join("topic.toml"), Manifest::Topic)));
    found.extend(listed("views").map(|path| (path, Manifest::View)));
    found.extend(listed("scenarios").map(|path| (path, Manifest::Scenario)));
    found
}

fn of_kind(view: &Value) -> Manifest {
    match view["kind"].as_str().unwrap() {
        "aggregate" => Manifest::AggregateView,
        "latest" => Manifest::LatestView,
        "rollup" => Manifest::RollupView,
        "kpi" => Manifest::Kpi,
        other => panic!("{other}"),
    }
}

fn errors(manifest: Manifest, value: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&manifest.schema()).unwrap();
    validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn every_manifest_passes_its_schema_and_no_other_views() {
    let mut kinds = Vec::new();
    for registry in ["schema_registry", "tests/registries/webshop"] {
        for (path, manifest) in manifests(&project().join(registry)) {
            let text = std::fs::read_to_string(&path).unwrap();
            let value = serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
            let name = path.display();
            assert_eq!(errors(manifest, &value), [""; 0], "{name}");
            if manifest == Manifest::View {
                let own = of_kind(&value);
                kinds.push(own);
                for kind in [
                    Manifest::AggregateView,
                    Manifest::LatestView,
                    Manifest::RollupView,
                    Manifest::Kpi,
                ] {
                    assert_eq!(errors(kind, &value).is_empty(), kind == own, "{name}");
                }
            }
        }
    }
    for kind in [
        Manifest::AggregateView,
        Manifest::LatestView,
        Manifest::RollupView,
        Manifest::Kpi,
    ] {
        assert!(kinds.contains(&kind), "no manifest tries {kind:?}");
    }
}

#[test]
fn a_misspelt_setting_is_seen() {
    let view = json!({"kind": "rollup", "name": "daily", "description": "Days.", "from": "user_daily",
        "group_by": ["event_date"], "measures": [], "retention_days": 400});
    for manifest in [Manifest::View, Manifest::RollupView] {
        assert_eq!(errors(manifest, &view), [""; 0]);
        // Misspelt, and one that rollups had once.
        for setting in ["retension_days", "refresh_minutes"] {
            let mut view = view.clone();
            view[setting] = json!(5);
            assert!(!errors(manifest, &view).is_empty(), "{setting}");
        }
    }
}
