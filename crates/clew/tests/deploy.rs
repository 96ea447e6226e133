//! The deployment files are held together: they parse, refer to what exists, and set only settings there are.
//! Docker and Kubernetes themselves are not needed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::yaml;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// What the binary prints for these arguments.
fn clew(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_clew")).args(arguments).output().unwrap();
    assert!(output.status.success(), "clew {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every variable that the binary says it reads.
fn variables() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = clew(&["config", "document"])
        .split('`')
        .filter(|w| w.starts_with("CLEW_"))
        .map(str::to_owned)
        .collect();
    names.insert("DATABASE_URL".to_owned());
    names
}

/// Fails unless the binary knows the command with these arguments.
fn assert_command(words: &[&str]) {
    let mut arguments = words.to_vec();
    arguments.push("--help");
    clew(&arguments);
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_compose_file_holds_together() {
    let documents = yaml::documents(&read("docker-compose.yml")).unwrap();
    let [compose] = documents.as_slice() else { panic!("one document expected") };
    let services = compose["services"].as_object().unwrap();
    let known = variables();
    let volumes = compose["volumes"].as_object().unwrap();
    let mut commands = BTreeSet::new();
    for (name, service) in services {
        for needed in service["depends_on"].as_object().into_iter().flatten() {
            let other = services
                .get(needed.0)
                .unwrap_or_else(|| panic!("{name} needs {}: no such service", needed.0));
            match needed.1["condition"].as_str().unwrap() {
                "service_healthy" => {
                    assert!(other["healthcheck"]["test"].is_array(), "{} has no check", needed.0)
                }
                "service_completed_successfully" => {
                    assert_eq!(other["restart"], "no", "{} never ends", needed.0)
                }
                condition => panic!("{name}: {condition}?"),
            }
        }
        for mount in texts(&service["volumes"]) {
            let (volume, target) = mount.split_once(':').unwrap();
            assert!(volumes.contains_key(volume) && target.starts_with('/'), "{name}: {mount}");
        }
        if service["image"] == "clew" {
            for (variable, _) in service["environment"].as_object().unwrap() {
                assert!(known.contains(variable), "{name} sets {variable}: no such setting");
            }
            let command = texts(&service["command"]);
            assert_command(&command);
            commands.extend(command);
        }
    }
    assert_eq!(commands, BTreeSet::from(["migrate", "serve", "work"]));
    assert!(
        services["migrate"]["build"]["dockerfile"].as_str().is_some_and(|file| root().join(file).is_file())
    );
    for service in ["server", "worker"] {
        assert_eq!(services[service]["environment"]["CLEW_OBJECTS"], "/var/lib/clew/objects");
        assert!(texts(&services[service]["volumes"]).contains(&"objects:/var/lib/clew/objects"), "{service}");
    }
}

#[test]
fn the_dockerfile_is_multi_stage_non_root_and_checked() {
    // A backslash continues a line.
    let text = read("deploy/Dockerfile").replace("\\\n", " ");
    let lines: Vec<(&str, &str)> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(char::is_whitespace))
        .map(|(instruction, rest)| (instruction, rest.trim()))
        .collect();
    let all =
        |name: &str| lines.iter().filter(|(i, _)| *i == name).map(|(_, rest)| *rest).collect::<Vec<_>>();
    let stages = all("FROM");
    assert_eq!(stages.len(), 2, "{stages:?}");
    assert!(stages[0].ends_with(" AS build") && !stages[1].contains("rust"), "{stages:?}");
    assert!(all("RUN").iter().any(|run| run.contains("--profile dist") && run.contains("--locked")));
    let user = all("USER").last().copied().unwrap_or("root");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "USER {user}");
    assert_eq!(all("ENTRYPOINT"), ["[\"clew\"]"]);
    let check = all("HEALTHCHECK").pop().unwrap();
    assert!(check.ends_with("CMD [\"clew\", \"health\"]"), "{check}");
    assert_command(&["health"]);
    for copy in all("COPY").iter().filter(|copy| !copy.starts_with("--from")) {
        let mut words: Vec<&str> = copy.split_whitespace().collect();
        words.pop();
        for source in words {
            assert!(root().join(source).exists(), "COPY {source}: not in the repository");
        }
    }
    let known = variables();
    for setting in all("ENV").iter().flat_map(|env| env.split_whitespace()) {
        let name = setting.split('=').next().unwrap();
        assert!(known.contains(name), "ENV {name}: no such setting");
    }
}

#[test]
fn the_kubernetes_manifests_hold_together() {
    let documents = yaml::documents(&read("deploy/kubernetes/clew.yaml")).unwrap();
    let of_kind = |kind: &str| documents.iter().filter(|d| d["kind"] == kind).collect::<Vec<_>>();
    let known = variables();
    for (name, _) in of_kind("ConfigMap")[0]["data"].as_object().unwrap() {
        assert!(known.contains(name), "the ConfigMap sets {name}: no such setting");
    }
    let workloads = [of_kind("Job"), of_kind("Deployment")].concat();
    assert_eq!(workloads.len(), 3);
    for workload in workloads {
        let pod = &workload["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        for container in pod["containers"].as_array().unwrap() {
            assert_command(&texts(&container["args"]));
            assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
            for variable in container["env"].as_array().unwrap() {
                let name = variable["name"].as_str().unwrap();
                assert!(known.contains(name), "{name}: no such setting");
            }
            for mount in container["volumeMounts"].as_array().into_iter().flatten() {
                let volumes = pod["volumes"].as_array().unwrap();
                assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount}");
            }
        }
    }
    let selected = &of_kind("Service")[0]["spec"]["selector"]["app"];
    assert!(
        of_kind("Deployment").iter().any(|d| d["spec"]["template"]["metadata"]["labels"]["app"] == *selected)
    );
}

/// `file::test` in the security tables names a test that is there.
#[test]
fn every_proof_of_the_security_tables_is_a_test() {
    let text = read("deploy/SECURITY.md");
    let proofs = text.split('`').filter_map(|quoted| quoted.split_once(".rs::"));
    let mut n_proofs = 0;
    for (file, test) in proofs {
        let source = read(&format!("{file}.rs"));
        let named = ["fn ", "async fn "].iter().any(|word| source.contains(&format!("{word}{test}(")));
        assert!(named, "{file}.rs has no test {test}");
        n_proofs += 1;
    }
    assert!(n_proofs >= 40, "only {n_proofs} proofs are read");
}
