//! Writing a stream to a connection, and reading one from it.

mod write_timeout;
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
#[cfg(feature = "std")]
pub use write_only::WriteOnly;
pub use write_timeout::WriteTimeout;
