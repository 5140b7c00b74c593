//! One suite for the client through every HTTP client, over real sockets: hyper-util's on tokio with HTTP/1.1 and HTTP/2, reqwest, and
//! hyper on smol. It's what the contract tests
//! `launchdarkly/sse-contract-tests` and web-platform-tests expect of a client.

mod server;
mod transport;
mod harness;
mod parsing;
mod requests;
mod redirects;
mod reconnection;
mod framing;
mod browser;
mod cancel;
mod on_hyper;
mod on_reqwest;
mod on_smol;
