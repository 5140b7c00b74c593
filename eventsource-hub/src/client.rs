//! Whoever is at the other end of a connection.

use eventsource_core::stream::StallHandle;
use std::net::IpAddr;

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    pub(crate) stall: StallHandle,
}
