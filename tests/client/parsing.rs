//! What comes out of what comes in, wherever it's cut: that of `launchdarkly/sse-contract-tests`, and the formats of web-platform-tests.

use crate::harness::{event, get, heard, heard_all, millis, named, serve, with_id};
use crate::server::{Reply, Server};
use crate::transport::Transport;
use core::time::Duration;
use eventsource_core::Decoder;
use eventsource_core::client::Policy;
use futures_util::StreamExt;
use futures_util::future::join_all;
use hyper::body::Bytes;

/// A stream, in the chunks that it comes in, and what it means.
struct Row {
    name: String,
    chunks: Vec<Bytes>,
    pause: Duration,
    expected: Vec<String>,
    end: &'static str,
}

const ENDED_FOR_GOOD: &str = "over, the server ended the event stream";

fn row<const N: usize>(
    name: impl Into<String>,
    chunks: impl IntoIterator<Item = impl Into<Bytes>>,
    expected: [String; N],
) -> Row {
    let chunks = chunks.into_iter().map(Into::into).collect();
    Row { name: name.into(), chunks, pause: millis(10), expected: expected.into(), end: ENDED_FOR_GOOD }
}

/// Serves each row under a path of its own, and reads all of them at once, with comments.
async fn check<T: Transport>(rows: Vec<Row>) {
    let replies: Vec<_> =
        rows.iter().map(|row| Reply::stream().chunks(row.chunks.iter().cloned(), row.pause)).collect();
    let server = serve::<T>(move |exchange| replies[exchange.target[1..].parse::<usize>().unwrap()].clone());
    let heard = join_all((0..rows.len()).map(|number| read::<T>(&server, number))).await;
    for (row, heard) in rows.iter().zip(heard) {
        let expected = ["open 200".to_owned()].into_iter().chain(row.expected.iter().cloned());
        let expected: Vec<_> = expected.chain([row.end.to_owned()]).collect();
        assert_eq!(heard, expected, "{}", row.name);
    }
    assert_eq!(server.count(), rows.len());
}

async fn read<T: Transport>(server: &Server, number: usize) -> Vec<String> {
    let source = T::source(get(server.url(&format!("/{number}"))));
    let mut source = source.policy(Policy::answer()).decoder(Decoder::new().comments(true));
    heard_all(&mut source).await
}

pub(crate) async fn basic_parsing<T: Transport>() {
    let utf_8 = "data: €豆腐\n\n".as_bytes();
    let mut rows = vec![
        row("one line in one chunk", ["data: Hello\n\n"], [event("Hello")]),
        row(
            "two messages in three chunks, of which they share one",
            ["data: test", "test\n\ndata:", "test\n\n"],
            [event("testtest"), event("test")],
        ),
        row("one line in two chunks", ["data: Hel", "lo\n\n"], [event("Hello")]),
        row(
            "two of one line in one chunk",
            ["data: Hello\n\ndata: World\n\n"],
            [event("Hello"), event("World")],
        ),
        row("two lines in one chunk", ["data: Hello\ndata: World\n\n"], [event("Hello\nWorld")]),
        row("empty data", ["data:\n\n"], [event("")]),
        row("a type", ["event: greeting\ndata: Hello\n\n"], [named("greeting", "", "Hello")]),
        row("the type of none", ["event:\ndata: Hello\n\n"], [event("Hello")]),
        row("an id", ["id: abc\ndata: Hello\n\n"], [with_id("abc", "Hello")]),
        row(
            "a type and an id",
            ["event: greeting\nid: abc\ndata: Hello\n\n"],
            [named("greeting", "abc", "Hello")],
        ),
        row(
            "an id with NUL is ignored",
            ["id: abc\ndata: 1\n\nid: d\0f\ndata: 2\n\n"],
            [with_id("abc", "1"), with_id("abc", "2")],
        ),
        row(
            "the last id persists",
            ["id: abc\ndata: 1\n\ndata: 2\n\nid: def\ndata: 3\n\n"],
            [with_id("abc", "1"), with_id("abc", "2"), with_id("def", "3")],
        ),
        row(
            "the last id is overridden by the empty one",
            ["id: abc\ndata: 1\n\nid:\ndata: 2\n\n"],
            [with_id("abc", "1"), event("2")],
        ),
        row(
            "fields in the reverse order",
            ["data: Hello\nid: abc\nevent: greeting\n\n"],
            [named("greeting", "abc", "Hello")],
        ),
        row("an unknown field is ignored", ["data: Hello\nunknown: x\n\n"], [event("Hello")]),
        row("no leading space", ["event:greeting\ndata:Hello\n\n"], [named("greeting", "", "Hello")]),
        row(
            "a second leading space is kept",
            ["event:  greeting\ndata:  Hello\n\n"],
            [named(" greeting", "", " Hello")],
        ),
        row("a field without a colon", ["data\n\ndata\ndata\n\n"], [event(""), event("\n")]),
        row("of several bytes", [utf_8], [event("€豆腐")]),
    ];
    let bytes = utf_8.iter().map(|byte| Bytes::from(vec![*byte]));
    rows.push(Row {
        pause: millis(20), ..row("of several bytes, byte by byte", bytes, [event("€豆腐")])
    });
    let hundred: Vec<_> = (0..100).map(|number| format!("data: message {number}\n\n")).collect();
    let expected = (0..100).map(|number| event(&format!("message {number}"))).collect();
    rows.push(Row { expected, ..row("a hundred in order", [hundred.concat()], []) });
    check::<T>(rows).await;
}

