//! Events as a person would want to read them.

use eventsource_core::OwnedEvent;
use examples::harmless;
use std::io::{IsTerminal, Write, stdout};

/// Prints to the standard output, in colours if that's a terminal. Nobody can send it control sequences.
pub(crate) struct Printer {
    colours: bool,
}

const DIM: &str = "\x1b[2m";
const NAME: &str = "\x1b[1;36m";
const PLAIN: &str = "\x1b[0m";

impl Printer {
    pub(crate) fn new() -> Self {
        Self { colours: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    /// What happens to the connection.
    pub(crate) fn note(&self, note: &str) {
        print(&self.coloured(DIM, &format!("-- {}", harmless(note))));
    }

    /// The name and the id, then the data: beside them if it's one line, indented below if it's more.
    pub(crate) fn event(&self, event: &OwnedEvent) {
        let name = self.coloured(NAME, &harmless(event.name.as_str()));
        let id = match event.last_event_id.as_str() {
            "" => String::new(),
            id => self.coloured(DIM, &format!(" #{}", harmless(id))),
        };
        let lines: Vec<_> = event.data.split('\n').map(harmless).collect();
        let between = if lines.len() > 1 { "\n    " } else { "  " };
        print(&format!("{name}{id}{between}{}", lines.join("\n    ")));
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

/// The reader of a pipe may be gone, as after `| head`; then there's nobody to tell.
fn print(line: &str) {
    if writeln!(stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}
