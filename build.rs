//! Link arguments for the binaries: no start files, no C library, one small image.

use std::{env, fs, path::Path};

/// Lays a binary out in two segments: code with its constants, and what is written to. What an
/// unwinder would need is left out, since nothing here unwinds. The data segment follows in the
/// file without padding, but what is written to begins with a page: less of it becomes memory.
const LAYOUT: &str = "
ENTRY(_start)
PHDRS { text PT_LOAD FILEHDR PHDRS FLAGS(5); data PT_LOAD FLAGS(6); stack PT_GNU_STACK FLAGS(6); }
SECTIONS
{
  . = 0x400000 + SIZEOF_HEADERS;
  .text : { *(.rodata .rodata.* .data.rel.ro .data.rel.ro.* .got .got.* .text .text.*) } :text
  . = ALIGN(0x1000) + (. & 0xfff);
  .data : { *(.data .data.*) } :data
  .bss : { . = ALIGN(0x1000); *(.bss .bss.* COMMON) } :data
  /DISCARD/ : { *(.comment) *(.note .note.*) *(.eh_frame .eh_frame_hdr) *(.gcc_except_table*) }
}
";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let layout = Path::new(&out).join("layout.ld");
    fs::write(&layout, LAYOUT).expect("the build folder takes a file");
    let optimised = env::var("PROFILE").is_ok_and(|p| p == "release");
    let mut arguments = vec!["-nostartfiles", "-nostdlib", "-static", "-no-pie"];
    arguments.extend(["-Wl,--build-id=none", "-Wl,-z,norelro", "-Wl,--gc-sections"]);
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    if optimised {
        // Nothing looks for sections in a program that is loaded by its segments.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,nosectionheader");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", layout.display());
    }
}
