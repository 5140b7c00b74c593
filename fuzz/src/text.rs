//! Text that encoders stumble over.

use arbitrary::{Arbitrary, Result, Unstructured};

/// Text that is mostly made of what means something in an event stream, and of characters that other formats treat
/// specially; now and then, any text at all.
#[derive(Clone, Debug)]
pub struct Text(pub String);

/// One byte of the input each.
const PIECES: [&str; 24] = [
    "\n",
    "\r",
    "\r\n",
    "\n\r",
    "\0",
    ":",
    " ",
    ": ",
    "\u{feff}",
    "\u{2028}",
    "é",
    "€",
    "🦀",
    "data",
    "data: ",
    "id: 1",
    "event:x",
    "retry: 5",
    "\t",
    // The neighbours of LF and CR, also in the second byte of a character.
    "\u{b}",
    "\u{c}",
    "\u{8a}\u{8d}",
    // Longer than what a CPU compares at once, and two of it longer than what isn't worth the wider steps.
    "a line of more than sixty-four characters, so that a vector or two of it have no break",
    "sixteen letters.",
];

const MAX_PIECES: u8 = 32;

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        if u.ratio(1, 8)? {
            return u.arbitrary().map(Self);
        }
        let pieces = usize::from(u.int_in_range(0..=MAX_PIECES)?).min(u.len());
        let mut text = String::new();
        for &byte in u.bytes(pieces)? {
            match PIECES.get(usize::from(byte)) {
                Some(piece) => text.push_str(piece),
                None => text.push(char::from(byte)),
            }
        }
        Ok(Self(text))
    }
}
