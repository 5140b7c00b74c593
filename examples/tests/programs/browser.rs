//! Headless Chromium. Screenshots go to the folder for temporary files of the build.

use crate::server::free_port;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_secs(90);

/// Chromium, by its driver, with a profile of its own.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) async fn open(dark: bool) -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed");
        let profile = tempfile::tempdir().unwrap();
        let mut arguments = vec![
            "--headless".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-quic".into(),
            "--disable-dev-shm-usage".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            "--window-size=900,1100".into(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        if dark {
            arguments.push("--force-dark-mode".into());
        }
        let capabilities = json!({ "goog:chromeOptions": { "args": arguments } });
        let url = format!("http://127.0.0.1:{port}");
        let connect = async {
            loop {
                let mut builder =
                    ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
                builder.capabilities(capabilities.as_object().unwrap().clone());
                match builder.connect(&url).await {
                    Ok(client) => break client,
                    Err(_) => sleep(Duration::from_millis(200)).await,
                }
            }
        };
        let client = timeout(SOON, connect).await.expect("Chromium starts");
        Self { client, driver, _profile: profile }
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// Waits until a script returns something true.
    pub(crate) async fn wait_for(&self, script: &str) -> Value {
        let wait = async {
            loop {
                let value = self.run(script, vec![]).await;
                if !matches!(value, Value::Null | Value::Bool(false)) {
                    break value;
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(SOON, wait).await.unwrap_or_else(|_| panic!("never true: {script}"))
    }

    pub(crate) async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn screenshot(&self, name: &str) {
        let png = self.client.screenshot().await.unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), png).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver leads a process group of its own, Chromium with it.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.driver.id())]).status();
        let _ = self.driver.wait();
    }
}
