//! Finding line breaks, the one thing that costs time in this format.

use memchr::memchr2;

/// The offset of the first CR or LF.
#[inline]
pub(crate) fn find_line_break(bytes: &[u8]) -> Option<usize> {
    memchr2(b'\n', b'\r', bytes)
}

/// How many CRs and LFs there are, and how many line breaks they make: CRLF is one.
pub(crate) fn count_line_breaks(bytes: &[u8]) -> LineBreaks {
    let characters = bytes.iter().filter(|&&byte| byte == b'\n' || byte == b'\r').count();
    let pairs = bytes.iter().zip(bytes.iter().skip(1)).filter(|&pair| pair == (&b'\r', &b'\n')).count();
    LineBreaks { characters, breaks: characters.saturating_sub(pairs) }
}

#[derive(Default)]
pub(crate) struct LineBreaks {
    pub(crate) characters: usize,
    pub(crate) breaks: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crlf_is_one_break_of_two_characters() {
        for (text, characters, breaks) in
            [("", 0, 0), ("\r\n", 2, 1), ("\n\r", 2, 2), ("\r\r\n\n", 4, 3), ("a\rb\nc\r\n", 4, 3)]
        {
            let counted = count_line_breaks(text.as_bytes());
            assert_eq!((counted.characters, counted.breaks), (characters, breaks), "{text:?}");
        }
    }
}
