//! What a container's init needs of the kernel.

pub mod deed;
pub mod journal;
pub mod kin;
pub mod main_child;
pub mod relay;
pub mod source;
