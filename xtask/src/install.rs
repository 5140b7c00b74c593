//! Installing what's missing.

use crate::budget::{Budget, Error, Outcome};
use std::env;
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

fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // To join an absolute path is to replace by it.
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_a_name_or_a_path() {
        assert!(is_there("sh"));
        assert!(is_there("/bin/sh"));
        assert!(!is_there("no-such-program"));
        assert!(!is_there("/no/such/program"));
    }
}
