//! Data as JSON.

use crate::codec::encode::{DataWriter, Sink};
use crate::{Event, Frame, OwnedEvent};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::ser::Error as _;

impl Event<'_> {
    /// Encodes this event at the end of `out`, with `value` as JSON in place of its data. The JSON is serialised
    /// straight into `out`, with no copy in between.
    ///
    /// # Errors
    /// Those of serialising `value`; `out` is then as it was before, also if that panics.
    pub fn encode_json_to_vec<T>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), serde_json::Error>
    where
        T: Serialize + ?Sized,
    {
        let mut rollback = Rollback { before: out.len(), out };
        let data = DataWriter::new(self.data(""), Text(rollback.out)).map_err(serde_json::Error::custom)?;
        let mut serialised = Serialised(data);
        serde_json::to_writer(&mut serialised, value)?;
        let Text(out) = serialised.0.finish().map_err(serde_json::Error::custom)?;
        rollback.before = out.len();
        Ok(())
    }
}

/// Takes back what wasn't finished.
struct Rollback<'a> {
    out: &'a mut Vec<u8>,
    before: usize,
}

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        self.out.truncate(self.before);
    }
}

/// Never fails.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Ok(()) = self.0.put(text);
        Ok(())
    }
}

/// What a serialiser writes, as lines of data.
struct Serialised<'a>(DataWriter<Text<'a>>);

impl std::io::Write for Serialised<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Each piece that serde_json writes is whole characters.
        let text = core::str::from_utf8(bytes).map_err(std::io::Error::other)?;
        self.0.write_str(text).map_err(std::io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Frame {
    /// An event with `value` as JSON in place of its data.
    ///
    /// ```
    /// use eventsource_core::{Event, Frame, event_name};
    ///
    /// let load = Event::empty().name(event_name!("load"));
    /// assert_eq!(Frame::json(load, &[0.5, 0.25])?.as_bytes(), b"event: load\ndata: [0.5,0.25]\n\n");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of serialising `value`.
    pub fn json<T: Serialize + ?Sized>(event: Event<'_>, value: &T) -> Result<Self, serde_json::Error> {
        let mut encoded = Vec::new();
        event.encode_json_to_vec(value, &mut encoded)?;
        // It grew by doubling, and may be kept for long.
        encoded.shrink_to_fit();
        Ok(Self::from_encoded(encoded))
    }
}

impl OwnedEvent {
    /// The data as JSON of a type.
    ///
    /// # Errors
    /// [`JsonError`] keeps the event, for those that aren't JSON, such as the `[DONE]` of some large models.
    pub fn into_json<T: DeserializeOwned>(self) -> Result<T, JsonError> {
        serde_json::from_str(&self.data).map_err(|error| JsonError { event: self, error })
    }
}

/// An event whose data isn't JSON of the wished type.
#[derive(Debug)]
#[non_exhaustive]
pub struct JsonError {
    /// The event as it came.
    pub event: OwnedEvent,
    /// What's wrong with its data.
    pub error: serde_json::Error,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the data of an event {:?}: {}", self.event.name.as_str(), self.error)
    }
}

impl core::error::Error for JsonError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_name;
    use alloc::string::ToString;
    use serde::Serializer;

    struct FailsLate;

    impl Serialize for FailsLate {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{Error, SerializeSeq};
            let mut seq = serializer.serialize_seq(Some(2))?;
            seq.serialize_element("written already")?;
            Err(S::Error::custom("no more"))
        }
    }

    #[test]
    fn peer_fault_7_a_json_error_is_an_error_and_leaves_nothing_behind() {
        let mut out = b": before\n".to_vec();
        let error = Event::empty().encode_json_to_vec(&FailsLate, &mut out).unwrap_err();
        assert_eq!(error.to_string(), "no more");
        assert_eq!(out, b": before\n");
        assert!(Frame::json(Event::empty(), &FailsLate).is_err());
    }

    #[test]
    fn raw_line_breaks_in_json_become_lines() {
        #[derive(Serialize)]
        struct Text {
            text: &'static str,
        }
        let frame =
            Frame::json(Event::new("replaced").name(event_name!("t")), &Text { text: "a\nb" }).unwrap();
        assert_eq!(frame.as_bytes(), b"event: t\ndata: {\"text\":\"a\\nb\"}\n\n");
    }

    #[test]
    fn data_is_read_as_json_or_the_event_is_kept() {
        use crate::Events;
        use futures_util::{FutureExt, StreamExt, stream};
        let chunks = stream::iter([Ok::<_, ()>("event: n\ndata: [1,\ndata: 2]\n\ndata: [DONE]\n\n")]);
        let mut events = Events::new(chunks).map(Result::unwrap);
        let mut next = || events.next().now_or_never().unwrap().unwrap();
        assert_eq!(next().into_json::<Vec<u8>>().unwrap(), [1, 2]);
        let error = next().into_json::<Vec<u8>>().unwrap_err();
        assert_eq!(&error.event.data[..], "[DONE]");
        assert!(error.to_string().starts_with("the data of an event \"message\": expected"), "{error}");
        assert!(core::error::Error::source(&error).is_none(), "a chain of errors tells each once");
    }
}
