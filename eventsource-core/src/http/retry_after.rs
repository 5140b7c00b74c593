//! When a server wants to be asked again.

use super::date::{number, seconds};
use core::time::Duration;

/// Returns how long a `Retry-After` field asks a client to wait (RFC 9110 §10.2.3), be it a number of seconds or a date.
///
/// A date is taken relative to `date`, the `Date` field of the same response, so that neither side's clock has to be right. Without
/// one it says nothing, and neither does a value that's malformed: both return `None`. A date that's past is no wait at all.
/// A number that's larger than the largest is that.
///
/// ```
/// use core::time::Duration;
/// use eventsource_core::http::retry_after;
///
/// assert_eq!(retry_after(b"120", None), Some(Duration::from_secs(120)));
/// let (at, now) = (b"Fri, 31 Dec 1999 23:59:59 GMT", b"Fri, 31 Dec 1999 23:59:29 GMT");
/// assert_eq!(retry_after(at, Some(now)), Some(Duration::from_secs(30)));
/// assert_eq!(retry_after(at, None), None);
/// ```
pub fn retry_after(value: &[u8], date: Option<&[u8]>) -> Option<Duration> {
    retry_after_from(value, date.and_then(seconds))
}

/// Does the same, with the response's moment in seconds since the beginning of the year 0.
pub(crate) fn retry_after_from(value: &[u8], moment: Option<u64>) -> Option<Duration> {
    let seconds = match number(value.trim_ascii()) {
        Some(delay) => delay,
        None => seconds(value)?.saturating_sub(moment?),
    };
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let now = Some(&b"Fri, 31 Dec 1999 23:59:30 GMT"[..]);
        for (value, date, expected) in [
            ("0", None, Some(0)),
            (" 007\t", None, Some(7)),
            ("99999999999999999999999", None, Some(u64::MAX)),
            ("Sat, 01 Jan 2000 00:00:00 GMT", now, Some(30)),
            ("Saturday, 01-Jan-00 00:00:00 GMT", now, Some(30)),
            ("Sat Jan  1 00:00:00 2000", now, Some(30)),
            ("Fri, 31 Dec 1999 23:59:30 GMT", now, Some(0)),
            ("Fri, 31 Dec 1999 23:59:00 GMT", now, Some(0)),
            ("Sat, 01 Jan 2000 00:00:00 GMT", None, None),
            ("Sat, 01 Jan 2000 00:00:00 GMT", Some(b"now"), None),
            ("", None, None),
            ("-1", None, None),
            ("1.5", None, None),
            ("1s", None, None),
            ("soon", now, None),
        ] {
            assert_eq!(retry_after(value.as_bytes(), date), expected.map(Duration::from_secs), "{value}");
        }
    }
}
