//! "Did you mean": the nearest of some words, by Damerau-Levenshtein distance.

/// Limit on the length of a word: longer ones are no typing mistakes, and take long to compare.
const LONGEST: usize = 128;
/// Number of words that are compared.
const MOST: usize = 200;

/// The word nearest to `given`, if one is near enough to be meant.
pub fn nearest<'a>(given: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > LONGEST {
        return None;
    }
    let folded = fold(given);
    let allowed = (folded.chars().count() / 3).max(1);
    words
        .into_iter()
        .take(MOST)
        .filter(|word| word.len() <= 2 * LONGEST)
        .map(|word| (fold(word), word))
        .filter(|(other, _)| other.len().abs_diff(folded.len()) <= 4 * allowed)
        .map(|(other, word)| (distance(&folded, &other), word))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, word)| word)
}

/// Case and the separators `-`, `_` and blank make no difference to what is meant.
fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Damerau-Levenshtein distance (optimal string alignment): the insertions, deletions, replacements and swaps of
/// neighbouring letters that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found() {
        let words = ["vpcId", "subnetIds", "authMode"];
        let cases = [
            ("vpcid", Some("vpcId")),
            ("subnetId", Some("subnetIds")),
            ("auth_mode", Some("authMode")),
            ("auhtMode", Some("authMode")),
            ("bucket", None),
            ("", None),
        ];
        for (given, expected) in cases {
            assert_eq!(nearest(given, words), expected, "{given}");
        }
    }
}
