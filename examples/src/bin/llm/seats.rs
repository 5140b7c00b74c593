//! How many answers each client gets at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// So many, for each costs money. A page shows one; a client that reads them side by side has a few.
const AT_ONCE: usize = 8;

/// A client is an address. Where users log in, let it be the user; behind a proxy, all clients have the proxy's address.
#[derive(Debug, Default)]
pub(crate) struct Seats(Mutex<HashMap<IpAddr, Arc<()>>>);

/// One of a client's; given back when it's dropped.
pub(crate) type Seat = Arc<()>;

impl Seats {
    /// None when the client has all of its own.
    pub(crate) fn take(&self, client: IpAddr) -> Option<Seat> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Each seat is one more clone. Who has none isn't remembered.
        clients.retain(|_, seats| Arc::strong_count(seats) > 1);
        let seats = clients.entry(client).or_default();
        (Arc::strong_count(seats) <= AT_ONCE).then(|| Arc::clone(seats))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn each_client_has_its_own_and_gives_them_back() {
        let seats = Seats::default();
        let [one, two] = [1, 2].map(|last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last)));
        let mut taken: Vec<_> = (0..AT_ONCE).map(|_| seats.take(one).unwrap()).collect();
        assert!(seats.take(one).is_none() && seats.take(two).is_some());
        taken.pop();
        taken.extend(seats.take(one));
        assert_eq!(taken.len(), AT_ONCE);
        assert!(seats.take(one).is_none());
        taken.clear();
        assert!(seats.take(two).is_some());
        assert_eq!(seats.0.lock().unwrap().len(), 1, "who has none is forgotten");
    }
}
