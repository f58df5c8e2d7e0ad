//! The law of the house, as far as a machine can hold it.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of code that a file may have, comments and tests at its end left out.
const FILE_MAX: usize = 400;
/// Lines that a function may have, and that half of all functions must keep within.
const FUNCTION_MAX: usize = 70;
const FUNCTION_MEDIAN: usize = 10;
/// Columns.
const WIDTH_MAX: usize = 100;

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, with its text where it has one.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            all.extend(files(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            all.push((path, text));
        }
    }
    all
}

fn rust(folder: &str) -> Vec<(PathBuf, String)> {
    let mut all = files(&home().join(folder));
    all.retain(|(path, _)| path.extension().is_some_and(|e| e == "rs"));
    assert!(!all.is_empty(), "no Rust below {folder}");
    all
}

fn within(path: &Path, folder: &str) -> bool {
    path.starts_with(home().join(folder))
}

/// A line without its comment. Text in quotes that holds two slashes is not used in this house.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("").trim_end()
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[test]
fn unsafe_code_stands_under_sys_alone_and_names_its_invariant() {
    let mut found = 0;
    for (path, text) in rust("src") {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if !has_word(code(line), "unsafe") || line.contains("unsafe(") {
                continue;
            }
            let name = format!("{}:{}", path.display(), number + 1);
            if line.contains("_unsafe_code") || has_word(line, "unsafe_code") {
                continue;
            }
            found += 1;
            assert!(within(&path, "src/sys"), "unsafe outside src/sys: {name}");
            let before = &lines[number.saturating_sub(8)..number];
            let said = before.iter().any(|l| l.contains("SAFETY:") || l.contains("# Safety"));
            let extern_block = line.contains("unsafe extern \"C\" {");
            assert!(said || extern_block, "no Safety line: {name}");
        }
    }
    assert!(found > 10, "the check has lost its object");
}

