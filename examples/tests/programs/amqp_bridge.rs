//! `amqp_bridge` without a broker.

use std::net::TcpListener;
use std::process::Command;

const BRIDGE: &str = env!("CARGO_BIN_EXE_amqp_bridge");

#[test]
fn it_explains_itself() {
    let output = Command::new(BRIDGE).arg("--help").output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("--queue NAME"));
    for arguments in [&[][..], &["--queue", "q", "--url", "http://h"], &["--queue", "q", "--port", "no"]] {
        let output = Command::new(BRIDGE).args(arguments).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("amqp_bridge: "), "{output:?}");
    }
}

#[test]
fn it_says_that_the_broker_is_not_there() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = Command::new(BRIDGE)
        .args(["--queue", "orders", "--port", "0"])
        .env("AMQP_URL", format!("amqp://me:secret@{nobody}"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(error.contains(&format!("\"orders\" of {nobody}")) && error.contains("refused"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn it_says_that_its_port_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(BRIDGE).args(["--queue", "orders", "--port", &port]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains(&port), "{output:?}");
}
