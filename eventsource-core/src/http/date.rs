//! Moments in header fields.

/// The beginning of 1970, in seconds since the beginning of the year 0.
#[cfg(feature = "http")]
pub(crate) const UNIX_EPOCH: u64 = 719_529 * 86_400;

/// Returns the seconds since the beginning of the year 0 of an `HTTP-date` (RFC 9110 §5.6.7) in any of its three forms:
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
///
/// The name of the day isn't looked at. Two digits of a year are of 1970 to 2069.
pub(crate) fn seconds(date: &[u8]) -> Option<u64> {
    let mut words = date.split(|byte| matches!(byte, b' ' | b'-' | b',')).filter(|word| !word.is_empty());
    let mut next = || words.next();
    let _day_name = next()?;
    let (day, month, year, time) = match next()? {
        month if month.first()?.is_ascii_alphabetic() => {
            let (day, time) = (next()?, next()?);
            (day, month, next()?, time)
        }
        day => {
            let (month, year, time) = (next()?, next()?, next()?);
            (next()? == b"GMT").then_some((day, month, year, time))?
        }
    };
    if next().is_some() {
        return None;
    }
    let mut time = time.split(|&byte| byte == b':');
    let mut part = |below| number(time.next()?).filter(|&part| part < below);
    // RFC 9110 §5.6.7: a second of 60 is a leap second.
    let (hour, minute, second) = (part(24)?, part(60)?, part(61)?);
    if time.next().is_some() {
        return None;
    }
    let year = match (year.len(), number(year)?) {
        (2, year @ ..70) => year.checked_add(2000)?,
        (2, year) => year.checked_add(1900)?,
        (4, year) => year,
        _ => return None,
    };
    let days = days(year, month, number(day)?)?;
    let minutes = days.checked_mul(24)?.checked_add(hour)?.checked_mul(60)?.checked_add(minute)?;
    minutes.checked_mul(60)?.checked_add(second)
}

/// Returns the days since the beginning of the year 0, in the calendar of today.
fn days(year: u64, month: &[u8], day: u64) -> Option<u64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days_before = 0_u64;
    for (name, days) in MONTHS {
        let days = if is_leap && name == b"Feb" { 29 } else { days };
        if name != month {
            days_before = days_before.checked_add(days)?;
            continue;
        }
        if !(1..=days).contains(&day) {
            return None;
        }
        // The year 0 is a leap year, and of the others those before this one are counted.
        let last = year.saturating_sub(1);
        let leap_days = (last / 4).checked_sub(last / 100)?.checked_add(last / 400)?;
        let leap_days = leap_days.checked_add(u64::from(year > 0))?;
        return year.checked_mul(365)?.checked_add(leap_days)?.checked_add(days_before)?.checked_add(day);
    }
    None
}

const MONTHS: [(&[u8], u64); 12] = [
    (b"Jan", 31),
    (b"Feb", 28),
    (b"Mar", 31),
    (b"Apr", 30),
    (b"May", 31),
    (b"Jun", 30),
    (b"Jul", 31),
    (b"Aug", 31),
    (b"Sep", 30),
    (b"Oct", 31),
    (b"Nov", 30),
    (b"Dec", 31),
];

/// Returns a number of digits alone; what's more than a `u64` holds is the most that it holds.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit & 0x0f))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `seconds` of the beginning of 1970.
    fn epoch() -> u64 {
        seconds(b"Thu, 01 Jan 1970 00:00:00 GMT").unwrap()
    }

    #[cfg(feature = "http")]
    #[test]
    fn the_clock_of_a_computer_has_the_same_seconds() {
        assert_eq!(seconds(b"Thu, 01 Jan 1970 00:00:00 GMT"), Some(UNIX_EPOCH));
    }

    #[test]
    fn the_three_forms_are_the_same_moment() {
        for date in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(
                seconds(date.as_bytes()).map(|seconds| seconds - epoch()),
                Some(784_111_777),
                "{date}"
            );
        }
    }

    #[test]
    fn every_day_is_one_day_after_the_day_before() {
        let mut before = seconds(b"Fri, 31 Dec 1599 00:00:00 GMT").unwrap();
        for year in 1600..2405_u64 {
            for (name, len) in MONTHS {
                let name = core::str::from_utf8(name).unwrap();
                let is_leap = matches!((year % 400, year % 100, year % 4), (0, _, _) | (_, 1.., 0));
                let len = if name == "Feb" && is_leap { 29 } else { len };
                for day in 1..=len {
                    let date = alloc::format!("Mon, {day:02} {name} {year} 00:00:00 GMT");
                    let seconds = seconds(date.as_bytes()).unwrap();
                    assert_eq!(seconds - before, 86_400, "{date}");
                    before = seconds;
                }
                let date = alloc::format!("Mon, {} {name} {year} 00:00:00 GMT", len + 1);
                assert_eq!(seconds(date.as_bytes()), None, "{date}");
            }
        }
    }

    #[test]
    fn two_digits_are_a_year_of_1970_to_2069() {
        for (two, four) in [("70", "1970"), ("99", "1999"), ("00", "2000"), ("69", "2069")] {
            let two = alloc::format!("Monday, 01-Jan-{two} 00:00:00 GMT");
            let four = alloc::format!("Mon, 01 Jan {four} 00:00:00 GMT");
            assert_eq!(seconds(two.as_bytes()), seconds(four.as_bytes()));
            assert!(seconds(two.as_bytes()).is_some());
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for date in [
            "",
            " ",
            "0",
            "Sun",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nov 1994 08:49:37 GMT GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37:00 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 994 08:49:37 GMT",
            "Sun, 06 Nov 18446744073709551616 08:49:37 GMT",
            "Sun, 18446744073709551616 Nov 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 \u{ff18}:49:37 GMT",
            "Sun Nov  6 08:49:37 1994 GMT",
            "1994-11-06T08:49:37Z",
        ] {
            assert_eq!(seconds(date.as_bytes()), None, "{date}");
        }
        assert!(seconds(b"Sun, 31 Dec 2016 23:59:60 GMT").is_some(), "a leap second");
        assert!(seconds(b"Sat, 01 Jan 0000 00:00:00 GMT").is_some());
    }
}
