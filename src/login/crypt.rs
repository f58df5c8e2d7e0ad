//! The hash functions for passwords, through crates of others.

use pidone::wire::crypt::{Hash, SUM_MAX, Scheme};

/// The most memory that a hash may ask for, in bytes: sixty-four times what is usual.
const MEMORY_MAX: u64 = 1 << 30;

/// A piece of a block of yescrypt, in bytes.
const YESCRYPT_PIECE: u64 = 128;

/// bcrypt takes no more of a password, in bytes, the NUL at its end included.
const BCRYPT_MAX: usize = 72;

/// Whether a password has this hash. To compare sums takes as long wherever they differ.
#[inline(never)] // What it leaves on the stack is wiped by its caller, who must not share a frame.
pub fn is_right(password: &[u8], hash: &Hash<'_>) -> bool {
    let mut sum = [0; SUM_MAX];
    let computed = compute(password, &hash.scheme, &mut sum).is_some();
    let wanted = hash.sum.as_bytes();
    let differs = wanted.iter().zip(&sum).fold(0, |all, (a, b)| all | (a ^ b));
    // To the functions of C a password ends with its first NUL; to us it is none.
    computed && differs == 0 && !wanted.is_empty() && !password.contains(&0)
}

fn compute(password: &[u8], scheme: &Scheme<'_>, sum: &mut [u8; SUM_MAX]) -> Option<()> {
    match scheme {
        Scheme::Sha256 { rounds, salt } => {
            let parameters = sha_crypt::Params::new(*rounds).ok()?;
            let got = sha_crypt::sha256_crypt(password, salt, parameters);
            *sum.first_chunk_mut()? = got;
        }
        Scheme::Sha512 { rounds, salt } => {
            let parameters = sha_crypt::Params::new(*rounds).ok()?;
            *sum = sha_crypt::sha512_crypt(password, salt, parameters);
        }
        Scheme::Yescrypt { parameters, salt } => {
            let parameters: yescrypt::Params = parameters.parse().ok()?;
            let pieces = parameters.n().saturating_add(parameters.p().into());
            let blocks = pieces.saturating_mul(parameters.r().into());
            if blocks > MEMORY_MAX / YESCRYPT_PIECE {
                return None;
            }
            let sum = sum.first_chunk_mut::<32>()?;
            yescrypt::yescrypt(password, salt.as_bytes(), &parameters, sum).ok()?;
        }
        Scheme::Bcrypt { cost, salt } => {
            let mut key = [0; BCRYPT_MAX];
            key.iter_mut().zip(password).for_each(|(to, from)| *to = *from);
            let len = (password.len() + 1).min(BCRYPT_MAX);
            let got = bcrypt::bcrypt(*cost, *salt, key.get(..len)?);
            *sum.first_chunk_mut()? = got;
        }
    }
    Some(())
}
