//! Installing what's missing.

use crate::budget::{Budget, Error, Outcome};
use std::env;
use std::path::Path;
use std::sync::OnceLock;

/// The package lists, fetched at most once.
static UPDATED: OnceLock<Outcome> = OnceLock::new();

/// Sees to it that programs are there, each given by name or by path, with the Debian package that brings it.
pub(crate) fn debian(budget: Budget, programs: &[(&str, &str)]) -> Outcome {
    let missing: Vec<_> =
        programs.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let apt_get = |arguments: &str| {
        // The second has systemd not start what's installed: the tests start their own.
        let variables = [("DEBIAN_FRONTEND", "noninteractive"), ("SYSTEMD_OFFLINE", "1")];
        budget.run_with(&variables, &format!("apt-get {arguments}"))
    };
    let packages = missing.join(" ");
    UPDATED
        .get_or_init(|| apt_get("update"))
        .clone()
        .and_then(|()| apt_get(&format!("install -y --no-install-recommends {packages}")))
        .map_err(|error| Error::Unavailable(format!("{packages} can't be installed: {error}")))
}

/// Sees to it that a tool of cargo's is there.
pub(crate) fn cargo_tool(budget: Budget, name: &str, version: &str) -> Outcome {
    if is_there(name) {
        return Ok(());
    }
    budget
        .run(&format!("cargo install {name} --version {version} --locked"))
        .map_err(|error| Error::Unavailable(format!("{name} can't be installed: {error}")))
}

/// What npm's packages need.
const NODE_AT_LEAST: (u32, u32) = (22, 12);
/// What's brought where the system's is older.
const NODE: &str = "24.21.0";
const NODE_FOLDER: &str = "target/node/node_modules/.bin";

/// Sees to it that there's a Node that's new enough; returns the `PATH` on which it's the first.
pub(crate) fn node(budget: Budget) -> Result<String, Error> {
    let path = env::var("PATH").map_err(Error::unavailable)?;
    if is_new_enough(&budget.read("node --version")?) {
        return Ok(path);
    }
    let node = format!("{NODE_FOLDER}/node");
    let version = || budget.read(&format!("{node} --version"));
    if !(Path::new(&node).is_file() && version()?.trim() == format!("v{NODE}")) {
        let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        budget
            .run(&format!("npm install --no-save --prefix target/node node-linux-{machine}@{NODE}"))
            .map_err(|error| Error::Unavailable(format!("Node {NODE} can't be installed: {error}")))?;
    }
    let folder = env::current_dir().map_err(Error::unavailable)?.join(NODE_FOLDER);
    Ok(format!("{}:{path}", folder.display()))
}

/// Of what it says of itself, `v24.21.0` say.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor) = (numbers.next().flatten(), numbers.next().flatten());
    major.zip(minor) >= Some(NODE_AT_LEAST)
}

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // To join an absolute path is to replace by it.
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_judged_by_its_version() {
        for (version, expected) in [
            ("v22.12.0\n", true),
            ("v24.1.0\n", true),
            ("v22.11.9\n", false),
            ("v20.20.2\n", false),
            ("?", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }

    #[test]
    fn a_program_has_a_name_or_a_path() {
        assert!(is_there("sh"));
        assert!(is_there("/bin/sh"));
        assert!(!is_there("no-such-program"));
        assert!(!is_there("/no/such/program"));
    }
}
