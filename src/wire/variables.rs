//! A file of variables, as `env=` names one: a line each, `NAME=value`.

use super::names::{begins, cut, take};

/// The longest file, in bytes.
pub const FILE_MAX: usize = 4096;

/// Hands over the name and the value of each line. Empty lines and those that begin with `#` say
/// nothing; quotes around a whole value are no part of it. False where a line is anything else.
pub fn each(file: &[u8], see: &mut dyn FnMut(&[u8], &[u8])) -> bool {
    let mut lines = file;
    while !lines.is_empty() {
        let line = take(&mut lines, b'\n').trim_ascii();
        if line.is_empty() || begins(line, b'#') {
            continue;
        }
        let Some((name, value)) = cut(line, b'=').filter(|(name, _)| is_name(name)) else {
            return false;
        };
        if value.iter().any(|&b| b == 0) {
            return false;
        }
        see(name, unquoted(value));
    }
    true
}

fn is_name(text: &[u8]) -> bool {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    text.first().is_some_and(|b| !b.is_ascii_digit()) && text.iter().all(fine)
}

/// A value without quotes around all of it.
#[inline(never)] // There are two callers.
pub fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> Option<Vec<String>> {
        let mut all = Vec::new();
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        each(file.as_bytes(), &mut |name, value| {
            all.push(format!("{}={}", text(name), text(value)))
        })
        .then_some(all)
    }

    #[test]
    fn lines_are_variables_remarks_or_nothing() {
        let file = "# remark\n\nA=1\r\n  B_2=x y=z\nC=\nD=\"q 'r\"\nE='s'\nF=\"t\nA=2";
        let all = ["A=1", "B_2=x y=z", "C=", "D=q 'r", "E=s", "F=\"t", "A=2"].map(String::from);
        assert_eq!(read(file), Some(all.to_vec()));
        assert_eq!(read(""), Some(vec![]));
    }

    #[test]
    fn anything_else_spoils_the_file() {
        for bad in ["A", "=x", "1A=x", "A B=x", "export A=1", "A=\0", "a-b=c"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