/// Some millions of random characters of Base64, which stand in one line.
fn large(len: usize) -> String {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = 1_u64;
    let characters = (0..len).map(|_| {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        char::from(CHARACTERS[usize::from(random.to_be_bytes()[0] % 64)])
    });
    characters.collect()
}

/// 5 MiB as Base64 in one chunk, and twice as much in two.
pub(crate) async fn large_messages<T: Transport>() {
    let text = large(14_000_000);
    let one = text[..6_990_508].to_owned();
    let (first, second) = text[..13_300_000].split_at(6_650_000);
    let in_one = Reply::text(format!("data: {one}\n\n"));
    let in_two = Reply::text(format!("data: {first}")).bytes(format!("{second}\n\n"));
    for (reply, expected) in [(in_one, &one[..]), (in_two, &text[..13_300_000])] {
        let server = serve::<T>(move |_| reply.clone());
        let mut events = T::source(get(server.url("/"))).policy(Policy::answer()).events();
        let event = events.next().await.unwrap().unwrap();
        assert!(*event.data == *expected, "{} of {} bytes", event.data.len(), expected.len());
        assert!(events.next().await.is_none());
    }
}

pub(crate) async fn a_byte_order_mark<T: Transport>() {
    const BOM: &str = "\u{feff}";
    let bom = BOM.as_bytes();
    let hello = "data: Hello\n\n".as_bytes();
    check::<T>(vec![
        row("at the start", [[bom, hello].concat()], [event("Hello")]),
        row(
            "before a type",
            [format!("{BOM}event: greeting\ndata: Hello\n\n")],
            [named("greeting", "", "Hello")],
        ),
        row("once", [format!("{BOM}data: 1\n\ndata: 2\n\n")], [event("1"), event("2")]),
        row(
            "in later data it stays",
            [format!("data: 1\n\ndata: {BOM}2\n\n")],
            [event("1"), event("\u{feff}2")],
        ),
        row(
            "cut behind two bytes",
            [&bom[..2], &[&bom[2..], hello].concat()].map(<[u8]>::to_vec),
            [event("Hello")],
        ),
        row(
            "cut everywhere",
            [&bom[..1], &bom[1..2], &bom[2..], hello].map(<[u8]>::to_vec),
            [event("Hello")],
        ),
        row("only the first", [format!("{BOM}{BOM}data: 1\n\ndata: 2\n\n")], [event("2")]),
        row("none", [hello], [event("Hello")]),
        row("before two lines", [format!("{BOM}data: 1\ndata: 2\n\n")], [event("1\n2")]),
        row(
            "before a comment",
            [format!("{BOM}: Hello\ndata: 1\n\n")],
            ["comment Hello".to_owned(), event("1")],
        ),
        row("before empty data", [format!("{BOM}data:\n\n")], [event("")]),
    ])
    .await;
}

