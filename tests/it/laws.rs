//! Laws of the commands, on the sandbox.
