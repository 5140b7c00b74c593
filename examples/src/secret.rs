//! What nobody can guess.

/// 128 random bits, in hexadecimal digits.
///
/// # Panics
/// If the system has no randomness: nothing would be safe then.
pub fn secret() -> String {
    let mut bytes = [0; 16];
    // Once Linux has booted, its `getrandom` has no error for so few bytes; and a key that can be guessed is none.
    getrandom::fill(&mut bytes).expect("the system has randomness");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
