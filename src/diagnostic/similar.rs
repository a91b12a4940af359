//! Suggestions for mistyped names.

/// The name among `known` that is most like `name`, if one is like it at all.
pub fn similar<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|known| (distance(name, known), known))
        .filter(|(d, _)| *d <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// How many letters must change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn the_nearest_name_is_suggested() {
        let known = ["address", "about", "os"];
        assert_eq!(similar("adress", known), Some("address"));
        assert_eq!(similar("ox", known), Some("os"));
        assert_eq!(similar("zzzzzz", known), None);
    }
}
