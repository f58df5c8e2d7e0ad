//! Words and numbers that have a place in a list. A list is one string of bytes, since a table of
//! slices would cost sixteen bytes a word.

/// Whether one of these bytes is in the text. `contains` would bring the search of long texts.
pub fn holds(text: &[u8], byte: u8) -> bool {
    text.iter().any(|&b| b == byte)
}

/// Whether the text begins with this byte.
pub fn begins(text: &[u8], byte: u8) -> bool {
    text.first() == Some(&byte)
}

/// Takes what stands before the first of these bytes off the front, and the byte with it; all of
/// the text where there is none.
#[inline(never)] // There are too many callers for copies.
pub fn take<'a>(rest: &mut &'a [u8], at: u8) -> &'a [u8] {
    let text = *rest;
    let end = text.iter().position(|&b| b == at).unwrap_or(text.len());
    *rest = text.get(end + 1..).unwrap_or(&[]);
    text.get(..end).unwrap_or(text)
}

/// What stands before the first of these bytes; all of the text where there is none.
#[inline(never)] // There are too many callers for copies.
pub fn before(text: &[u8], at: u8) -> &[u8] {
    take(&mut { text }, at)
}

/// What stands before and behind the first of these bytes.
pub fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let mut rest = text;
    let before = take(&mut rest, at);
    if before.len() < text.len() { Some((before, rest)) } else { None }
}

/// What stands behind the last slash of a path.
pub fn base_name(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|&b| b == b'/');
    slash.and_then(|slash| path.get(slash + 1..)).unwrap_or(path)
}

/// The place of a word in a list with one blank between its words.
pub fn place(list: &[u8], word: &[u8]) -> Option<usize> {
    let mut rest = list;
    let mut place = 0;
    while !rest.is_empty() {
        if take(&mut rest, b' ') == word {
            return Some(place);
        }
        place += 1;
    }
    None
}

/// The word at a place of such a list.
pub fn at(list: &[u8], place: usize) -> Option<&[u8]> {
    let mut rest = list;
    for _ in 0..place {
        take(&mut rest, b' ');
    }
    Some(take(&mut rest, b' ')).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_a_place_is_found_there() {
        let list = b"one two three";
        for (index, word) in [&b"one"[..], b"two", b"three"].into_iter().enumerate() {
            assert_eq!(place(list, word), Some(index));
            assert_eq!(at(list, index), Some(word));
        }
        assert_eq!(at(list, 3), None);
        for word in [&b""[..], b"on", b"one two", b"four"] {
            assert_eq!(place(list, word), None);
        }
    }

    #[test]
    fn a_cut_is_made_at_the_first_place() {
        assert_eq!(cut(b"a=b=c", b'='), Some((&b"a"[..], &b"b=c"[..])));
        assert_eq!(cut(b"=", b'='), Some((&b""[..], &b""[..])));
        assert_eq!(cut(b"a", b'='), None);
    }
}
