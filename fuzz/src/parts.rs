//! The parts of an event.

use crate::text::Text;
use arbitrary::Arbitrary;
use core::time::Duration;
use eventsource_core::codec::{EventIdBuf, EventNameBuf, Field, FieldError};
use eventsource_core::{Event, EventId, EventName};

/// What somebody wants to make an event of.
#[derive(Clone, Debug, Arbitrary)]
pub struct Wish {
    name: Option<Text>,
    id: Option<Text>,
    data: Option<Text>,
    retry: Option<Retry>,
    comment: Option<Text>,
}

/// A reconnection time; most of them near the edge of a millisecond.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Retry {
    JustBelow { millis: u32 },
    Exactly { millis: u32 },
    JustAbove { millis: u32 },
    Any(Duration),
    Max,
}

/// The parts of an event that can be had: the wish, without what a name or an id can't hold.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Holds no CR and no LF.
    pub name: Option<String>,
    /// Holds no CR, no LF and no NUL.
    pub id: Option<String>,
    /// Anything.
    pub data: Option<String>,
    /// Anything.
    pub retry: Option<Duration>,
    /// Anything.
    pub comment: Option<String>,
}

impl Wish {
    /// Checks that the types refuse what they have to, and only that, and takes it out.
    pub fn into_parts(self) -> Parts {
        Parts {
            name: self.name.map(|text| accepted_name(&text.0)),
            id: self.id.map(|text| accepted_id(&text.0)),
            data: self.data.map(|text| text.0),
            retry: self.retry.map(Retry::into_duration),
            comment: self.comment.map(|text| text.0),
        }
    }
}

impl Retry {
    fn into_duration(self) -> Duration {
        let edge = |millis: u32| Duration::from_millis(millis.into());
        match self {
            Self::JustBelow { millis } => edge(millis).saturating_sub(Duration::from_nanos(1)),
            Self::Exactly { millis } => edge(millis),
            Self::JustAbove { millis } => edge(millis) + Duration::from_nanos(1),
            Self::Any(duration) => duration,
            Self::Max => Duration::MAX,
        }
    }
}

impl Parts {
    /// The event with other data, or with none.
    pub fn event_with<'a>(&'a self, data: Option<&'a str>) -> Event<'a> {
        let mut event = Event::empty();
        if let Some(name) = &self.name {
            event = event.name(EventName::new(name).expect("without line breaks"));
        }
        if let Some(id) = &self.id {
            event = event.id(EventId::new(id).expect("without line breaks and NUL"));
        }
        if let Some(data) = data {
            event = event.data(data);
        }
        if let Some(retry) = self.retry {
            event = event.retry(retry);
        }
        if let Some(comment) = &self.comment {
            event = event.comment(comment);
        }
        event
    }

    /// The event.
    pub fn event(&self) -> Event<'_> {
        self.event_with(self.data.as_deref())
    }
}

fn accepted_name(text: &str) -> String {
    let forbidden = ['\r', '\n'];
    let refusal = expected_refusal(Field::Event, text, &forbidden);
    assert_eq!(EventName::new(text).err().map(describe), refusal, "{text:?}");
    assert_eq!(EventName::try_from(text).err().map(describe), refusal, "{text:?}");
    assert_eq!(text.parse::<EventNameBuf>().err().map(describe), refusal, "{text:?}");
    assert_eq!(EventNameBuf::try_from(text.to_owned()).err().map(describe), refusal, "{text:?}");
    text.replace(forbidden, "")
}

fn accepted_id(text: &str) -> String {
    let forbidden = ['\r', '\n', '\0'];
    let refusal = expected_refusal(Field::Id, text, &forbidden);
    assert_eq!(EventId::new(text).err().map(describe), refusal, "{text:?}");
    assert_eq!(EventId::try_from(text).err().map(describe), refusal, "{text:?}");
    assert_eq!(text.parse::<EventIdBuf>().err().map(describe), refusal, "{text:?}");
    assert_eq!(EventIdBuf::try_from(text.to_owned()).err().map(describe), refusal, "{text:?}");
    text.replace(forbidden, "")
}

type Refusal = (Field, char, usize);

fn expected_refusal(field: Field, text: &str, forbidden: &[char]) -> Option<Refusal> {
    let first = text.char_indices().find(|(_, character)| forbidden.contains(character));
    first.map(|(offset, character)| (field, character, offset))
}

fn describe(error: FieldError) -> Refusal {
    (error.field, error.character, error.offset)
}
