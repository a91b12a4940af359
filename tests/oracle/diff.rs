//! Differences of two texts, by lines.

const CONTEXT: usize = 3;

/// Expected with `-`, found with `+`, three lines around.
pub fn unified(expected: &str, found: &str) -> String {
    let (want, got) = (lines(expected), lines(found));
    let marked = align(&want, &got);
    let mut keep = vec![false; marked.len()];
    for (index, (sign, _)) in marked.iter().enumerate() {
        if *sign != ' ' {
            let last = (index + CONTEXT).min(marked.len() - 1);
            keep[index.saturating_sub(CONTEXT)..=last].fill(true);
        }
    }
    let mut text = String::new();
    let mut gap = false;
    for (kept, (sign, line)) in keep.iter().zip(&marked) {
        if !kept {
            gap = true;
            continue;
        }
        if gap {
            text.push_str("  ...\n");
            gap = false;
        }
        text.push_str(&format!("  {sign}{}\n", visible(line)));
    }
    text
}

pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(count);
    lines[from..].iter().map(|l| format!("   {}\n", visible(l))).collect()
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_string).collect();
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    } else if let Some(last) = lines.last_mut() {
        last.push_str("␤missing");
    }
    lines
}

/// The longest common subsequence, after the equal head and tail.
fn align<'a>(want: &'a [String], got: &'a [String]) -> Vec<(char, &'a str)> {
    let head = want.iter().zip(got).take_while(|(a, b)| a == b).count();
    let rest = want.len().min(got.len()) - head;
    let tail =
        want.iter().rev().zip(got.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let (a, b) = (&want[head..want.len() - tail], &got[head..got.len() - tail]);
    let mut best = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            best[i][j] = if a[i] == b[j] {
                best[i + 1][j + 1] + 1
            } else {
                best[i + 1][j].max(best[i][j + 1])
            };
        }
    }
    let mut marked: Vec<(char, &str)> = want[..head].iter().map(|l| (' ', l.as_str())).collect();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            marked.push((' ', &a[i]));
            i += 1;
            j += 1;
        } else if j == b.len() || (i < a.len() && best[i + 1][j] >= best[i][j + 1]) {
            marked.push(('-', &a[i]));
            i += 1;
        } else {
            marked.push(('+', &b[j]));
            j += 1;
        }
    }
    marked.extend(want[want.len() - tail..].iter().map(|l| (' ', l.as_str())));
    marked
}

/// Control characters and trailing blanks can be seen.
fn visible(line: &str) -> String {
    let mut text: String = line
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                format!("{}", c.escape_debug())
            } else {
                c.to_string()
            }
        })
        .collect();
    if text.ends_with(' ') {
        text.push('␠');
    }
    text
}
