//! The programs are in `src/bin`; here is what several of them answer with. The README's synopsis, and the recipe for an adapter
//! in `docs/architecture.md`, are compiled and run with the doctests.
#![forbid(unsafe_code)]
#![cfg_attr(doctest, doc = include_str!("../../docs/architecture.md"))]
#![cfg_attr(doctest, doc = include_str!("../../README.md"))]

mod page;
mod secret;
mod text;

pub use page::page;
pub use secret::secret;
pub use text::text;