pub(crate) async fn comments<T: Transport>() {
    let hello = || "comment Hello".to_owned();
    check::<T>(vec![
        row("one", [": Hello\n"], [hello()]),
        row("two in a row", [": Hello\n:World\n"], [hello(), "comment World".to_owned()]),
        row("before an event", [": Hello\ndata: 1\n\n"], [hello(), event("1")]),
        row("after an event", ["data: 1\n\n: Hello\n"], [event("1"), hello()]),
    ])
    .await;

    // It comes out at the end of its line.
    let server = serve::<T>(|_| Reply::text(": Hello\n").silent());
    let mut source = T::source(get(server.url("/"))).decoder(Decoder::new().comments(true));
    assert_eq!(heard(&mut source, 2).await, ["open 200", "comment Hello"]);
}

/// Each line feed with each message in each chunking.
pub(crate) async fn line_feeds<T: Transport>() {
    let messages: [(&str, &[&str]); 6] = [
        ("data: Hello\n\n", &["Hello"]),
        ("data: Hello\n\ndata: a\ndata: b\n\n", &["Hello", "a\nb"]),
        ("data:\ndata: b\ndata: c\n\n", &["\nb\nc"]),
        ("data: a\ndata:\ndata: c\n\n", &["a\n\nc"]),
        ("data: a\n\n\ndata: b\n\n", &["a", "b"]),
        ("data: a\n\n\n\ndata: b\n\n", &["a", "b"]),
    ];
    let mut rows = Vec::new();
    for feed in ["\n", "\r\n", "\r"] {
        for (message, expected) in messages {
            let text = message.replace('\n', feed).into_bytes();
            for chunk in [text.len(), 1, 2] {
                let chunks = text.chunks(chunk).map(Bytes::copy_from_slice);
                let name = format!("{message:?} with {feed:?} in chunks of {chunk}");
                let expected = expected.iter().map(|data| event(data)).collect();
                rows.push(Row { expected, ..row(name, chunks, []) });
            }
        }
    }
    rows.push(row("CRLF cut in its middle", ["data: a\r", "\ndata: b\r", "\n\r", "\n"], [event("a\nb")]));
    assert_eq!(rows.len(), 55);
    check::<T>(rows).await;
}

/// Those that aren't among the others.
pub(crate) async fn formats_of_web_platform_tests<T: Transport>() {
    check::<T>(vec![
        row(
            "event-data",
            ["data:msg\ndata:msg\n\n:\nfalsefield:msg\n\nfalsefield:msg\n\
                Data:data\n\ndata\n\ndata:end\n\n"],
            [event("msg\nmsg"), "comment ".to_owned(), event(""), event("end")],
        ),
        row("format-bom-2", ["\u{feff}\u{feff}data:1\n\ndata:2\n\ndata:3\n\n"], [event("2"), event("3")]),
        row(
            "format-comments",
            [format!(
                "data:1\n:\0\n:\r\ndata:2\n:{}\rdata:3\n:data:fail\r:{0}\ndata:4\n\n",
                "x".repeat(2048)
            )],
            [
                "comment \0".to_owned(),
                "comment ".to_owned(),
                format!("comment {}", "x".repeat(2048)),
                "comment data:fail".to_owned(),
                format!("comment {}", "x".repeat(2048)),
                event("1\n2\n3\n4"),
            ],
        ),
        Row {
            end: "over, the connection failed",
            ..row("format-data-before-final-empty-line", ["data:a\n\ndata:test\n"], [event("a")])
        },
        row(
            "format-field-data",
            ["data:\n\ndata\ndata\n\ndata:test\n\n"],
            [event(""), event("\n"), event("test")],
        ),
        row("format-field-event", ["event:test\ndata:x\n\ndata:x\n\n"], [named("test", "", "x"), event("x")]),
        row("format-field-event-empty", ["event: \ndata:data\n\n"], [event("data")]),
        row(
            "format-field-parsing",
            ["data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\r\
                data_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n"],
            [event("\0\n 2\n1\n3\n\n4")],
        ),
        row(
            "format-field-unknown",
            ["data:test\n data\ndata\nfoobar:xxx\njustsometext\n\
                :thisisacommentyay\ndata:test\n\n"],
            ["comment thisisacommentyay".to_owned(), event("test\n\ntest")],
        ),
        row("format-leading-space", ["data:\ttest\rdata: \ndata:test\n\n"], [event("\ttest\n\ntest")]),
        row("format-newlines", ["data:test\r\ndata\ndata:test\r\n\r\n"], [event("test\n\ntest")]),
        row("format-null-character", ["data:\0\n\n\n\n"], [event("\0")]),
        row("format-utf-8", ["data:ok…\n\n"], [event("ok…")]),
    ])
    .await;
}
