//! The two validated fields of an event: its name and its id.

use core::fmt;

/// The name of an event: the value of its `event` field, the type that the client dispatches.
///
/// Holds no CR and no LF, so it can't end its line and inject fields or whole events. Everything else is
/// allowed. The empty name means the default type, `message`.
///
/// The names `open` and `error` are legal but unwise: a browser's `EventSource` fires events of
/// its own under these names, so a page can't tell yours from them.
///
/// ```
/// use eventsource_core::EventName;
///
/// let tick = EventName::new("tick")?;
/// assert_eq!(tick.as_str(), "tick");
///
/// let error = EventName::new("tick\nid: 7").unwrap_err();
/// assert_eq!((error.character, error.offset), ('\n', 4));
/// # Ok::<(), eventsource_core::codec::FieldError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventName<'a>(&'a str);

/// The id of an event: the value of its `id` field, what the client sends back as `Last-Event-ID`.
///
/// Holds no CR, no LF and no NUL: the first two would end the line, and a client ignores an id with NUL in
/// it. The empty id is meaningful: it makes the client forget the last event ID.
///
/// Legal isn't wise: a client sends the id back in a header. An id that can't come back whole isn't
/// [resumable](Self::is_resumable).
///
/// ```
/// use eventsource_core::EventId;
///
/// assert_eq!(EventId::new("42")?.as_str(), "42");
/// assert!(EventId::new("4\02").is_err());
/// # Ok::<(), eventsource_core::codec::FieldError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId<'a>(&'a str);

/// Which field refused its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The `event` field, an [`EventName`].
    Event,
    /// The `id` field, an [`EventId`].
    Id,
}

/// A text that can't be an event name or an event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct FieldError {
    /// The field that refused its text.
    pub field: Field,
    /// The first character that isn't allowed there.
    pub character: char,
    /// The character's offset in bytes from the start of the text.
    pub offset: usize,
}

impl<'a> EventName<'a> {
    /// The type of an event without a name.
    pub const MESSAGE: Self = Self("message");

    /// Of text that a decoder has cut out of a line.
    pub(crate) const fn trusted(name: &'a str) -> Self {
        Self(name)
    }

    /// Checks `name`; also at compile time, for which [`event_name!`](crate::event_name) is the short form.
    ///
    /// # Errors
    /// The first CR or LF, with its offset in bytes.
    pub const fn new(name: &'a str) -> Result<Self, FieldError> {
        match find_forbidden(Field::Event, name) {
            None => Ok(Self(name)),
            Some(error) => Err(error),
        }
    }

    /// The name as text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a> EventId<'a> {
    /// A server looks at no more bytes of a last event ID.
    pub(crate) const MAX_RESUMABLE_LEN: usize = 256;

    /// Of text that a decoder has cut out of a line.
    pub(crate) const fn trusted(id: &'a str) -> Self {
        Self(id)
    }

    /// Checks `id`; also at compile time.
    ///
    /// # Errors
    /// The first CR, LF or NUL, with its offset in bytes.
    pub const fn new(id: &'a str) -> Result<Self, FieldError> {
        match find_forbidden(Field::Id, id) {
            None => Ok(Self(id)),
            Some(error) => Err(error),
        }
    }

    /// Whether a client can send it back as `Last-Event-ID`, and the type `LastEventId` takes it: at most 256 bytes, no
    /// control characters, no space at its ends, which a header would lose.
    ///
    /// Of a control character, worse comes: HTTP servers answer a request that holds one with 400, and a browser whose
    /// reconnection is answered so never comes back.
    pub const fn is_resumable(self) -> bool {
        let bytes = self.0.as_bytes();
        if let [b' ' | b'\t', ..] | [.., b' ' | b'\t'] = bytes {
            return false;
        }
        let mut rest = bytes;
        while let [byte, after @ ..] = rest {
            if byte.is_ascii_control() && *byte != b'\t' {
                return false;
            }
            rest = after;
        }
        bytes.len() <= Self::MAX_RESUMABLE_LEN
    }

    /// The id as text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// Checks an [`EventName`] literal at compile time.
///
/// ```
/// use eventsource_core::{EventName, event_name};
///
/// const TICK: EventName<'static> = event_name!("tick");
/// assert_eq!(TICK.as_str(), "tick");
/// ```
///
/// ```compile_fail
/// let name = eventsource_core::event_name!("tick\ndata: injected");
/// ```
#[macro_export]
macro_rules! event_name {
    ($name:expr) => {
        const {
            match $crate::EventName::new($name) {
                ::core::result::Result::Ok(name) => name,
                ::core::result::Result::Err(_) => ::core::panic!("an event name holds no CR and no LF"),
            }
        }
    };
}

/// §9.2.5: neither field can hold a line end; §9.2.6: an id with U+0000 NULL is ignored.
#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "const, and bounded by the loop's condition"
)]
const fn find_forbidden(field: Field, text: &str) -> Option<FieldError> {
    let bytes = text.as_bytes();
    let mut offset = 0;
    while offset < bytes.len() {
        let byte = bytes[offset];
        if byte == b'\n' || byte == b'\r' || (byte == 0 && matches!(field, Field::Id)) {
            return Some(FieldError { field, character: byte as char, offset });
        }
        offset += 1;
    }
    None
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "event name",
            Self::Id => "event id",
        })
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, character, offset } = self;
        let character = match character {
            '\n' => "a line feed",
            '\r' => "a carriage return",
            _ => "U+0000 NULL",
        };
        write!(f, "{field} holds {character} at byte {offset}")
    }
}

