//! The reconnection time, as digits.

use core::time::Duration;

/// Whole milliseconds, rounded up: less than one must not become none.
pub(crate) fn to_millis(retry: Duration) -> u128 {
    retry.as_nanos().div_ceil(1_000_000)
}

/// The value of a `retry` field as it comes in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RetryDigits {
    millis: u128,
    /// A digit has come.
    some: bool,
    /// Something else has come.
    invalid: bool,
}

impl RetryDigits {
    /// §9.2.6: "If the field value consists of only ASCII digits, then interpret the field value as an integer in base
    /// ten". So no sign, and no empty value.
    pub(crate) fn followed_by(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            match byte {
                b'0'..=b'9' => {
                    let digit = u128::from(byte & 0x0f);
                    self.millis = self.millis.saturating_mul(10).saturating_add(digit);
                    self.some = true;
                }
                _ => self.invalid = true,
            }
        }
        self
    }

    /// The duration, if the value is valid; what's longer than the longest is that.
    pub(crate) fn duration(self) -> Option<Duration> {
        if self.invalid || !self.some {
            return None;
        }
        let nanos = u32::try_from(self.millis % 1000).unwrap_or_default().saturating_mul(1_000_000);
        let seconds = u64::try_from(self.millis / 1000);
        Some(seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, nanos)))
    }
}
