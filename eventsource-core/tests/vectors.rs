//! The vectors of `tests/vectors/`: what the standard makes of a stream, whatever the engine, the cuts and the line ends.
//!
//! `cases.json` says for each case what comes out, stated from the standard and not by running anything; its bytes are in a
//! file of its own. The comments are without the one space after their colon, and a retry is in milliseconds as
//! written. A long text is a list of pieces and how often each is repeated.

#[path = "support/decoder/seen.rs"]
mod seen;

use core::convert::Infallible;
use core::time::Duration;
use eventsource_core::codec::Memory;
use eventsource_core::test_util::{Dispatched, Interpretation, interpret};
use eventsource_core::{Decoder, Events};
use futures_util::{FutureExt, StreamExt, stream};
use seen::{Seen, cut, feed, summary};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The clause of the standard that it shows.
    clause: String,
    why: String,
    /// The file with its bytes.
    stream: String,
    /// It means the same with CR and with CRLF for each LF.
    any_line_end: bool,
    items: Vec<Stated>,
    /// At the end of the stream.
    last_event_id: Text,
}

/// What comes out, as it's written down.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Stated {
    Event {
        name: Text,
        data: Text,
        last_event_id: Text,
    },
    Comment(Text),
    #[serde(deserialize_with = "milliseconds")]
    Retry(Duration),
    LastEventId(Text),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Notation")]
struct Text(String);

#[derive(Deserialize)]
#[serde(untagged)]
enum Notation {
    Plain(String),
    Repeated(Vec<(String, usize)>),
}

impl From<Notation> for Text {
    fn from(notation: Notation) -> Self {
        Self(match notation {
            Notation::Plain(text) => text,
            Notation::Repeated(pieces) => pieces.iter().map(|(text, times)| text.repeat(*times)).collect(),
        })
    }
}

impl From<Stated> for Seen {
    fn from(stated: Stated) -> Self {
        match stated {
            Stated::Event { name: Text(name), data: Text(data), last_event_id: Text(last_event_id) } => {
                Self::Event(Dispatched { name, data, last_event_id })
            }
            Stated::Comment(Text(text)) => Self::Comment(text),
            Stated::Retry(after) => Self::Retry(after),
            Stated::LastEventId(Text(id)) => Self::LastEventId(id),
        }
    }
}

/// What's longer than the longest `Duration` is that.
fn milliseconds<'d, D: serde::Deserializer<'d>>(retry: D) -> Result<Duration, D::Error> {
    let Text(digits) = Text::deserialize(retry)?;
    let (seconds, millis) = digits.split_at(digits.len().saturating_sub(3));
    let millis = Duration::from_millis(millis.parse().unwrap());
    Ok(match seconds {
        "" => millis,
        _ => seconds.parse().map_or(Duration::MAX, |seconds| Duration::from_secs(seconds) + millis),
    })
}

/// What a client has seen at the end of the stream: the items, and the last event ID.
type Outcome = (Vec<Seen>, String);

/// Reads a stream that comes in these chunks.
type Engine = fn(&[&[u8]]) -> Outcome;

/// Each engine that tells everything, in order. One more is one more line.
const ENGINES: [(&str, Engine); 2] = [("growable decoder", growable), ("decoder in a buffer", in_a_buffer)];

fn growable(chunks: &[&[u8]]) -> Outcome {
    decode(Decoder::new(), chunks)
}

/// One that's large enough for the stream in each of its parts, even if every byte becomes U+FFFD.
fn in_a_buffer(chunks: &[&[u8]]) -> Outcome {
    let mut buffer = vec![0; 32 * chunks.concat().len() + 8];
    decode(Decoder::with_buffer(&mut buffer), chunks)
}

fn decode<M: Memory>(decoder: Decoder<M>, chunks: &[&[u8]]) -> Outcome {
    let mut decoder = decoder.comments(true);
    let items = feed(&mut decoder, chunks.iter().copied());
    (items, decoder.last_event_id().to_string())
}

