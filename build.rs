//! Link arguments for the binaries: no start files, no C library, one small image.

use std::{env, fs, path::Path};

/// What an applet runs while little happens, by patterns of the linker's names for functions. Each
/// group lies together, and the first page, with the memory functions and the calls of the kernel,
/// belongs to all of them: while an applet waits it gives back every other page of code, see
/// `sys::memory`. Whatever is in no group is cold. A name that is spelt wrong makes nothing fail,
/// but what it meant then lies among the cold, which tests/memory.rs finds.
const HOT: [(&str, &[&str]); 2] = [
    ("common", &["mem*", "*3sys6kernel*", "*3sys6memory*", "*3sys5start5start*"]),
    (
        "init",
        &[
            "*6applet4init4live*",
            "*6applet4init3act*",
            "*6applet4init6reaped*",
            "*3sys4reap*",
            "*3sys6source*",
            "*7machine4init4Init*",
            "*7machine8shutdown*12advance_down*",
            "*7machine8shutdown*13down_deadline*",
            "*7machine3log3Log4next*",
            "*7machine3log3Log7head_at*",
        ],
    ),
];

/// Lays a binary out in two segments: code with its constants, and what is written to. What an
/// unwinder would need is left out, since nothing here unwinds. The data segment follows in the
/// file without padding, but what is written to begins with a page: less of it becomes memory.
const LAYOUT: &str = "
ENTRY(_start)
PHDRS { text PT_LOAD FILEHDR PHDRS FLAGS(5); data PT_LOAD FLAGS(6); stack PT_GNU_STACK FLAGS(6); }
SECTIONS
{
  . = 0x400000 + SIZEOF_HEADERS;
  .text :
  {
    @HOT@
    *(.rodata .rodata.* .data.rel.ro .data.rel.ro.* .got .got.* .text .text.*)
  } :text
  code_end = ALIGN(0x1000);
  . = ALIGN(0x1000) + (. & 0xfff);
  .data : { *(.data .data.*) } :data
  .bss : { . = ALIGN(0x1000); *(.bss .bss.* COMMON) } :data
  /DISCARD/ : { *(.comment) *(.note .note.*) *(.eh_frame .eh_frame_hdr) *(.gcc_except_table*) }
}
";

/// The groups as the linker wants them, each between two symbols: where its first page begins, and
/// where its last page ends.
fn hot() -> String {
    let mut script = String::new();
    for (group, names) in HOT {
        let sections: Vec<_> = names.iter().map(|name| format!(".text.{name}")).collect();
        script += &format!("{group}_code = ABSOLUTE(.) & ~0xfff;\n*({})\n", sections.join(" "));
        script += &format!("{group}_code_end = ALIGN(ABSOLUTE(.), 0x1000);\n");
    }
    script
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(laid_out)");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let layout = Path::new(&out).join("layout.ld");
    fs::write(&layout, LAYOUT.replace("@HOT@", &hot())).expect("the build folder takes a file");
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
        println!("cargo::rustc-cfg=laid_out");
    }
}
