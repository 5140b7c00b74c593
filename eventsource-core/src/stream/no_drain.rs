//! Without std there's no drain.

use crate::Frame;
use core::task::{Context, Poll};

/// The ear for a drain that there can't be.
pub(super) enum DrainSignal {}

impl DrainSignal {
    pub(super) fn is_closing(&self) -> bool {
        match *self {}
    }

    pub(super) fn is_bounced(&self) -> bool {
        match *self {}
    }

    pub(super) fn poll_closing(&mut self, _: &mut Context<'_>) -> Poll<()> {
        match *self {}
    }

    pub(super) fn parting(&self) -> Frame {
        match *self {}
    }
}