/// `Events` hands out events alone, and knows of the rest as of the last one.
fn through_events(chunks: &[&[u8]]) -> Interpretation {
    let chunks: Vec<_> = chunks.iter().map(|chunk| Ok::<_, Infallible>(chunk.to_vec())).collect();
    let mut events = Events::new(stream::iter(chunks));
    let mut seen = Interpretation::default();
    // Pending means only that it gives way for a while: every chunk is there.
    let mut next = || iter::repeat_with(|| events.next().now_or_never()).find_map(|polled| polled).flatten();
    while let Some(event) = next() {
        let event = event.expect("no limit is exceeded");
        seen.events.push(Dispatched {
            name: event.name.to_string(),
            data: event.data.to_string(),
            last_event_id: event.last_event_id.to_string(),
        });
    }
    seen.retry = events.retry();
    seen.last_event_id = events.last_event_id().to_string();
    seen
}

/// The stream as it's written, and where that changes nothing with other line ends. In the last, no LF comes after a CR
/// that isn't its own.
fn line_ends(case: &Case, bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut streams = vec![("as written", bytes.to_vec())];
    if case.any_line_end {
        let cycles: [(_, &[&[u8]]); 3] =
            [("CR", &[b"\r"]), ("CRLF", &[b"\r\n"]), ("LF, CR, CRLF in turn", &[b"\n", b"\r", b"\r\n"])];
        streams.extend(cycles.map(|(which, ends)| (which, with_ends(bytes, ends))));
    }
    streams
}

fn with_ends(bytes: &[u8], ends: &[&[u8]]) -> Vec<u8> {
    let mut ends = ends.iter().cycle();
    let mut stream = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.split_last() {
            Some((b'\n', line)) => stream.extend([line, ends.next().unwrap()].concat()),
            _ => stream.extend(line),
        }
    }
    stream
}

/// The lengths of chunks, without end.
type Lengths = Box<dyn Iterator<Item = usize>>;

/// The ways to cut a stream. Zeros are empty chunks.
fn cuts() -> Vec<(String, Lengths)> {
    let whole: (_, Lengths) = ("whole".to_owned(), Box::new([usize::MAX].into_iter()));
    let lengths: [&[usize]; 6] = [&[1], &[2], &[3], &[7], &[0, 1, 0, 0, 2], &[0, 7, 0, 5]];
    let regular = lengths.map(|lengths| -> (_, Lengths) {
        (format!("cut by {lengths:?}"), Box::new(lengths.iter().copied().cycle()))
    });
    let at_random = (1..=8).map(|seed| -> (_, Lengths) {
        let longest = 2 << seed; // 4, 8 … 512
        (
            format!("cut at random, seed {seed}"),
            Box::new(random(seed).map(move |number| 1 + number % longest)),
        )
    });
    [whole].into_iter().chain(regular).chain(at_random).collect()
}

