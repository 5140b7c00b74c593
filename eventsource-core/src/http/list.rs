//! Lists in header fields.

/// Splits a field's value at a separator, but not within quoted strings (RFC 9110 §5.6.1 and §5.6.4).
pub(super) fn split(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    value.split(move |&byte| {
        let was_escaped = core::mem::take(&mut is_escaped);
        match byte {
            _ if was_escaped => false,
            b'\\' if is_quoted => {
                is_escaped = true;
                false
            }
            b'"' => {
                is_quoted = !is_quoted;
                false
            }
            _ => byte == separator && !is_quoted,
        }
    })
}
