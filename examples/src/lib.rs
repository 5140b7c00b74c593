//! The programs are in `src/bin`; here is what several of them share. The README's synopses, and the recipe for an adapter
//! in `docs/architecture.md`, are compiled and run with the doctests.
#![forbid(unsafe_code)]
#![cfg_attr(doctest, doc = include_str!("../../docs/architecture.md"))]
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]

mod harmless;
mod local;
mod page;
mod program;
mod secret;
mod serve;
mod text;
mod tick;
mod upload;
mod web;

pub use harmless::{harmless, harmless_json};
pub use local::check_local;
pub use page::page;
pub use program::{Program, announce};
pub use secret::secret;
pub use serve::{MAX_CONNECTIONS, STALL, serve};
pub use text::text;
pub use tick::{MAX_DATA, Tick, TickBody};
pub use upload::upload;
pub use web::{cause, web, web_url};
