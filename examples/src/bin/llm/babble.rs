//! What stands here for a model.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use tokio::time::sleep;

/// A model needs some for each.
const TIME_PER_WORD: Duration = Duration::from_millis(20);

const WORDS: [&str; 32] = [
    "a", "and", "bird", "but", "by", "cloud", "dances", "every", "falls", "garden", "green", "in", "its",
    "keeps", "light", "moon", "never", "of", "old", "over", "rain", "river", "sings", "slow", "stone", "the",
    "to", "under", "water", "wind", "with", "yellow",
];

/// Says the next word of an answer, with the space before it. It's babble and no model's: the prompt and the word's number pick
/// it from a list, so that the same question has the same answer.
///
/// # Cancel safety
/// Dropped, it has said nothing.
pub(crate) async fn next_word(prompt: &str, number: usize) -> String {
    sleep(TIME_PER_WORD).await;
    let mut hasher = DefaultHasher::new();
    (prompt, number).hash(&mut hasher);
    let [pick, ..] = hasher.finish().to_le_bytes();
    let word = WORDS[usize::from(pick) % WORDS.len()];
    if number == 0 { word.to_owned() } else { format!(" {word}") }
}
