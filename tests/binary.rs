//! What holds by construction: the release binary has nothing in it that could allocate, panic or
//! be loaded at run time, and it does not link if a panic could be reached.

use std::fs;
use std::path::Path;
use std::process::Command;

mod support;

use support::garden::Garden;

/// The most that the release binary may take, in bytes: less than BusyBox init with its getty and
/// login, and a tenth of a static tini by a C library.
const SIZE_MAX: u64 = 144 * 1024;

/// The most that login may take, in bytes, with all its hash functions.
const LOGIN_MAX: u64 = 64 * 1024;

/// The most that getty may take of it, in bytes.
const GETTY_MAX: u64 = 8 * 1024;

fn binary() -> Vec<u8> {
    fs::read(support::tools::pidone()).unwrap()
}

fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let mut value = [0u8; 8];
    value[..width].copy_from_slice(&bytes[at..at + width]);
    u64::from_le_bytes(value)
}

/// Type and flags of each program header, see elf(5).
fn segments(elf: &[u8]) -> Vec<(u64, u64)> {
    let (offset, size) = (number(elf, 32, 8) as usize, number(elf, 54, 2) as usize);
    let count = number(elf, 56, 2) as usize;
    let header = |index| offset + index * size;
    (0..count).map(|i| (number(elf, header(i), 4), number(elf, header(i) + 4, 4))).collect()
}

#[test]
fn the_binaries_are_static_and_bring_nothing_along() {
    is_static(&binary());
    is_static(&fs::read(support::tools::login()).unwrap());
}

fn is_static(elf: &[u8]) {
    const LOAD: u64 = 1;
    const STACK: u64 = 0x6474_e551;
    assert_eq!(&elf[..4], b"\x7fELF");
    assert_eq!(number(elf, 16, 2), 2, "it is of a fixed address: nothing relocates it");
    let segments = segments(elf);
    for (kind, _) in &segments {
        assert!([LOAD, STACK].contains(kind), "segment {kind:#x}: an interpreter or a library");
    }
    let both = |flags: u64| flags & 3 == 3;
    assert!(!segments.iter().any(|(_, flags)| both(*flags)), "memory to write and to execute");
}

#[test]
fn the_binary_holds_no_trace_of_a_panic_an_allocator_or_a_c_library() {
    let elf = binary();
    let text = String::from_utf8_lossy(&elf);
    for word in [
        "panicked",
        "unwrap",
        "index out of bounds",
        "attempt to",
        "memory allocation",
        "malloc",
        "GLIBC",
        "musl",
        "libc.so",
        ".rs",
        "RUST_BACKTRACE",
    ] {
        assert!(!text.contains(word), "{word:?} is in the binary");
    }
    assert!(text.contains("tty:options:action:command"), "the check has lost its object");
}

/// The one heap is login's: an allocator without a library's name would leave no word to look for.
#[test]
fn no_source_of_pidone_can_reach_a_heap() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![src.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let words = ["extern crate alloc", "global_allocator", "GlobalAlloc", "mod heap;"];
            if words.iter().any(|word| text.contains(word)) {
                found.push(path.strip_prefix(&src).unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert_eq!(found, [Path::new("sys/heap.rs"), Path::new("sys/login.rs")]);
}

#[test]
fn the_binaries_keep_their_sizes() {
    for (binary, most) in
        [(support::tools::pidone(), SIZE_MAX), (support::tools::login(), LOGIN_MAX)]
    {
        let size = fs::metadata(binary).unwrap().len();
        assert!(size <= most, "{}: {size} bytes are more than {most}", binary.display());
    }
}

/// The binary is built without the applet, and so without all that nothing else uses.
#[test]
fn getty_takes_its_share_of_the_binary_and_no_more() {
    let garden = Garden::lay("getty", &[]);
    garden.plant("src/applet/mod.rs", "        4 => getty::run(args, from),\n", "");
    let (links, said) = garden.cargo(&["build", "--release", "--bin", "pidone"]);
    assert!(links, "{said}");
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    let whole = size(support::tools::pidone());
    let taken = whole - size(&garden.file("target/release/pidone"));
    assert!((1..=GETTY_MAX).contains(&taken), "getty takes {taken} bytes of {whole}");
    println!("getty takes {taken} bytes of {whole}");
}

#[test]
fn a_panic_that_could_be_reached_does_not_link() {
    let garden = Garden::lay("panic", &[]);
    let (links, said) = garden.cargo(&["build", "--release"]);
    assert!(links, "without a panic it does not link:\n{said}");
    let head = "pub fn main(args: Args) -> i32 {";
    garden.plant("src/applet/mod.rs", head, &format!("{head}\n    let _ = args.get(1).unwrap();"));
    let (links, said) = garden.cargo(&["build", "--release"]);
    assert!(!links, "a panic that could be reached was linked");
    assert!(said.contains("a_panic_path_survived_in_the_release_build"), "{said}");
}

#[test]
fn the_pure_half_depends_on_nothing_of_the_world() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--no-default-features", "--edges", "normal"]);
    let out = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let tree = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(tree.contains("heapless"), "{tree}");
    assert!(!tree.contains("rustix") && !tree.contains("syscalls"), "{tree}");
    let front = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    assert!(front.unwrap().contains("#![forbid(unsafe_code)]"));
}
