//! Names that a person may have meant.

/// The up to three names nearest to `wanted`, nearest first; none that differ in more than a third of its letters.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = fold(wanted).take(64).collect();
    let limit = (wanted.len() / 3).clamp(1, 6);
    let mut found: Vec<(usize, &str)> = Vec::new();
    let mut name = Vec::new();
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    for candidate in names {
        name.clear();
        name.extend(fold(candidate).take(64));
        // A name that holds what is wanted, or is held in it, is near however long it is.
        let held = wanted.len() >= 3 && name.len() >= 3 && (holds(&name, &wanted) || holds(&wanted, &name));
        let far = if name.len().abs_diff(wanted.len()) <= limit {
            distance(&wanted, &name, &mut rows)
        } else {
            usize::MAX
        };
        let far = if held { far.min(limit) } else { far };
        if far <= limit {
            found.push((far, candidate));
            if found.len() > 64 {
                keep_best(&mut found);
            }
        }
    }
    keep_best(&mut found);
    found.into_iter().map(|(_, name)| name).collect()
}

/// "'a'", "'a' or 'b'", "'a', 'b' or 'c'".
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => format!("'{only}'"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("'{name}'")).collect();
            format!("{} or '{last}'", first.join(", "))
        }
    }
}

fn keep_best(found: &mut Vec<(usize, &str)>) {
    found.sort_unstable();
    found.truncate(3);
}

fn fold(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().flat_map(char::to_lowercase)
}

fn holds(long: &[char], short: &[char]) -> bool {
    long.windows(short.len()).any(|part| part == short)
}

/// How many letters must be put in, taken out, changed or swapped with the next (Damerau 1964, no letter twice).
fn distance(a: &[char], b: &[char], rows: &mut [Vec<usize>; 3]) -> usize {
    let [before, last, row] = rows;
    last.clear();
    last.extend(0..=b.len());
    before.clone_from(last);
    for (i, x) in a.iter().enumerate() {
        row.clear();
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(row[j] + 1).min(last[j + 1] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        std::mem::swap(before, last);
        std::mem::swap(last, row);
    }
    last[b.len()]
}
