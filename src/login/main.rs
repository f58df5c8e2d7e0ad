#![no_std]
#![no_main]
#![deny(unsafe_code)]
extern crate alloc;
#[allow(unsafe_code, dead_code)]
#[path = "../sys/login.rs"]
mod sys;
use sys::start::Args;
pub fn main(args: Args) -> i32 {
    let pw = args.get(1).unwrap_or(c"").to_bytes();
    let mut out = [0u8; 64];
    match args.get(2).unwrap_or(c"").to_bytes() {
        b"6" => {
            let Ok(p) = sha_crypt::Params::new(pw.len() as u32) else { return 1 };
            out.copy_from_slice(&sha_crypt::sha512_crypt(pw, pw, p));
        }
        b"5" => {
            let Ok(p) = sha_crypt::Params::new(pw.len() as u32) else { return 1 };
            out[..32].copy_from_slice(&sha_crypt::sha256_crypt(pw, pw, p));
        }
        b"b" => {
            out[..24].copy_from_slice(&bcrypt::bcrypt(pw.len() as u32, [pw[0]; 16], pw));
        }
        _ => {
            let Ok(p) = core::str::from_utf8(pw) else { return 2 };
            let Ok(p) = p.parse::<yescrypt::Params>() else { return 1 };
            let _ = yescrypt::yescrypt(pw, pw, &p, &mut out[..32]);
        }
    }
    let _ = sys::fd::write(1, &out);
    0
}
