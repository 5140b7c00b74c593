//! What a conformant client makes of an event stream, step by step as the standard has it.

use crate::Event;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Everything that a client has seen of a stream by its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interpretation {
    /// The dispatched events, in order.
    pub events: Vec<Dispatched>,
    /// The last event ID, as a reconnecting client would send it.
    pub last_event_id: String,
    /// The reconnection time, if one was set; saturated at what a `Duration` holds.
    pub retry: Option<Duration>,
    /// The comments, without their colon and one space.
    pub comments: Vec<String>,
}

/// An event as a page's listener gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispatched {
    /// The type: `message` unless it was named.
    pub name: String,
    /// The data.
    pub data: String,
    /// The last event ID, sticky from event to event.
    pub last_event_id: String,
}

/// Interprets a whole stream (WHATWG HTML §9.2.5 and §9.2.6): slow, obvious, written straight from the standard, so that
/// faster code can be held against it.
///
/// ```
/// use eventsource_core::test_util::interpret;
///
/// let client = interpret(b"event: add\nid: 3\ndata: a\ndata: b\n\ndata: cut of");
/// assert_eq!(client.events.len(), 1);
/// assert_eq!(client.events[0].data, "a\nb");
/// assert_eq!(client.last_event_id, "3");
/// ```
pub fn interpret(stream: &[u8]) -> Interpretation {
    // "Streams must be decoded using the UTF-8 decode algorithm": it strips one leading BOM, and replaces
    // what's invalid.
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);

    let mut client = Client::default();
    let mut line = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // "CRLF pairs, LFs and CRs that are not in a pair": the ends of lines.
            '\r' => {
                characters.next_if_eq(&'\n');
                client.process_line(&line);
                line.clear();
            }
            '\n' => {
                client.process_line(&line);
                line.clear();
            }
            _ => line.push(character),
        }
    }
    // "Once the end of the file is reached, any pending data must be discarded." The line, too: it has no end.
    client.seen
}

#[derive(Default)]
struct Client {
    seen: Interpretation,
    data: String,
    event_type: String,
    last_event_id: String,
}

impl Client {
    fn process_line(&mut self, line: &str) {
        // "If the line is empty (a blank line): dispatch the event."
        if line.is_empty() {
            return self.dispatch();
        }
        match line.split_once(':') {
            // "If the line starts with a U+003A COLON character: ignore the line."
            Some(("", comment)) => {
                self.seen.comments.push(comment.strip_prefix(' ').unwrap_or(comment).to_owned());
            }
            // "Collect the characters after the first colon; if value starts with a space, remove it."
            Some((field, value)) => self.process_field(field, value.strip_prefix(' ').unwrap_or(value)),
            // "Otherwise: the whole line as the field name, and the empty string as the field value."
            None => self.process_field(line, ""),
        }
    }

    fn process_field(&mut self, field: &str, value: &str) {
        match field {
            "event" => value.clone_into(&mut self.event_type),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // "If the field value does not contain U+0000 NULL."
            "id" if !value.contains('\0') => value.clone_into(&mut self.last_event_id),
            // "If the field value consists of only ASCII digits"; an empty one holds no integer to interpret.
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.seen.retry = Some(milliseconds(value));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        // "Set the last event ID string of the event source to the value of the last event ID buffer."
        self.seen.last_event_id.clone_from(&self.last_event_id);
        let event_type = core::mem::take(&mut self.event_type);
        let mut data = core::mem::take(&mut self.data);
        // "If the data buffer is an empty string, set both buffers to the empty string and return."
        if data.is_empty() {
            return;
        }
        // "If the data buffer's last character is a LF, remove it."
        data.pop();
        // "If the event type buffer has a value other than the empty string, change the type."
        let name = if event_type.is_empty() { "message".to_owned() } else { event_type };
        self.seen.events.push(Dispatched { name, data, last_event_id: self.last_event_id.clone() });
    }
}

fn milliseconds(digits: &str) -> Duration {
    let millis: u128 = digits.parse().unwrap_or(u128::MAX);
    let nanos = u32::try_from(millis % 1000).unwrap_or_default().saturating_mul(1_000_000);
    u64::try_from(millis / 1000).map_or(Duration::MAX, |seconds| Duration::new(seconds, nanos))
}

impl Interpretation {
    /// What a client has seen after this one event and nothing else, by the meaning of [`Event`] and not by its
    /// encoding.
    pub fn of_event(event: &Event<'_>) -> Self {
        let lines = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
        let id = event.id.map(|id| id.as_str().to_owned()).unwrap_or_default();
        let name =
            event.name.map(crate::EventName::as_str).filter(|name| !name.is_empty()).unwrap_or("message");
        Self {
            events: event
                .data
                .map(|data| Dispatched {
                    name: name.to_owned(),
                    data: lines(data),
                    last_event_id: id.clone(),
                })
                .into_iter()
                .collect(),
            last_event_id: id,
            retry: event.retry.map(|retry| {
                let nanos = retry.subsec_nanos().div_ceil(1_000_000).saturating_mul(1_000_000);
                Duration::from_secs(retry.as_secs()).saturating_add(Duration::from_nanos(nanos.into()))
            }),
            comments: event
                .comment
                .map(|comment| lines(comment).split('\n').map(ToOwned::to_owned).collect())
                .unwrap_or_default(),
        }
    }
}
