//! What is right, and what isn't: each judgement is a reason in words, or nothing to say.

use crate::seen::{Request, Seen};
use std::time::Duration;

/// Why it isn't right.
pub(crate) type Verdict = Result<(), String>;

/// What a busy machine may be late. Nothing may be early, for a client knows of nothing before it's noted here.
const SLACK: Duration = Duration::from_secs(1);

/// Returns the verdict: it's right if the condition holds, and otherwise there's a reason.
pub(crate) fn right_if(condition: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if condition { Ok(()) } else { Err(otherwise()) }
}

/// It has asked so many times.
pub(crate) fn asked(seen: &Seen, times: usize) -> Verdict {
    let asked = seen.requests.len();
    right_if(asked == times, || format!("it asked {asked} times, not {times}"))
}

/// It has asked so many times, and then given up of its own accord.
pub(crate) fn final_after(seen: &Seen, times: usize) -> Verdict {
    asked(seen, times)?;
    is_closed(seen)
}

/// It has given up of its own accord.
pub(crate) fn is_closed(seen: &Seen) -> Verdict {
    if let Some(crash) = &seen.crash {
        return Err(format!("it crashed: {crash}"));
    }
    right_if(seen.closed().is_some(), || "it doesn't say that it's over".to_owned())
}

/// It has handed out these events, and is there.
pub(crate) fn handed_out(seen: &Seen, events: &[&str]) -> Verdict {
    let handed_out: Vec<_> = seen.events().collect();
    right_if(handed_out == events, || {
        let said = seen.crash.as_deref().or(seen.closed()).map(|said| format!(", and said: {said}"));
        format!("it handed out {handed_out:?}, not {events:?}{}", said.unwrap_or_default())
    })
}

/// Returns the request of this number, 1 for the first.
pub(crate) fn request(seen: &Seen, nth: usize) -> Result<&Request, String> {
    seen.requests.get(nth - 1).ok_or_else(|| {
        let said = seen.crash.as_deref().or(seen.closed()).map(|said| format!(", and said: {said}"));
        format!("it asked {} times, and not for a {nth}th{}", seen.requests.len(), said.unwrap_or_default())
    })
}

/// With its request of this number it has sent this last event ID.
pub(crate) fn sent_id(seen: &Seen, nth: usize, id: Option<&str>) -> Verdict {
    let sent = request(seen, nth)?.last_event_id();
    right_if(sent == id.map(str::as_bytes), || match sent {
        Some(sent) => format!("request {nth} had the last event ID {:?}", String::from_utf8_lossy(sent)),
        None => format!("request {nth} had no last event ID"),
    })
}

/// It has waited for this long before its request of this number.
pub(crate) fn waited(seen: &Seen, nth: usize, at_least: Duration, at_most: Duration) -> Verdict {
    let waited = request(seen, nth)?.at.duration_since(request(seen, nth - 1)?.at);
    is_between(waited, at_least, at_most, &format!("before request {nth} it waited"))
}

pub(crate) fn is_between(time: Duration, at_least: Duration, at_most: Duration, what: &str) -> Verdict {
    right_if(time >= at_least, || format!("{what} only {time:.2?}"))?;
    right_if(time <= at_most.saturating_add(SLACK), || format!("{what} {time:.2?}"))
}

/// It has asked no more than ten times a second.
pub(crate) fn is_no_hammer(seen: &Seen) -> Verdict {
    let eleven = seen.requests.windows(11).map(|eleven| eleven[10].at.duration_since(eleven[0].at)).min();
    right_if(eleven.is_none_or(|time| time >= Duration::from_secs(1)), || {
        format!("it asked {} times, eleven times in {:.2?}", seen.requests.len(), eleven.unwrap_or_default())
    })
}

/// It has asked at least four times, and waited longer and longer: on average far longer than once, for any single wait may be short
/// by chance.
pub(crate) fn backs_off(seen: &Seen) -> Verdict {
    is_no_hammer(seen)?;
    request(seen, 4)?;
    let waits: Vec<_> = seen.gaps().collect();
    let shortest = waits.iter().min().copied().unwrap_or_default();
    let average = waits.iter().sum::<Duration>() / u32::try_from(waits.len()).unwrap_or(u32::MAX);
    right_if(average >= shortest * 2, || {
        format!("its waits didn't grow: the shortest is {shortest:.2?}, the average {average:.2?}")
    })
}