#[test]
fn the_pure_half_names_nothing_of_the_world() {
    for folder in ["src/wire", "src/machine"] {
        for (path, text) in rust(folder) {
            for (number, line) in text.lines().enumerate() {
                for word in ["rustix", "syscalls", "applet", "asm"] {
                    let named = has_word(code(line), word) || code(line).contains("crate::sys");
                    assert!(!named, "{}:{}: {line}", path.display(), number + 1);
                }
                assert!(!line.contains("static mut"), "{}:{}", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn source_and_deed_spell_out_what_they_match() {
    for deed in ["src/sys/deed.rs", "src/sys/container/deed.rs"] {
        let deed = fs::read_to_string(home().join(deed)).unwrap();
        let act = deed.split("match action {").nth(1).expect("deed matches actions");
        let act = act.split("\n        }").next().unwrap();
        assert!(!act.contains("_ =>"), "the deed has an arm for any action");
    }
    let unit = fs::read_to_string(home().join("src/machine/steps.rs")).unwrap();
    let steps = unit.split("match what {").skip(1).chain(unit.split("match self.state {").nth(1));
    let mut count = 0;
    for step in steps {
        let step = step.split("\n        }").next().unwrap();
        let any = step.lines().map(str::trim).any(|l| l.starts_with("_ ") || l.starts_with("(_"));
        assert!(!any, "the unit has an arm for any state or stimulus: {step}");
        count += 1;
    }
    assert_eq!(count, 13, "each state has a function");
    for (path, text) in rust("src/sys").into_iter().chain(rust("src/applet")) {
        let events = [
            "Event::Exited {",
            "Event::Tick",
            "Event::Requested",
            "Event::Appeared",
            "Event::Asked",
            "Event::Stopped",
        ];
        let builds = events.iter().any(|event| text.contains(event));
        assert!(!builds || path.ends_with("source.rs"), "{} builds events", path.display());
    }
}

#[test]
fn lines_files_and_functions_keep_their_measure() {
    let mut lengths = Vec::new();
    for folder in ["src", "tests"] {
        for (path, text) in rust(folder) {
            let name = path.display();
            for (number, line) in text.lines().enumerate() {
                let width = line.chars().count();
                assert!(width <= WIDTH_MAX, "{name}:{}: {width} columns", number + 1);
                assert!(line.trim_end() == line, "{name}:{}: blanks at the end", number + 1);
                assert!(!line.contains('\t'), "{name}:{}: a tab", number + 1);
            }
            let body = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let count = body.lines().filter(|l| !code(l).trim().is_empty()).count();
            assert!(count <= FILE_MAX, "{name}: {count} lines of code");
            for (function, length) in functions(body) {
                assert!(length <= FUNCTION_MAX, "{name}: {function} has {length} lines");
                if within(&path, "src") {
                    lengths.push(length);
                }
            }
        }
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(lengths.len() > 200, "functions were not found: {}", lengths.len());
    assert!(median <= FUNCTION_MEDIAN, "functions have {median} lines at the median");
}

/// The functions of a file, each with the number of lines between its braces.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if !has_word(code(line), "fn") || line.trim_start().starts_with("//") {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let open = lines[number..].iter().position(|l| l.ends_with('{') || l.ends_with(';'));
        let Some(open) = open.filter(|&open| lines[number + open].ends_with('{')) else {
            continue;
        };
        let body = &lines[number + open + 1..];
        if let Some(length) = body.iter().position(|l| **l == *end) {
            found.push((line.trim(), length));
        }
    }
    found
}

#[test]
fn nothing_in_the_source_can_be_called_unfinished() {
    for (path, text) in rust("src") {
        let body = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        if path.to_string_lossy().ends_with("_tests.rs") {
            continue;
        }
        for word in [".unwrap()", ".expect(", "todo!", "unimplemented!", "panic!(", "FIXME", "XXX"]
        {
            assert!(!body.contains(word), "{}: {word}", path.display());
        }
    }
}

#[test]
fn the_top_level_holds_what_the_design_says() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "src",
        "rootfs",
        "tests",
        "qemu",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "rustfmt.toml",
        "target",
    ];
    for entry in fs::read_dir(home()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || known.contains(&name.as_str()), "{name}");
    }
    for name in known.iter().filter(|name| **name != "target") {
        assert!(home().join(name).exists(), "{name} is missing");
    }
}

#[test]
fn every_option_and_every_limit_is_in_the_manual() {
    let manual = |name: &str| {
        let path = home().join("rootfs/usr/share/man").join(name);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let inittab = manual("man5/inittab.5").replace("\\-", "-");
    let options = fs::read_to_string(home().join("src/wire/options.rs")).unwrap();
    let mut found = 0;
    for word in "name restart delay max-delay max stop grace if after needs ready log log-size \
                 log-keep user group root nnp main dir env check pidfile umask nice oom nofile \
                 count fails mem every watchdog port"
        .split_whitespace()
    {
        let forms = [format!(".BI {word}= "), format!(".BR {word} "), format!(".BR {word}= ")];
        let alone = format!(".BR {word}");
        let there = forms.iter().any(|form| inittab.contains(form.as_str()))
            || inittab.lines().any(|line| line == alone);
        assert!(there, "option {word} is not in inittab(5)");
        let key = |separator: &str| options.contains(&format!("{word}{separator}"));
        found += usize::from(key(" ") || key(":"));
    }
    assert_eq!(found, 33, "an option of the manual is not in the source");
    for limit in ["UNITS_MAX", "TEXT_MAX", "LOGICAL_MAX"] {
        assert!(inittab.contains(limit), "{limit} is not in inittab(5)");
    }
    assert!(manual("man8/init.8").contains("SIGUSR2"));
    let login = manual("man1/login.1");
    let help = fs::read_to_string(home().join("src/login/main.rs")).unwrap();
    for letter in ["e", "E", "f", "h", "H", "p"] {
        assert!(help.contains(&format!("-{letter}")), "-{letter} is not in login's help");
        let there = login.contains(&format!("\n.B \\-{letter}\n"));
        assert!(there || login.contains(&format!("\n.BI \\-{letter} ")), "-{letter}: login(1)");
    }
    for limit in ["60 seconds", "1 GiB", "32 bytes", "256 bytes", "8192 bytes", "4 MiB"] {
        assert!(login.contains(limit), "{limit} is not in login(1)");
    }
}