/// Xorshift, so that a failure comes back.
fn random(seed: u64) -> impl Iterator<Item = usize> {
    core::iter::successors(Some(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), |&state| {
        let state = state ^ (state << 13);
        let state = state ^ (state >> 7);
        Some(state ^ (state << 17))
    })
    .map(|state| usize::try_from(state >> 33).unwrap())
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn vectors() -> PathBuf {
    manifest().join("tests/vectors")
}

fn cases() -> Vec<Case> {
    let json = fs::read_to_string(vectors().join("cases.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// The names of the files in a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn every_vector_means_the_same_to_every_engine_in_every_cut() {
    for case in cases() {
        let bytes = fs::read(vectors().join(&case.stream)).unwrap();
        assert_eq!(case.any_line_end, !bytes.contains(&b'\r'), "{}: the flag is wrong", case.name);
        let items: Vec<Seen> = case.items.iter().cloned().map(Seen::from).collect();
        let summed_up = summary(&items, &case.last_event_id.0);
        let expected = (items, case.last_event_id.0.clone());
        for (ends, stream) in line_ends(&case, &bytes) {
            let at = format!("{} ({}, {}), line ends {ends}", case.name, case.clause, case.why);
            assert_eq!(interpret(&stream), summed_up, "{at}, whole, to the interpreter");
            for (how, lengths) in cuts() {
                let chunks = cut(&stream, lengths);
                for (engine, read) in ENGINES {
                    assert_eq!(read(&chunks), expected, "{at}, {how}, to the {engine}");
                }
                let mut events = summed_up.clone();
                events.comments.clear();
                assert_eq!(through_events(&chunks), events, "{at}, {how}, to `Events`");
            }
        }
    }
}

#[test]
fn the_suite_is_whole() {
    let cases = cases();
    assert!(cases.len() >= 250, "{}", cases.len());
    let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "each name is used once");
    let mut used: BTreeSet<_> = cases.iter().map(|case| case.stream.clone()).collect();
    used.insert("cases.json".to_owned());
    assert_eq!(files(&vectors()), used, "each file is used, and each that's used is there");
}

/// In a row of a table, the last cell has the names of vectors and tests that show a clause. A name that ends in `*` stands for
/// all that begin so.
#[test]
fn docs_conformance_names_vectors_and_tests_that_exist() {
    let mut names: BTreeSet<String> = cases().into_iter().map(|case| case.name).collect();
    let tests = tests_of_the_workspace();
    names.extend(tests.iter().cloned());
    let page = fs::read_to_string(manifest().join("../docs/conformance.md")).unwrap();
    // The last section has what `cargo xtask faults` checks.
    let (page, _) = page.split_once("\n## A client beside others\n").unwrap();
    let mut clauses = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.ends_with(" | shown by |")) {
        let (_, cell) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        let mentioned: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
        assert!(!mentioned.is_empty() || cell.starts_with('—'), "nothing shows this: {row}");
        for name in mentioned {
            let exists = match name.strip_suffix('*') {
                Some(beginning) => names.iter().any(|name| name.starts_with(beginning)),
                None => names.contains(name),
            };
            assert!(exists, "docs/conformance.md mentions {name}, which isn't there");
        }
        clauses += 1;
    }
    assert!(clauses >= 60, "{clauses}");
    let faults: BTreeSet<_> =
        tests.iter().map(String::as_str).filter(|test| test.starts_with("peer_fault_")).collect();
    assert_eq!(
        faults,
        listed_faults(page),
        "a test of a fault is in the fault's row, and a test in a row is there"
    );
}

/// The tests in the table of faults that have the number of their row in their name.
fn listed_faults(page: &str) -> BTreeSet<&str> {
    let (_, section) = page.split_once("\n## Faults seen in other libraries\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut listed = BTreeSet::new();
    let mut last = 0;
    for row in section.lines().filter(|line| line.starts_with("| ") && !line.ends_with(" | shown by |")) {
        let number: u32 = row.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(number > last, "fault {number} has one row, in its place");
        last = number;
        for test in row.split('`').filter(|name| name.starts_with("peer_fault_")) {
            assert!(
                test.starts_with(&format!("peer_fault_{number}_")),
                "{test} is in the row of fault {number}"
            );
            listed.insert(test);
        }
    }
    listed
}

/// The names of all tests, in `src` and in `tests`.
fn tests_of_the_workspace() -> BTreeSet<String> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(manifest().join("..")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("eventsource-") || name == "examples" {
            folders.extend([path.join("src"), path.join("tests")]);
        } else if name == "tests" {
            folders.extend([path.join("adapters"), path.join("client"), path.join("interop")]);
        }
    }
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        // Not each has tests.
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let code = fs::read_to_string(path).unwrap();
                let functions = code.lines().map(str::trim_start);
                // Those of a suite are tests on each runtime, or over each transport.
                let functions = functions.map(|line| line.strip_prefix("pub(crate) ").unwrap_or(line));
                let functions = functions.map(|line| line.strip_prefix("async ").unwrap_or(line));
                names.extend(
                    functions.filter_map(|line| {
                        Some(line.strip_prefix("fn ")?.split_once(['(', '<'])?.0.to_owned())
                    }),
                );
            }
        }
    }
    names
}
