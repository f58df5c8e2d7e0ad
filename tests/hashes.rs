//! The hash functions of login against the vectors of their specifications, and against what the
//! C library's crypt(3) and Debian's mkpasswd make of random passwords.

use std::io::Write;
use std::process::{Command, Stdio};

use pidone::wire::crypt::parse;

#[path = "../src/login/crypt.rs"]
mod crypt;

/// Whether a password is right for a hash that must be understood.
fn is_right(password: &[u8], hash: &str) -> bool {
    let parsed = parse(hash.as_bytes()).unwrap_or_else(|| panic!("{hash} is not understood"));
    crypt::is_right(password, &parsed)
}

/// Asserts that this password alone is right.
fn fits(password: &[u8], hash: &str) {
    assert!(is_right(password, hash), "{} is refused for {hash}", password.escape_ascii());
    let longer = [password, b"x"].concat();
    // bcrypt looks at 72 bytes alone.
    let cut = hash.starts_with("$2") && password.len() >= 72;
    assert_eq!(is_right(&longer, hash), cut, "{hash} takes a password that is longer");
    let mut other = password.to_vec();
    if let Some(first) = other.first_mut() {
        *first ^= 1;
        assert!(!is_right(&other, hash), "{hash} takes another password");
    }
}

#[test]
fn sha_crypt_gives_the_sums_of_its_specification() {
    const SHORT: &str = "we have a short salt string but not a short password";
    const LONG: &str = "a very much longer text to encrypt.  This one even stretches over morethan \
                        one line.";
    for (password, hash) in [
        ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        (
            "Hello world!",
            "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
        ),
        (SHORT, "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/"),
        (
            "a short string",
            "$5$rounds=123456$asaltof16chars..$gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD",
        ),
        (
            "Hello world!",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcb\
             YEdFCoEOfaS35inz1",
        ),
        (
            "Hello world!",
            "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM\
             0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
        ),
        (
            LONG,
            "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3Cm\
             Ls66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1",
        ),
        (
            SHORT,
            "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUe\
             OxFmtlcGZelFl5CxtgfiAc0",
        ),
        (
            "a short string",
            "$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6yc\
             ULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1",
        ),
    ] {
        fits(password.as_bytes(), hash);
    }
}

#[test]
fn yescrypt_gives_the_sums_of_its_reference() {
    for hash in [
        "$y$jD5.7$LdJMENpBABJJ3hIHjB1Bi.$HboGM6qPrsK.StKYGt6KErmUYtioHreJd98oIugoNB6",
        "$y$/B3.6$LdJMENpBABJJ3hIHjB1$h8sE4hJo.BsdlfJr0.d8bNJNPZymH7Y3kLj4aY1Rfc8",
        "$y$/A2$LdJMENpBABJJ3hIHj/$5IEld1eWdmh5lylrqHLF5dvA3ISpimEM9J1Dd05n/.3",
        "$y$j91.5$LdJMENpBABJJ3hIH$ebKnn23URD5vyLgF9cP2EvVosrUXf7UErGRV0KmC6e6",
        "$y$j80$LdJMENpBABJJ3h2$ysXVVJwuaVlI1BWoEKt/Bz3WNDDmdOWz/8KTQaHL1cC",
        "$y$/7/.4$LdJMENpBABJJ3/$lXHleh7bIZMGNtJVxGVrsIWkEIXfBedlfPui/PITflC",
        "$y$j5..3$LdJMENpBAB3$xi27PTUNd8NsChHeLOz85JFnUOyibRHkWzprowRlR5/",
        "$y$j2..1$LdJME/$iLEt6kuTwHch6XdCxtTHfsQzYwWFmpUwgl6Ax8RH4d1",
        "$y$j0/$LdJM$k7BXzSDuoGHW56SY3HxROCiA0gWRscZe2aA0q5oHPM0",
        "$y$//..0$Ld3$6BJXezMFxaMiO5wsuoEmztvtCs/79085dZO56ADlV5B",
        "$y$///$L/$Rrrkp6OVljrIk0kcwkCDhAiHJiSthh3cKeIGHUW7Z0C",
        "$y$j1../$LdJMENpBABJJ3hIHjB1Bi.$L8OQFc8mxJPd7CpUFgkS7KqJM2I9jGXu3BdqX2D.647",
    ] {
        fits(b"pleaseletmein", hash);
    }
}