impl core::error::Error for FieldError {}

/// What the borrowed and the owned form of a field have in common beyond `new` and `as_str`.
macro_rules! field_impls {
    ($View:ident) => {
        impl<'a> TryFrom<&'a str> for $View<'a> {
            type Error = FieldError;

            fn try_from(text: &'a str) -> Result<Self, FieldError> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $View<'_> {
            fn as_ref(&self) -> &str {
                self.0
            }
        }

        impl fmt::Display for $View<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.0)
            }
        }
    };
}

field_impls!(EventName);
field_impls!(EventId);

#[cfg(feature = "alloc")]
pub use owned::{EventIdBuf, EventNameBuf};

#[cfg(feature = "alloc")]
mod owned {
    use super::{EventId, EventName, FieldError};
    use alloc::string::String;
    use bytestring::ByteString;
    use core::fmt;
    use core::str::FromStr;

    /// An owned [`EventName`]; a clone is a reference count.
    ///
    /// ```
    /// use eventsource_core::codec::EventNameBuf;
    ///
    /// let name: EventNameBuf = "tick".parse()?;
    /// assert_eq!(name.as_name().as_str(), "tick");
    /// # Ok::<(), eventsource_core::codec::FieldError>(())
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct EventNameBuf(ByteString);

    /// An owned [`EventId`]; a clone is a reference count.
    ///
    /// ```
    /// use eventsource_core::codec::EventIdBuf;
    /// use eventsource_core::EventId;
    ///
    /// let id = EventIdBuf::from(EventId::new("42")?);
    /// assert_eq!(id.as_id(), EventId::new("42")?);
    /// # Ok::<(), eventsource_core::codec::FieldError>(())
    /// ```
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct EventIdBuf(ByteString);

    macro_rules! owned_field {
        ($Owned:ident, $View:ident, $as_view:ident) => {
            impl $Owned {
                /// The borrowed form.
                pub fn $as_view(&self) -> $View<'_> {
                    $View(&self.0)
                }

                /// The field as text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl From<$View<'_>> for $Owned {
                fn from(view: $View<'_>) -> Self {
                    Self(view.0.into())
                }
            }

            impl<'a> From<&'a $Owned> for $View<'a> {
                fn from(owned: &'a $Owned) -> Self {
                    owned.$as_view()
                }
            }

            impl TryFrom<String> for $Owned {
                type Error = FieldError;

                fn try_from(text: String) -> Result<Self, FieldError> {
                    $View::new(&text)?;
                    Ok(Self(text.into()))
                }
            }

            impl FromStr for $Owned {
                type Err = FieldError;

                fn from_str(text: &str) -> Result<Self, FieldError> {
                    $View::new(text).map(Self::from)
                }
            }

            impl AsRef<str> for $Owned {
                fn as_ref(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $Owned {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(&self.0)
                }
            }
        };
    }

    /// Digits are always an id.
    impl From<u64> for EventIdBuf {
        fn from(id: u64) -> Self {
            Self(itoa::Buffer::new().format(id).into())
        }
    }

    impl EventNameBuf {
        /// The type of an event without a name.
        pub(crate) const MESSAGE: Self = Self(ByteString::from_static(EventName::MESSAGE.0));
    }

    owned_field!(EventNameBuf, EventName, as_name);
    owned_field!(EventIdBuf, EventId, as_id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    #[test]
    fn names_refuse_line_ends_and_say_where() {
        let error = EventName::new("ab\rc\n").unwrap_err();
        assert_eq!((error.field, error.character, error.offset), (Field::Event, '\r', 2));
        assert_eq!(error.to_string(), "event name holds a carriage return at byte 2");
        assert_eq!(EventName::new("é\n").unwrap_err().offset, 2);
    }

    #[test]
    fn ids_refuse_nul_too() {
        let error = EventId::new("1\0").unwrap_err();
        assert_eq!(error.to_string(), "event id holds U+0000 NULL at byte 1");
        assert!(EventName::new("1\0").is_ok(), "NUL is an ordinary character of a name");
    }

    #[test]
    fn some_ids_would_not_come_back() {
        let long = "x".repeat(257);
        for id in ["\x01", "a\x7f", " 7", "7 ", "\t7", &long] {
            assert!(!EventId::new(id).unwrap().is_resumable(), "{id:?}");
        }
        for id in ["", "7", "a b", "é", "a\tb", &long[1..]] {
            assert!(EventId::new(id).unwrap().is_resumable(), "{id:?}");
        }
        assert_eq!(EventIdBuf::from(u64::MAX).as_str(), "18446744073709551615");
    }

    #[test]
    fn everything_else_is_allowed() {
        for text in ["", " ", ":", "\u{feff}", "\u{2028}\u{85}", "\t", "🦀"] {
            assert_eq!(EventName::new(text).unwrap().as_str(), text);
            assert_eq!(EventId::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn owned_forms_are_no_way_round_the_check() {
        assert!(EventNameBuf::try_from(String::from("a\n")).is_err());
        assert!("a\r".parse::<EventIdBuf>().is_err());
        let id: EventIdBuf = "7".parse().unwrap();
        assert_eq!((id.as_str(), id.as_id().as_str(), id.to_string().as_str()), ("7", "7", "7"));
    }
}
