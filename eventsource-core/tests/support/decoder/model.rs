//! A naive second decoder, with limits: line by line over a whole stream, straight from the standard and from the documentation of
//! `Limits`, `Overflow` and `Decoder::with_buffer`.

#![allow(unreachable_pub, reason = "it's also a part of the fuzz targets' library, which exports it")]

use super::seen::Seen;
use core::time::Duration;
use eventsource_core::Decoder;
use eventsource_core::codec::{Limit, Limits, Memory, Overflow};
use eventsource_core::test_util::Dispatched;

/// How it's set up.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Of what comes in.
    pub limits: Limits,
    /// What to do then.
    pub overflow: Overflow,
    /// Whether comments are items.
    pub comments: bool,
    /// The size of the buffer that it works in, if it isn't to grow.
    pub buffer: Option<usize>,
}

/// What has come of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that has come out.
    pub seen: Vec<Seen>,
    /// The last event ID then.
    pub last_event_id: String,
    /// Whether the end has cut an event off.
    pub is_mid_event: bool,
    /// How many lines were no field and no comment.
    pub ignored_lines: u64,
}

impl Outcome {
    /// Of a decoder that has seen the stream.
    pub fn of<M: Memory>(decoder: &Decoder<M>, seen: Vec<Seen>) -> Self {
        Self {
            seen,
            last_event_id: decoder.last_event_id().to_string(),
            is_mid_event: decoder.is_mid_event(),
            ignored_lines: decoder.ignored_lines(),
        }
    }
}

impl Model {
    /// What comes of a stream.
    pub fn decode(self, stream: &[u8]) -> Outcome {
        self.decode_after("", stream)
    }

    /// What comes of a stream after an event of an earlier one.
    pub fn decode_after(self, last_event_id: &str, stream: &[u8]) -> Outcome {
        let part = self.buffer.map_or(usize::MAX, |size| size / 8);
        let data_part = self.buffer.map_or(usize::MAX, |size| size - 4 * part);
        let mut reader = Reader {
            model: self,
            part,
            data_part,
            seen: Vec::new(),
            data: Vec::new(),
            name: Vec::new(),
            id: None,
            last_event_id: last_event_id.to_owned(),
            skipping: false,
            is_cut: false,
            ignored: 0,
        };
        let bom = "\u{feff}".as_bytes();
        // The beginning of a BOM isn't the beginning of a line yet.
        let stream = if bom.starts_with(stream) { b"" } else { stream };
        let mut rest = stream.strip_prefix(bom).unwrap_or(stream);
        while !rest.is_empty() && !reader.has_stopped() {
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
            rest = match after {
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => &[],
            };
            match (line, end) {
                ([], _) => reader.blank_line(),
                (_, Some(_)) => reader.line(line),
                (_, None) => reader.cut_line(line),
            }
        }
        Outcome {
            is_mid_event: reader.is_cut
                || reader.skipping
                || reader.id.is_some()
                || !reader.data.is_empty()
                || !reader.name.is_empty(),
            seen: reader.seen,
            last_event_id: reader.last_event_id,
            ignored_lines: reader.ignored,
        }
    }
}

/// Those of which an event is made.
const EVENT_FIELDS: [&[u8]; 3] = [b"data", b"event", b"id"];

/// All that there are; the one without a name is a comment.
const FIELDS: [&[u8]; 5] = [b"data", b"event", b"id", b"retry", b""];

struct Reader {
    model: Model,
    /// Of the buffer, for each field but data, and for that.
    part: usize,
    data_part: usize,
    seen: Vec<Seen>,
    /// The buffers of the standard. Each line of data has a LF.
    data: Vec<u8>,
    name: Vec<u8>,
    id: Option<String>,
    last_event_id: String,
    skipping: bool,
    /// The stream has ended in a line of an event.
    is_cut: bool,
    ignored: u64,
}

impl Reader {
    fn has_stopped(&self) -> bool {
        self.model.overflow == Overflow::Stop && self.seen.iter().any(|seen| matches!(seen, Seen::Error(..)))
    }

    /// Skips the rest of the block.
    fn fail(&mut self, (limit, size): (Limit, usize)) {
        self.seen.push(Seen::Error(limit, size));
        self.skipping = true;
    }

