//! The events.

/// How many bytes of data each has.
const DATA_LEN: usize = 100;

/// The data of the events to come: the number of each, from 1 on, filled up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbered {
    last: u64,
}

impl Numbered {
    /// How many there were so far, which is the number of the last.
    pub(crate) fn published(&self) -> u64 {
        self.last
    }
}

impl Iterator for Numbered {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.last += 1;
        Some(format!("{:.<DATA_LEN$}", self.last))
    }
}

/// The number of an event, if it's one and whole.
pub(crate) fn number(data: &str) -> Option<u64> {
    data.trim_end_matches('.').parse().ok().filter(|_| data.len() == DATA_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_number() {
        let texts: Vec<_> = Numbered::default().take(12).collect();
        assert!(texts.iter().map(|text| number(text)).eq((1..=12).map(Some)));
        assert_eq!(number(&texts[0][..DATA_LEN - 1]), None);
        assert_eq!(number(&texts[0].replace('1', ".")), None);
    }
}
