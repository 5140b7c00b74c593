//! Proxies.

use crate::server::free_port;
use crate::until;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running proxy; killed when it's dropped.
pub(crate) struct Proxy {
    process: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

/// `docs/operating.md` has it, too.
pub(crate) const CADDY_ENCODE: &str = "\
encode {
    gzip
    match {
        header Content-Type text/html*
        header Content-Type application/json*
    }
}
";

impl Proxy {
    /// nginx with its defaults, and with these directives where it forwards.
    pub(crate) fn nginx(upstream: SocketAddr, directives: &str) -> Self {
        Self::start("nginx.conf", |folder, address| {
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|name| format!("{name}_temp_path {folder}/{name};"))
                .concat();
            let configuration = format!(
                "daemon off; master_process off; pid {folder}/pid; error_log stderr;
                 events {{}}
                 http {{
                     access_log off; {temporary}
                     proxy_cache_path {folder}/cache keys_zone=cache:1m;
                     server {{
                         listen {address};
                         location / {{ proxy_pass http://{upstream}; {directives} }}
                     }}
                 }}"
            );
            let arguments = ["nginx", "-e", "stderr", "-p", folder, "-c"];
            (configuration, arguments.map(String::from).into())
        })
    }

    /// `HAProxy` with its defaults, and with these lines about the server.
    pub(crate) fn haproxy(upstream: SocketAddr, lines: &str) -> Self {
        Self::start("haproxy.cfg", |_, address| {
            // Without timeouts it warns; these are those of its manual.
            let configuration = format!(
                "defaults
                     mode http
                     timeout connect 5s
                     timeout client 50s
                     timeout server 50s
                 listen proxy
                     bind {address}
                     stats enable
                     stats uri /-/stats
                     {lines}
                     server one {upstream} check inter 100ms fall 1 rise 1\n"
            );
            (configuration, ["haproxy", "-db", "-f"].map(String::from).into())
        })
    }

    /// Caddy, which compresses what `docs/operating.md` tells it to.
    pub(crate) fn caddy(upstream: SocketAddr) -> Self {
        Self::start("Caddyfile", |folder, address| {
            let configuration = format!(
                "{{
                     admin off
                     log {{
                         level ERROR
                     }}
                     storage file_system {folder}
                 }}
                 http://{address} {{
                     {CADDY_ENCODE}
                     reverse_proxy {upstream}
                 }}\n"
            );
            let arguments = ["caddy", "run", "--adapter", "caddyfile", "--config"];
            (configuration, arguments.map(String::from).into())
        })
    }

    /// Node with the compression that most of its servers have. Where it `transforms`, it overlooks what forbids that.
    pub(crate) fn compression(upstream: SocketAddr, transforms: bool) -> Self {
        Self::start("options.json", |_, address| {
            let options = serde_json::json!({
                "host": address.ip(), "port": address.port(), "upstream": format!("http://{upstream}"), "transforms": transforms,
            });
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/node/compressing.mjs");
            (options.to_string(), ["node", script].map(String::from).into())
        })
    }

    /// Starts a program, given what's in its configuration and its words, to which the configuration's path is added.
    fn start(file: &str, configure: impl Fn(&str, SocketAddr) -> (String, Vec<String>)) -> Self {
        let folder = TempDir::new().unwrap();
        let address = (Ipv4Addr::LOCALHOST, free_port()).into();
        let (configuration, words) = configure(folder.path().to_str().unwrap(), address);
        let path = folder.path().join(file);
        fs::write(&path, configuration).unwrap();
        let process = Command::new(&words[0])
            .args(&words[1..])
            .arg(path)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        let mut proxy = Self { process, address, _folder: folder };
        until("listening", || {
            assert_eq!(proxy.process.try_wait().unwrap(), None, "{words:?} has gone");
            TcpStream::connect(address).is_ok()
        });
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
