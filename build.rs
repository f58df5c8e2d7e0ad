//! Link arguments for the binaries: no start files, no C library, one small image.

use std::{env, fs, path::Path};

/// What an applet runs while little happens, by patterns of the linker's names for functions and
/// constants. Each group lies together. The first page, with the memory functions and the calls of
/// the kernel, belongs to all of them: while the machine's init waits it gives back every other
/// page of code, see `sys::memory`. A container's init has no call to spare for that: what it runs
/// when nothing goes wrong makes up the first segment, and the kernel maps no more than that of it.
/// Whatever is in no group is cold. A name that is spelt wrong makes nothing fail, but what it
/// meant then lies among the cold, which tests/memory.rs finds.
const COMMON: &[&str] = &[
    "memcpy*",
    "memcmp*",
    "memset*",
    "bcmp",
    "strlen",
    "*6kernel11wait_signal*",
    "*6kernel4reap*",
    "*6kernel3now*",
    "*6kernel5nanos*",
    "*6kernel5clock*",
    "*6kernel7outcome*",
    "*6kernel4send*",
    "*6kernel4exit*",
    "*6kernel12exit_at_once*",
    "*6kernel8set_mask*",
    "*6kernel15set_disposition*",
    "*3sys6memory*",
    "_start",
    "*5start5start*",
    "*6Reaper8heard_of*",
    "*6Reaper4look*",
    "*6Reaper10reap_batch*",
    "*6source6listen*",
];
const CONTAINER: &[&str] = &[
    "*6applet4main*",
    "*6applet9container5begin*",
    "*6applet9container3run*",
    "*6applet9container16read_environment17h*",
    "*6applet9container16read_environment28*",
    "*6applet9container4live*",
    "*3sys9container6source*",
    "*3sys9container4deed5Hands4step*",
    "*3sys9container10main_child3run*",
    "*3sys9container10main_child7execute*",
    "*3sys9container10main_child7attempt*",
    "*3sys9container10main_child6joined*",
    "*3sys3tty10foreground*",
    "*3sys5start4Args*",
    "*3sys5start5c_str*",
    "*5c_str*8from_ptr*",
    "*4core3cmp*",
    "*4core5slice3cmp*",
    "*SlicePartialEq*",
    "*4core5slice3cmp*",
    "*3sys9container5relay5relay*",
    "*3sys9container5relay7attempt*",
    "*pidone..machine..container*",
    "*4wire5names4take*",
    "*4wire5names3cut*",
    "*4wire5names5place*",
    "*4wire5names5holds*",
    "*4wire5names6begins*",
    "*4wire5names9base_name*",
    "*4wire9container5Guise2of*",
    "*4wire9container4Plan3new*",
    "*4wire9container4Plan6answer*",
    "*4wire9container4Plan9passed_on*",
    "*6kernel13adopt_orphans*",
    "*7machine9container9Container6handle*",
    "*7machine9container9Container11next_action*",
    "*HOT*",
];
const INIT: &[&str] = &[
    "*6applet4init4live*",
    "*6applet4init3act*",
    "*6applet4init6reaped*",
    "*6applet4init4hear*",
    "*6applet4init6listen*",
    "*3sys5watch5Watch4came*",
    "*3sys4ears4Ears4next*",
    "*3sys4ears4Ears6forget*",
    "*3sys4ears5Inlet4next*",
    "*3sys4ears*Fd$GT$4take*",
    "*3sys4ears4Ears8are_open*",
    "*3sys4ears4Ears11is_attended*",
    "*7machine7earlier*",
    "*7machine4care*",
    "*7machine4hear*7unit_of*",
    "*7machine4hear*9heed_ties*",
    "*7machine4hear*17patience_deadline*",
    "*7machine6health*10aide_ended*",
    "*7machine6health*9next_care*",
    "*3sys6source4*",
    "*3sys6source6*",
    "*3sys5child5Board7word_of*",
    "*3sys4reap6Reaper7put_off*",
    "*3sys4reap4walk*",
    "*3sys4reap8CHILDREN*",
    "*7machine4init4Init6handle*",
    "*7machine5lives*6exited*",
    "*7machine4init4Init7advance*",
    "*7machine4init4Init11next_action*",
    "*7machine4init4Init13next_deadline*",
    "*7machine4init4Init14comes_to_rest*",
    "*7machine4init4Init3due*",
    "*7machine4unit5State3pid*",
    "*7machine8shutdown*12advance_down*",
    "*7machine8shutdown*13down_deadline*",
    "*7machine3log3Log4next*",
    "*7machine3log3Log7head_at*",
    "*7machine3log3Log8deadline*",
];

