//! Events as a person would want to read them.

use eventsource_core::OwnedEvent;
use examples::{harmless, harmless_json};
use serde_json::json;
use std::io::{IsTerminal, Write, stderr, stdout};

/// Prints events to the standard output and notes to the standard error, each in colours if it's a terminal. Nobody can send it
/// control sequences.
#[derive(Clone, Copy)]
pub(crate) struct Printer {
    /// Events are printed for a program.
    json: bool,
    events_in_colours: bool,
    notes_in_colours: bool,
}

const DIM: &str = "\x1b[2m";
const NAME: &str = "\x1b[1;36m";
const PLAIN: &str = "\x1b[0m";

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        let colours = std::env::var_os("NO_COLOR").is_none();
        Self {
            json,
            events_in_colours: colours && stdout().is_terminal(),
            notes_in_colours: colours && stderr().is_terminal(),
        }
    }

    /// What happens to the connection.
    pub(crate) fn note(self, note: &str) {
        let note = coloured(self.notes_in_colours, DIM, &format!("-- {}", harmless(note)));
        // There's nobody to tell that nobody can be told.
        let _ = writeln!(stderr(), "{note}");
    }

    /// The name and the id, then the data: beside them if it's one line, indented below if it's more.
    pub(crate) fn event(self, event: &OwnedEvent) {
        let (name, id, data) = (event.name.as_str(), event.last_event_id.as_str(), &*event.data);
        if self.json {
            print(&harmless_json(&json!({ "event": name, "id": id, "data": data }).to_string()));
            return;
        }
        let name = coloured(self.events_in_colours, NAME, &harmless(name));
        let id = match id {
            "" => String::new(),
            id => coloured(self.events_in_colours, DIM, &format!(" #{}", harmless(id))),
        };
        let lines: Vec<_> = data.split('\n').map(harmless).collect();
        let between = if lines.len() > 1 { "\n    " } else { "  " };
        print(&format!("{name}{id}{between}{}", lines.join("\n    ")));
    }
}

fn coloured(colours: bool, colour: &str, text: &str) -> String {
    if colours { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
}

/// The reader of a pipe may be gone, as after `| head`; then there's nobody to print for.
fn print(line: &str) {
    if writeln!(stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}
