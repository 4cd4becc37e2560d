//! Looks at what is watched: they run beside those at what is managed, and one that is refused breaks nothing, but is said.

use crate::cloud::{CloudError, ErrorKind};

/// In front of everything that is watched and may not be looked at: `docs/denied-reads.md` lists it.
pub const NOT_LOOKED_AT: &str = "not looked at: ";

/// The answer of a look, unless there is nothing; one that was refused is noted with what it was about.
pub fn look<T>(
    answer: Result<T, CloudError>,
    what: &str,
    unwatched: &mut Vec<String>,
) -> Result<Option<T>, CloudError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind == ErrorKind::Denied => {
            unwatched.push(format!("{NOT_LOOKED_AT}{what}: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
