//! A command line of the inittab made into the words of execve(2), as BusyBox does it: a shell
//! for shell characters, blanks between words for anything else.

use heapless::Vec;

use super::names::{self, begins, holds};

/// The most words that are passed without a shell. A command of more words goes through the
/// shell, which parts it at the same blanks.
pub const WORDS_MAX: usize = 64;

/// What a shell is given in front of the command, with the dash of a login shell.
const SHELL: &[u8] = b"-/bin/sh\0-c\0exec ";

/// The same for a list of commands, of which the first must not take the place of the shell.
const SHELL_OF_LIST: &[u8] = b"-/bin/sh\0-c\0";

/// Room for the words: what stands in front for a shell, the longest logical line and a NUL.
pub const BYTES_MAX: usize = SHELL.len() + super::lines::LOGICAL_MAX + 1;

const SHELL_CHARACTERS: &[u8] = b"~`!$^&*()=|\\{}[];\"'<>?";

/// The words of a command, each ended by a NUL, in one buffer.
pub struct Words {
    bytes: Vec<u8, BYTES_MAX>,
    /// Whether the first word has a dash in front that is not part of the program's path.
    login: bool,
}

impl Default for Words {
    fn default() -> Self {
        Words::new()
    }
}

impl Words {
    /// No words.
    pub const fn new() -> Self {
        Words { bytes: Vec::new(), login: false }
    }

    /// Splits a command. A leading `-` stays in front of the first word.
    pub fn split(&mut self, command: &[u8]) {
        self.split_or(command, SHELL);
    }

    /// Splits what may be a list of commands, which is what somebody says on a command line.
    pub fn split_list(&mut self, command: &[u8]) {
        self.split_or(command, SHELL_OF_LIST);
    }

    fn split_or(&mut self, command: &[u8], shell: &[u8]) {
        self.login = begins(command, b'-');
        let bare = command.get(usize::from(self.login)..).unwrap_or(&[]);
        let plain = !bare.iter().any(|&b| holds(SHELL_CHARACTERS, b));
        if !(plain && self.split_blanks(bare)) {
            self.bytes.clear();
            self.put(shell.get(usize::from(!self.login)..).unwrap_or(&[]));
            self.put(bare);
            self.put(b"\0");
        }
    }

    /// The program to execute, with its NUL and what follows; looked up in PATH if it holds no
    /// slash.
    pub fn path(&self) -> &[u8] {
        self.bytes.get(usize::from(self.login)..).unwrap_or(&[])
    }

    /// All words, each with its NUL.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn put(&mut self, bytes: &[u8]) {
        // What does not fit is more than a logical line, which nobody hands in.
        let _ = self.bytes.extend_from_slice(bytes);
    }

    /// Puts the words there, unless they are too many.
    fn split_blanks(&mut self, bare: &[u8]) -> bool {
        self.bytes.clear();
        self.put(if self.login { b"-" } else { b"" });
        let mut rest = bare;
        let mut count = 0;
        loop {
            let word = take_word(&mut rest);
            if word.is_empty() && count > 0 {
                return count <= WORDS_MAX;
            }
            self.put(word);
            self.put(b"\0");
            count += 1;
        }
    }
}

/// Takes the next word off the front; an empty one when there is none left.
pub(super) fn take_word<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let blank = |b: &u8| *b == b' ' || *b == b'\t';
    let from = rest.iter().position(|b| !blank(b)).unwrap_or(rest.len());
    let text = rest.get(from..).unwrap_or(&[]);
    let end = text.iter().position(blank).unwrap_or(text.len());
    let (word, after) = text.split_at_checked(end).unwrap_or_default();
    *rest = after;
    word
}

/// The last part of the program's path: what a unit is called after.
pub fn base_name(command: &[u8]) -> &[u8] {
    names::base_name(take_word(&mut command.strip_prefix(b"-").unwrap_or(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(command: &str) -> (String, std::vec::Vec<String>) {
        let mut words = Words::new();
        words.split(command.as_bytes());
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        let path = words.path().split(|&b| b == 0).next().unwrap();
        let all = words.bytes().strip_suffix(b"\0").unwrap().split(|&b| b == 0);
        (text(path), all.map(text).collect())
    }

    #[test]
    fn a_list_is_all_for_the_shell() {
        let mut words = Words::new();
        words.split_list(b"one; two");
        assert_eq!(words.bytes(), b"/bin/sh\0-c\0one; two\0");
        words.split_list(b"one two");
        assert_eq!(words.bytes(), b"one\0two\0");
    }

    #[test]
    fn blanks_part_words() {
        let (path, words) = split("/sbin/getty -L\t 38400  tty1 ");
        assert_eq!(path, "/sbin/getty");
        assert_eq!(words, ["/sbin/getty", "-L", "38400", "tty1"]);
        assert_eq!(split(" reboot").0, "reboot", "a blank in front does not empty the path");
        assert_eq!(split(" "), ("".into(), vec!["".into()]));
    }

    #[test]
    fn a_dash_makes_a_login_shell() {
        assert_eq!(split("-/bin/sh"), ("/bin/sh".into(), vec!["-/bin/sh".into()]));
        assert_eq!(split("-/bin/sh -x").1, ["-/bin/sh", "-x"]);
        let by_shell = ["-/bin/sh".into(), "-c".into(), "exec echo $A".into()];
        assert_eq!(split("-echo $A"), ("/bin/sh".into(), by_shell.to_vec()));
        assert_eq!(split("-"), ("".into(), vec!["-".into()]));
        assert_eq!(
            split("- /bin/sh\t-x"),
            ("/bin/sh".into(), vec!["-/bin/sh".into(), "-x".into()])
        );
    }

    #[test]
    fn shell_characters_bring_the_shell_with_exec_in_front() {
        for c in SHELL_CHARACTERS {
            let command = format!("a b{}", *c as char);
            let (path, words) = split(&command);
            assert_eq!(path, "/bin/sh");
            assert_eq!(words, ["/bin/sh".into(), "-c".into(), format!("exec {command}")]);
        }
        for c in "%,@:+-_./".chars() {
            assert_eq!(split(&format!("a b{c}")).0, "a");
        }
    }

    #[test]
    fn more_words_than_fit_and_the_longest_line_go_through_the_shell() {
        let many = "x ".repeat(WORDS_MAX + 1);
        assert_eq!(split(&many).1, ["/bin/sh".into(), "-c".into(), format!("exec {many}")]);
        assert_eq!(split(&"x ".repeat(WORDS_MAX)).1.len(), WORDS_MAX);
        let long = "y".repeat(crate::wire::lines::LOGICAL_MAX);
        assert_eq!(split(&long).1, std::slice::from_ref(&long));
        let long = "$".repeat(crate::wire::lines::LOGICAL_MAX);
        assert_eq!(split(&long).1[2], format!("exec {long}"));
        let long = format!("-{long}");
        assert_eq!(split(&long[..long.len() - 1]).1[2], format!("exec {}", &long[2..]));
    }

    #[test]
    fn units_are_called_after_their_program() {
        assert_eq!(base_name(b"-/bin/sh -x"), b"sh");
        assert_eq!(base_name(b" reboot"), b"reboot");
        assert_eq!(base_name(b"/"), b"");
    }
}