#[test]
fn bcrypt_gives_the_sums_of_its_reference() {
    let long = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars \
                after 72 are ignored";
    for (password, hash) in [
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
        (long, "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"),
    ] {
        fits(password.as_bytes(), hash);
    }
}

#[test]
fn a_hash_that_asks_for_too_much_is_right_for_nothing() {
    // Parameters: 2^30 blocks of 4 KiB, and as many threads.
    for parameters in ["jRT", "jzzzzz", "jD5.zzzzz"] {
        let hash = format!("$y${parameters}$LdJM$k7BXzSDuoGHW56SY3HxROCiA0gWRscZe2aA0q5oHPM0");
        assert!(!is_right(b"pleaseletmein", &hash), "{hash}");
    }
}

#[test]
fn a_nul_ends_no_password() {
    let hash = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy";
    assert!(is_right(b"", hash));
    assert!(!is_right(b"\0", hash) && !is_right(b"\0rest", hash));
}

/// Passwords of up to 100 bytes, of any but NUL and what ends a line. Each run has its own.
fn passwords(count: usize) -> Vec<Vec<u8>> {
    let mut chance = u64::from(std::process::id()) << 32 | 0x9e37_79b9;
    let mut next = || {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance
    };
    let fine = |byte: u8| if matches!(byte, 0 | b'\n' | b'\r') { b'?' } else { byte };
    let one = |next: &mut dyn FnMut() -> u64| {
        let len = next() % 101;
        (0..len).map(|_| fine(next() as u8)).collect()
    };
    (0..count).map(|_| one(&mut next)).collect()
}

/// Runs a program with this input; nothing where there is no such program.
fn output(program: &str, words: &[&str], input: &[u8]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{program} {words:?} ended with {}", out.status);
    Some(String::from_utf8(out.stdout).unwrap())
}

fn skip(program: &str, package: &str) {
    eprintln!("skipped: {program} is missing: install the Debian package {package}");
}

#[test]
fn what_mkpasswd_makes_of_random_passwords_is_right_for_them() {
    for method in ["sha256crypt", "sha512crypt", "yescrypt", "bcrypt"] {
        for password in passwords(100) {
            let line = [&password[..], b"\n"].concat();
            let Some(hash) = output("mkpasswd", &["-m", method, "-s"], &line) else {
                return skip("mkpasswd", "whois");
            };
            fits(&password, hash.trim_end());
        }
    }
}

#[test]
fn what_the_c_library_makes_of_random_passwords_is_right_for_them() {
    const CRYPT: &str = r#"while (<STDIN>) { chomp; print crypt($_, $ARGV[0]), "\n" }"#;
    let settings = [
        "$5$rounds=1234$0123456789abcdef",
        "$6$.",
        "$y$j7.$LdJMENpBABJJ3hIHjB1Bi.",
        "$2b$04$abcdefghijklmnopqrstuu",
        "$2a$04$abcdefghijklmnopqrstuu",
        "$2y$04$abcdefghijklmnopqrstuu",
    ];
    for setting in settings {
        let passwords = passwords(100);
        let input = passwords.join(&b'\n');
        let Some(hashes) = output("perl", &["-e", CRYPT, setting], &[&input[..], b"\n"].concat())
        else {
            return skip("perl", "perl-base");
        };
        assert_eq!(hashes.lines().count(), passwords.len(), "{setting}");
        for (password, hash) in passwords.iter().zip(hashes.lines()) {
            fits(password, hash);
        }
    }
}