/// What it runs besides once units write to logs.
const LOGS: &[&str] = &[
    "*7machine7outputs*11next_reader*",
    "*7machine7outputs*19or_readers_deadline*",
    "*7machine7outputs*12reader_ended*",
    "*7machine7readers*",
];

/// What both of them run, and so lies between them.
const READ: &[&str] = &["*3sys2fd4read*"];

const GETTY: &[&str] = &["*6applet5getty3key*", "*6applet5getty4read*"];

/// Lays a binary out in segments: code with its constants, and what is written to. What an unwinder
/// would need is left out, since nothing here unwinds. Each segment follows in the file without
/// padding, but what is written to begins with a page, and so does what the machine's init has:
/// less of it becomes memory.
const LAYOUT: &str = "
ENTRY(_start)
PHDRS
{
  first PT_LOAD FILEHDR PHDRS FLAGS(5);
  text PT_LOAD FLAGS(5);
  data PT_LOAD FLAGS(6);
  stack PT_GNU_STACK FLAGS(6);
}
SECTIONS
{
  . = 0x400000 + SIZEOF_HEADERS;
  .first :
  {
    *(.rodata.cst4 .rodata.cst8 .rodata.cst16 .got .got.* .data.rel.ro .data.rel.ro.*)
    @COMMON@ @CONTAINER@
  } :first
  . = ALIGN(0x1000) + (. & 0xfff);
  . = (. & 0xfff) > 0xa00 ? ALIGN(0x1000) : .;
  .text :
  {
    @INIT@
    @READ@
    @GETTY@
    @LOGS@
    *(.rodata .rodata.* .text .text.*)
  } :text
  code_end = ALIGN(0x1000);
  . = ALIGN(0x1000) + (. & 0xfff);
  .data : { *(.data .data.*) } :data
  .bss :
  {
    . = ALIGN(0x1000);
    *(.bss.*10main_child3OWN*) *(.bss.*10main_child9OWN_TAKEN*) *(.bss.*10main_child3BED*)
    . = ALIGN(0x1000);
    *(.bss.*5child6SHARED*) *(.bss.*4init5STORE*)
    *(.bss .bss.* COMMON)
  } :data
  /DISCARD/ : { *(.comment) *(.note .note.*) *(.eh_frame .eh_frame_hdr) *(.gcc_except_table*) }
}
";

/// The layout with the groups in it, each between two symbols: where its first page begins, and
/// where its last page ends.
fn layout() -> String {
    let mut script = LAYOUT.to_owned();
    let groups = [
        ("common", COMMON),
        ("container", CONTAINER),
        ("init", INIT),
        ("read", READ),
        ("logs", LOGS),
        ("getty", GETTY),
    ];
    for (group, names) in groups {
        let of = |kind: &str| names.iter().map(|n| format!(".{kind}.{n} ")).collect::<String>();
        let place = format!(
            "{group}_code = ABSOLUTE(.) & ~0xfff;\n*({}{})\n\
             {group}_code_end = ALIGN(ABSOLUTE(.), 0x1000);\n",
            of("text"),
            of("rodata"),
        );
        script = script.replace(&format!("@{}@", group.to_uppercase()), &place);
    }
    script
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(laid_out)");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let script = Path::new(&out).join("layout.ld");
    fs::write(&script, layout()).expect("the build folder takes a file");
    let optimised = env::var("PROFILE").is_ok_and(|p| p == "release");
    let mut arguments = vec!["-nostartfiles", "-nostdlib", "-static", "-no-pie"];
    arguments.extend(["-Wl,--build-id=none", "-Wl,-z,norelro", "-Wl,--gc-sections"]);
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    if optimised {
        // Nothing looks for sections in a program that is loaded by its segments.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,nosectionheader");
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
        println!("cargo::rustc-cfg=laid_out");
    }
}
