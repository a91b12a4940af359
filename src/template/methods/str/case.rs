//! Upper and lower case.

pub(super) fn convert(s: &str, name: &str) -> String {
    match name {
        "capitalize" => capitalize(s),
        "lower" => s.to_lowercase(),
        "casefold" => casefold(s),
        "swapcase" => s.chars().map(swap).collect(),
        "title" => title(s),
        _ => s.to_uppercase(),
    }
}

/// Case folding: lower case, with the letters that have no lower case form of their own spelled
/// out.
fn casefold(s: &str) -> String {
    s.chars()
        .map(|c| match c {
            'ß' | 'ẞ' => "ss".to_owned(),
            'ς' => "σ".to_owned(),
            'ﬀ' => "ff".to_owned(),
            'ﬁ' => "fi".to_owned(),
            'ﬂ' => "fl".to_owned(),
            'µ' => "μ".to_owned(),
            'ſ' => "s".to_owned(),
            c => c.to_lowercase().collect(),
        })
        .collect()
}

fn swap(c: char) -> String {
    if c.is_uppercase() {
        c.to_lowercase().collect()
    } else if c.is_lowercase() {
        c.to_uppercase().collect()
    } else {
        c.to_string()
    }
}

/// `str.capitalize()`.
pub(crate) fn capitalize(s: &str) -> String {
    let mut chars = s.chars();
    match chars.next() {
        Some(first) => title_case(first) + &chars.as_str().to_lowercase(),
        None => String::new(),
    }
}

/// The title case of a letter: its upper case, of which only the first letter stays upper.
fn title_case(c: char) -> String {
    match c {
        'ß' => "Ss".to_owned(),
        'ﬁ' => "Fi".to_owned(),
        'ﬂ' => "Fl".to_owned(),
        'ǆ' | 'Ǆ' => "ǅ".to_owned(),
        c => c.to_uppercase().collect(),
    }
}

/// `str.title()`: a letter after anything that is no letter is upper case.
fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut inside = false;
    for c in s.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.push_str(&title_case(c));
        }
        inside = c.is_uppercase() || c.is_lowercase();
    }
    out
}
