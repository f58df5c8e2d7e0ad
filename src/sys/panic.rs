//! What becomes of a panic in a program that must not panic.

/// A release binary in which this could be reached does not link: nobody defines the function.
#[cfg(not(debug_assertions))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn a_panic_path_survived_in_the_release_build() -> !;
    }
    a_panic_path_survived_in_the_release_build()
}

/// A development build says that it panicked and leaves with the code of a bug of ours.
#[cfg(debug_assertions)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    let _ = super::fd::write(2, b"pidone: a bug of ours: panic\n");
    super::kernel::exit(101)
}
