//! A message as an event.

use eventsource_core::{Event, EventName};
use lapin::message::Delivery;
use std::str::Utf8Error;

/// What the names of the bridge's own events begin with, and no message's.
const OWN_PREFIX: &str = "bridge:";

/// The body is the data; the message's type, else its routing key, is the name.
pub(crate) fn event(message: &Delivery) -> Result<Event<'_>, Utf8Error> {
    let event = Event::new(std::str::from_utf8(&message.data)?);
    Ok(match name(message) {
        Some(name) => event.name(name),
        None => event,
    })
}

fn name(message: &Delivery) -> Option<EventName<'_>> {
    let name = message.properties.kind().as_ref().unwrap_or(&message.routing_key).as_str();
    let is_taken = name.is_empty()
        // Those of `EventSource` itself: a page would take the event for the state of its connection.
        || ["open", "error"].contains(&name)
        // The bridge's own: whoever may publish could say that events are gone.
        || name.starts_with(OWN_PREFIX);
    EventName::new(name).ok().filter(|_| !is_taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventsource_core::Frame;
    use lapin::BasicProperties;

    fn frame(kind: Option<&str>, routing_key: &str, data: &[u8]) -> Option<String> {
        let mut message = Delivery::mock(1, "".into(), routing_key.into(), false, data.to_vec());
        if let Some(kind) = kind {
            message.properties = BasicProperties::default().with_type(kind.into());
        }
        let frame = Frame::from(event(&message).ok()?);
        Some(frame.as_bytes().escape_ascii().to_string())
    }

    #[test]
    fn names() {
        let with_name = |name| Some(format!(r"event: {name}\ndata: x\n\n"));
        let without = Some(r"data: x\n\n".to_owned());
        assert_eq!(frame(Some("order"), "key", b"x"), with_name("order"));
        assert_eq!(frame(None, "key", b"x"), with_name("key"));
        for kind in ["", "a\nb", "a\rb", "open", "error"] {
            assert_eq!(frame(Some(kind), "key", b"x"), without, "{kind:?}");
        }
        assert_eq!(frame(None, "", b"x"), without);
    }

    #[test]
    fn no_message_poses_as_a_notice_of_the_bridge() {
        let without = Some(r"data: x\n\n".to_owned());
        for name in ["bridge:gap", "bridge:", "bridge:what"] {
            assert_eq!(frame(Some(name), "key", b"x"), without, "{name}");
            assert_eq!(frame(None, name, b"x"), without, "{name}");
        }
        assert_eq!(frame(Some("bridges"), "", b"x"), Some(r"event: bridges\ndata: x\n\n".to_owned()));
    }

    #[test]
    fn bodies() {
        assert_eq!(frame(Some(""), "", b"two\nlines"), Some(r"data: two\ndata: lines\n\n".to_owned()));
        assert_eq!(frame(Some(""), "", b""), Some(r"data: \n\n".to_owned()));
        assert_eq!(frame(Some(""), "", b"\xff"), None);
    }
}
