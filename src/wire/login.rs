//! The command line of login(1): what BusyBox's and util-linux's have in common, and `-e`, `-E`.

use super::names::begins;

/// Where an account without a password may be logged in to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Empty {
    /// On terminals that are secure.
    Secure,
    /// On all terminals.
    Everywhere,
    /// Nowhere.
    Nowhere,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call<'a> {
    /// `-p`: the environment is kept.
    pub keep: bool,
    /// `-f`: somebody else has made sure who it is.
    pub trusted: bool,
    /// `-H`: the prompt does not name the machine.
    pub nameless: bool,
    /// `-h`: from where, or empty.
    pub host: &'a [u8],
    /// `-e`, `-E`
    pub empty: Empty,
    /// Who, if that is known.
    pub user: Option<&'a [u8]>,
}

/// Why there is nothing to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong<'a> {
    /// This option is not known.
    Option(&'a [u8]),
    /// This one lacks its value, or has one that is none.
    Value(&'a [u8]),
    /// This word is one too many.
    Word(&'a [u8]),
    /// Help was asked for.
    Help,
    /// The version was asked for.
    Version,
}

/// The longest name of a host, in bytes: what utmp has room for.
const HOST_MAX: usize = 256;

/// Parses the words behind the program's own name.
pub fn parse<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Result<Call<'a>, Wrong<'a>> {
    let mut call = Call {
        keep: false,
        trusted: false,
        nameless: false,
        host: b"",
        empty: Empty::Secure,
        user: None,
    };
    let mut options = true;
    while let Some(word) = words.next() {
        match word {
            b"--" if options => options = false,
            b"--help" if options => return Err(Wrong::Help),
            b"--version" | b"-V" if options => return Err(Wrong::Version),
            _ if options && begins(word, b'-') && word.len() > 1 => {
                call.option(word, &mut words)?;
            }
            _ if call.user.is_some() => return Err(Wrong::Word(word)),
            _ => call.user = Some(word),
        }
    }
    Ok(call)
}

impl<'a> Call<'a> {
    /// Takes in one word of options.
    fn option(
        &mut self,
        word: &'a [u8],
        words: &mut impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), Wrong<'a>> {
        let mut rest = word.get(1..).unwrap_or(&[]);
        while let Some((&letter, after)) = rest.split_first() {
            rest = after;
            match letter {
                b'p' => self.keep = true,
                b'H' => self.nameless = true,
                b'e' => self.empty = Empty::Everywhere,
                b'E' => self.empty = Empty::Nowhere,
                b'f' => {
                    self.trusted = true;
                    // The name may stand behind the letter as well as in a word of its own.
                    if !rest.is_empty() {
                        self.user = Some(core::mem::take(&mut rest));
                    }
                }
                b'h' => {
                    let value = Some(core::mem::take(&mut rest)).filter(|v| !v.is_empty());
                    let value = value.or_else(|| words.next());
                    self.host = value.filter(|v| is_host(v)).ok_or(Wrong::Value(word))?;
                }
                _ => return Err(Wrong::Option(word)),
            }
        }
        Ok(())
    }
}

/// The name of a host comes from the net, and who(1) will print it.
fn is_host(text: &[u8]) -> bool {
    let bounded = !text.is_empty() && text.len() <= HOST_MAX;
    bounded && text.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Result<Call<'_>, Wrong<'_>> {
        parse(line.split(' ').filter(|word| !word.is_empty()).map(str::as_bytes))
    }

    const NOTHING: Call<'_> = Call {
        keep: false,
        trusted: false,
        nameless: false,
        host: b"",
        empty: Empty::Secure,
        user: None,
    };

    #[test]
    fn the_habits_of_getty_telnetd_and_inittabs_are_understood() {
        let root = Some(&b"root"[..]);
        assert_eq!(call(""), Ok(NOTHING));
        for line in ["root", "-- root"] {
            assert_eq!(call(line), Ok(Call { user: root, ..NOTHING }), "{line}");
        }
        for line in ["-f root", "-froot", "-f -- root", "root -f"] {
            assert_eq!(call(line), Ok(Call { trusted: true, user: root, ..NOTHING }), "{line}");
        }
        let telnet = Call { keep: true, host: b"far.example", ..NOTHING };
        for line in ["-p -h far.example", "-ph far.example", "-p -hfar.example"] {
            assert_eq!(call(line), Ok(telnet), "{line}");
        }
        assert_eq!(call("-H"), Ok(Call { nameless: true, ..NOTHING }));
        assert_eq!(call("-e").unwrap().empty, Empty::Everywhere);
        assert_eq!(call("-E").unwrap().empty, Empty::Nowhere);
    }

    #[test]
    fn a_name_behind_two_dashes_is_never_an_option() {
        let sly = call("-p -- -froot").unwrap();
        assert_eq!((sly.trusted, sly.user), (false, Some(&b"-froot"[..])));
        assert_eq!(call("-").unwrap().user, Some(&b"-"[..]));
        assert_eq!(call("-- --").unwrap().user, Some(&b"--"[..]));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(call("-x"), Err(Wrong::Option(b"-x")));
        assert_eq!(call("-px root"), Err(Wrong::Option(b"-px")));
        assert_eq!(call("--host=a"), Err(Wrong::Option(b"--host=a")));
        assert_eq!(call("-h"), Err(Wrong::Value(b"-h")));
        assert_eq!(call("-h a\x1b[2J"), Err(Wrong::Value(b"-h")));
        assert_eq!(call(&format!("-h {}", "x".repeat(257))), Err(Wrong::Value(b"-h")));
        assert_eq!(call("root bert"), Err(Wrong::Word(b"bert")));
        assert_eq!(call("-froot bert"), Err(Wrong::Word(b"bert")));
        assert_eq!(call("--help"), Err(Wrong::Help));
        assert_eq!((call("-V"), call("--version")), (Err(Wrong::Version), Err(Wrong::Version)));
    }
}
