//! The integration tests: one binary, so that the SDK is linked once.

mod tidy;
