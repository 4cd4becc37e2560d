//! Counts and durations in words.

use std::time::Duration;

/// `1 step`, `2 steps`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `27 created, 1 failed`: what there is none of is not said, and `nothing` when there is none of anything.
pub fn tally(counts: &[(usize, &str)], nothing: &str) -> String {
    let said = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let said = said.collect::<Vec<_>>().join(", ");
    if said.is_empty() { nothing.to_owned() } else { said }
}

/// `42s`, `3m 05s`, `1h 02m`.
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (185, "3m 05s"), (3720, "1h 02m")] {
            assert_eq!(elapsed(Duration::from_secs(seconds)), expected);
        }
    }
}
