//! How the programs are called.

use std::process::Command;

const SERVERS: [&str; 7] = [
    env!("CARGO_BIN_EXE_json"),
    env!("CARGO_BIN_EXE_llm"),
    env!("CARGO_BIN_EXE_std_threads"),
    env!("CARGO_BIN_EXE_tick"),
    env!("CARGO_BIN_EXE_tick_actix"),
    env!("CARGO_BIN_EXE_tick_axum"),
    env!("CARGO_BIN_EXE_tick_smol"),
];

#[test]
fn a_port_comes_from_the_option_or_the_environment() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    for server in SERVERS {
        let output = Command::new(server).arg("--help").output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains("--port PORT"), "{help}");
        assert!(help.lines().all(|line| line.len() <= 100), "{help}");
        for (arguments, port) in [
            (&["--port", "no"][..], "1"),
            (&["--port"], "1"),
            (&["--what"], "1"),
            (&["what"], "1"),
            (&[], "70000"),
            (&[], &taken),
            (&["--port", &taken], "0"),
        ] {
            let output = Command::new(server).args(arguments).env("PORT", port).output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            let name = server.rsplit('/').next().unwrap();
            assert!(
                !output.status.success() && error.starts_with(&format!("{name}: ")),
                "{arguments:?}: {error}"
            );
        }
    }
}
