//! The house's walls: which crate may lean on which, how long a file may be, and what may not stand in one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every arrow that may exist between the project's own crates (transitive ones included, test-only ones left out).
const ARROWS: &[(&str, &[&str])] = &[
    ("clew-learn", &[]),
    ("clew-crm", &["clew-learn"]),
    ("clew-store", &["clew-crm", "clew-learn"]),
    ("clew-work", &["clew-store", "clew-crm", "clew-learn"]),
    ("clew-api", &["clew-store", "clew-crm", "clew-learn"]),
    ("clew-console", &[]),
    ("clew-sample", &["clew-crm"]),
    (
        "clew",
        &["clew-api", "clew-work", "clew-console", "clew-sample", "clew-store", "clew-crm", "clew-learn"],
    ),
];

/// The longest that a source file may be, in lines.
const LONGEST: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

#[test]
fn crates_lean_only_the_way_the_house_allows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(packages.len(), ARROWS.len(), "a crate is missing from this list, or the other way round");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("{name} is not in the list of crates"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            let only_tests = dependency["kind"] == "dev";
            if other.starts_with("clew") && !only_tests {
                assert!(allowed.contains(&other), "{name} may not depend on {other}");
            }
        }
    }
}

#[test]
fn no_source_file_is_too_long() {
    let mut long = Vec::new();
    for file in sources() {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if lines > LONGEST {
            long.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(long.is_empty(), "over {LONGEST} lines:\n{}", long.join("\n"));
}

#[test]
fn every_rust_file_says_what_it_is() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .filter(|file| !std::fs::read_to_string(file).unwrap().starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "files without a `//!` header: {silent:?}");
}

#[test]
fn only_the_store_speaks_sql_and_only_the_api_and_console_speak_http() {
    for package in ["clew-learn", "clew-crm", "clew-sample", "clew-work", "clew-api", "clew-console"] {
        let manifest =
            std::fs::read_to_string(root().join("crates").join(package).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("sqlx"), "{package} may not speak SQL");
    }
    for package in ["clew-learn", "clew-crm", "clew-store", "clew-work", "clew-sample"] {
        let manifest =
            std::fs::read_to_string(root().join("crates").join(package).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("axum"), "{package} may not speak HTTP");
    }
    for package in ["clew-learn", "clew-crm"] {
        let manifest =
            std::fs::read_to_string(root().join("crates").join(package).join("Cargo.toml")).unwrap();
        assert!(!manifest.contains("tokio"), "{package} may not be asynchronous");
    }
}

/// The project's own source files, committed or not, without what is generated.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("crates"), root().join("migrations")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "node_modules" | "dist" | "target" | "snapshots" | ".clew") {
                    folders.push(path);
                }
            } else if matches!(
                path.extension().and_then(|e| e.to_str()),
                Some("rs" | "ts" | "tsx" | "css" | "sql")
            ) {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 20, "the walk found only {} files", found.len());
    found
}
