//! A real `RabbitMQ`, with a folder and ports of its own on the loopback interface.

use crate::server::free_port;
use lapin::{Channel, Connection, ConnectionProperties};
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// As Debian installs it. The one on the path would change the user.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// How long it may take to start or to end, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);

/// A running broker; killed when it's dropped, with what belongs to it.
pub(crate) struct Rabbit {
    node: Child,
    /// The register of names that each Erlang node needs.
    names: Child,
    folder: TempDir,
    port: u16,
    node_port: u16,
    names_port: u16,
}

/// The one that several tests share, as long as any of them runs.
static SHARED: Mutex<Weak<Rabbit>> = Mutex::const_new(Weak::new());

impl Rabbit {
    /// For tests with queues of their own.
    pub(crate) async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&started);
        started
    }

    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plugins"), "[].").unwrap();
        let [port, node_port, names_port] = [(); 3].map(|()| free_port());
        // In the foreground: a node would start one that outlives it.
        let names = Command::new("epmd")
            .args(["-address", "127.0.0.1", "-port", &names_port.to_string()])
            .stdin(Stdio::null())
            .spawn()
            .expect("epmd comes with RabbitMQ");
        let node = start_node(&folder, port, node_port, names_port);
        let mut rabbit = Self { node, names, folder, port, node_port, names_port };
        rabbit.until_ready().await;
        rabbit
    }

    /// As a person would type it; the password is the default one.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A channel on a connection of its own, which lives as long as that.
    pub(crate) async fn channel(&self) -> lapin::Result<(Connection, Channel)> {
        let connection = Connection::connect(&self.url(), ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        Ok((connection, channel))
    }

    /// Ends it as an administrator would.
    pub(crate) async fn shut_down(&mut self) {
        let kill = Command::new("kill").args(["-TERM", &self.node.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let deadline = Instant::now() + PATIENCE;
        while self.node.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "RabbitMQ ends when it's told to");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends it as a loss of power would.
    pub(crate) fn kill(&mut self) {
        self.node.kill().unwrap();
        self.node.wait().unwrap();
    }

    /// Starts it with what it had on disk.
    pub(crate) async fn start_again(&mut self) {
        self.node = start_node(&self.folder, self.port, self.node_port, self.names_port);
        self.until_ready().await;
    }

    async fn until_ready(&mut self) {
        let ready = async {
            while self.channel().await.is_err() {
                if let Some(status) = self.node.try_wait().unwrap() {
                    panic!("RabbitMQ: {status}: {}", self.log());
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        let is_ready = timeout(PATIENCE, ready).await.is_ok();
        assert!(is_ready, "RabbitMQ isn't ready: {}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The script becomes the node itself, as under systemd, so that to end the process is to end the node.
fn start_node(folder: &TempDir, port: u16, node_port: u16, names_port: u16) -> Child {
    let folder = folder.path();
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new(SERVER)
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("HOME", folder)
        .env("RABBITMQ_NODENAME", format!("test-{port}@localhost"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder)
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_CONFIG_FILE", folder.join("none"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("none"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("plugins"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", node_port.to_string())
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        )
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", names_port.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("RabbitMQ is installed")
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        for process in [&mut self.node, &mut self.names] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