    fn blank_line(&mut self) {
        let data = self.data.strip_suffix(b"\n").map(<[u8]>::to_vec);
        if let (Some(data), false) = (&data, self.skipping) {
            if !fits_with_its_text(&self.name, self.part) {
                self.fail((Limit::Buffer, self.part));
            } else if !fits_with_its_text(data, self.data_part) {
                self.fail((Limit::Buffer, self.data_part));
            }
            if self.has_stopped() {
                return;
            }
        }
        let has_id = self.id.is_some();
        self.last_event_id = self.id.take().unwrap_or_else(|| self.last_event_id.clone());
        let name = core::mem::take(&mut self.name);
        self.data.clear();
        match data {
            Some(data) if !self.skipping => self.seen.push(Seen::Event(Dispatched {
                name: if name.is_empty() { "message".to_owned() } else { text(&name) },
                data: text(&data),
                last_event_id: self.last_event_id.clone(),
            })),
            _ if has_id => self.seen.push(Seen::LastEventId(self.last_event_id.clone())),
            _ => {}
        }
        self.skipping = false;
    }

    fn line(&mut self, line: &[u8]) {
        let (field, start) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], colon + 1 + usize::from(line.get(colon + 1) == Some(&b' '))),
            None => (line, line.len()),
        };
        let value = &line[start..];
        self.ignored += u64::from(!FIELDS.contains(&field));
        if !self.accepts(field, start, value) {
            return;
        }
        match field {
            b"data" => self.data.extend([value, b"\n"].concat()),
            b"event" => self.name = value.to_vec(),
            b"id" if value.contains(&0) => {}
            b"id" if text(value).len() <= self.part => self.id = Some(text(value)),
            b"" if fits_with_its_text(value, self.part) => self.seen.push(Seen::Comment(text(value))),
            b"id" | b"" if !self.skipping => self.fail((Limit::Buffer, self.part)),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let millis: u128 = text(value).parse().unwrap_or(u128::MAX);
                let (seconds, millis) =
                    (u64::try_from(millis / 1000), Duration::from_millis((millis % 1000) as u64));
                let retry = seconds.map_or(Duration::MAX, |seconds| Duration::from_secs(seconds) + millis);
                self.seen.push(Seen::Retry(retry));
            }
            _ => {}
        }
    }

    /// The stream has ended in a line: what's too large of it is told all the same, once its field is known. That it is by its colon
    /// and the byte after that, which may be the one space.
    fn cut_line(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let field = &line[..colon.unwrap_or(line.len())];
        let may_be = |known: &&[u8]| if colon.is_some() { field == *known } else { known.starts_with(field) };
        self.is_cut = EVENT_FIELDS.iter().any(may_be);
        self.ignored += u64::from(!FIELDS.iter().any(may_be));
        match colon {
            Some(colon) if colon + 1 < line.len() => {
                let start = colon + 1 + usize::from(line[colon + 1] == b' ');
                self.accepts(field, start, &line[start..]);
            }
            _ => {}
        }
    }

    /// Whether a value that begins at `start` in its line is kept. Each of its bytes has to be within the limit of the line and that
    /// of its field; that of which a byte is beyond first is told.
    fn accepts(&mut self, field: &[u8], start: usize, value: &[u8]) -> bool {
        let Limits { line, event, name, id, .. } = self.model.limits;
        let smaller = |limit, size, part| if part < size { (Limit::Buffer, part) } else { (limit, size) };
        let (limit, used) = match field {
            b"data" if !self.skipping => (smaller(Limit::Event, event, self.data_part), self.data.len() + 1),
            b"event" if !self.skipping => (smaller(Limit::Name, name, self.part), 0),
            b"id" => (smaller(Limit::Id, id, self.part), 0),
            b"" if self.model.comments => ((Limit::Buffer, self.part), 0),
            b"retry" => return true,
            _ => return false,
        };
        let room = limit.1.checked_sub(used);
        let room_in_line = line.checked_sub(start);
        let told = if room_in_line <= room { (Limit::Line, line) } else { limit };
        let accepted = Some(value.len()) <= room.min(room_in_line);
        if !accepted && !self.skipping {
            self.fail(told);
        }
        accepted
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Where something has to be replaced, the text goes beside the bytes.
fn fits_with_its_text(bytes: &[u8], part: usize) -> bool {
    core::str::from_utf8(bytes).is_ok() || bytes.len() + text(bytes).len() <= part
}
