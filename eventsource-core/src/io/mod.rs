//! Writing a stream to a connection, and reading one from it.

mod patience;
#[cfg(feature = "std")]
mod outbox;
#[cfg(feature = "std")]
mod write_only;
#[cfg(feature = "std")]
mod driver;
#[cfg(feature = "std")]
mod chunks;

#[cfg(feature = "std")]
pub use chunks::Chunks;
#[cfg(feature = "std")]
pub use driver::Driver;
pub use patience::Patience;
#[cfg(feature = "std")]
pub use write_only::WriteOnly;
