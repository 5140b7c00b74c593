//! How many connections there may be, in all and of one client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A clone is the same.
#[derive(Clone, Debug)]
pub(crate) struct Seats {
    taken: Arc<Mutex<Taken>>,
    max: usize,
    max_per_client: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<IpAddr, usize>,
}

/// One of them; given back when it's dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    client: IpAddr,
}

impl Seats {
    pub(crate) fn new(max: usize, max_per_client: usize) -> Self {
        Self { taken: Arc::default(), max, max_per_client }
    }

    /// None when all are taken, or this client's.
    pub(crate) fn take(&self, address: IpAddr) -> Option<Seat> {
        let client = client_at(address);
        let mut taken = self.lock();
        let of_client = taken.of.get(&client).copied().unwrap_or_default();
        if taken.all >= self.max || of_client >= self.max_per_client {
            return None;
        }
        taken.all += 1;
        taken.of.insert(client, of_client + 1);
        Some(Seat { seats: self.clone(), client })
    }

    pub(crate) fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who's at an address: of IPv6, one client has as many as it likes, but in one network.
fn client_at(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
        IpAddr::V4(address) => address.into(),
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(of_client) = taken.of.get_mut(&self.client) {
            *of_client = of_client.saturating_sub(1);
            if *of_client == 0 {
                taken.of.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn there_are_so_many_in_all_and_for_each_client() {
        let [one, two] = [1, 2].map(|last| IpAddr::from(Ipv4Addr::new(127, 0, 0, last)));
        let seats = Seats::new(3, 2);
        let mut taken: Vec<_> = [one, one, two].map(|client| seats.take(client).unwrap()).into();
        assert!(seats.take(two).is_none(), "all are taken");
        taken.remove(2);
        assert!(seats.take(one).is_none(), "both of this client are taken");
        taken.clear();
        assert_eq!((seats.taken(), seats.lock().of.len()), (0, 0));
        assert!(seats.take(one).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let seats = Seats::new(9, 1);
        let addresses =
            ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1", "::ffff:127.0.0.1", "127.0.0.1"];
        let taken = addresses.map(|address| seats.take(address.parse().unwrap()));
        assert_eq!(taken.map(|seat| seat.is_some()), [true, false, true, true, false]);
    }
}
