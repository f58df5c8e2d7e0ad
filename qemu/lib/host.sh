# shellcheck shell=bash
# What the host must have: programs, a kernel, BusyBox and pidone itself. Sourced by qemu/run.

# The meta package whose dependency is Debian's newest kernel for virtual machines. It has ext4,
# NVMe, the 8250 console and virtual terminals built in, so that no module is ever needed.
kernel_meta=linux-image-cloud-amd64

# say WORDS...: one line of progress, on standard error so that it never mixes with a command's.
say() {
    [ "$quiet" = 1 ] || printf 'qemu/run: %s\n' "$*" >&2
}

# die WORDS...: a step on the host failed; the words say what failed, why and what to do.
die() {
    printf 'qemu/run: %s\n' "$*" >&2
    exit 111
}

# attempt FAILURE COMMAND...: runs a command silently; if it fails, its last words are the why.
attempt() {
    local failure=$1 log=$scratch/attempt.log
    shift
    "$@" >"$log" 2>&1 || die "$failure: $(tail -n 3 -- "$log" | tr '\n' ' ')"
}

# The processes that run beside this script, so that none outlives it.
qemu_pid=
readers=()

clean_up() {
    # timeout stands between and hands the signal on to QEMU.
    kill -TERM $qemu_pid "${readers[@]}" 2>/dev/null || true
    [ -z "$scratch" ] || rm -rf -- "$scratch"
}

# apt WORDS...: apt-get without questions. The package lists may be missing, or name versions that
# the mirrors have dropped, so they are refreshed first; offline, the old ones may still do. A machine
# that has just been started may be at its own upgrades, whose end is waited for.
apt() {
    refresh_lists
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"
}

lists_refreshed=0

refresh_lists() {
    [ "$lists_refreshed" = 0 ] || return 0
    apt-get -q -o DPkg::Lock::Timeout=600 update ||
        echo 'The package lists could not be refreshed.'
    lists_refreshed=1
}

# need_host: installs the programs that are missing.
need_host() {
    [ "$(uname -m)" = x86_64 ] || [ -n "$kernel" ] ||
        die "the kernel fetched here is for x86_64, this is $(uname -m): give one with --kernel"
    [ -z "$(missing_packages)" ] || locked install_missing
}

# missing_packages: the packages of the programs that this script calls and a small host may lack.
missing_packages() {
    local pair
    for pair in qemu-system-x86_64=qemu-system-x86 cpio=cpio mke2fs=e2fsprogs; do
        command -v "${pair%%=*}" >/dev/null || printf '%s ' "${pair#*=}"
    done
    # A Rust toolchain links through cc, with the C library's start files for build scripts.
    command -v cc >/dev/null || printf 'gcc libc6-dev '
}

# install_missing: asks once more what is missing, as another run may have held the lock.
install_missing() {
    local packages
    read -r -a packages <<<"$(missing_packages)"
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "missing, and no apt-get to install: ${packages[*]}"
    [ "$(id -u)" = 0 ] || die "missing: run as root once, or install: ${packages[*]}"
    say "refreshing the package lists"
    attempt "cannot refresh the package lists" refresh_lists
    say "downloading ${packages[*]}"
    attempt "cannot download ${packages[*]}" \
        apt install --download-only --no-install-recommends "${packages[@]}"
    say "installing ${packages[*]}"
    attempt "cannot install ${packages[*]}" apt install --no-install-recommends "${packages[@]}"
}

# fetch PACKAGE FOLDER PATTERN: takes the files that match out of a Debian package, which is not
# installed. The folder appears in the cache when it is complete, so that an interrupted fetch
# leaves nothing that looks like one.
fetch() {
    local package=$1 folder=$cache/$2 pattern=$3 work
    command -v apt-get >/dev/null || die "cannot fetch $package: this host has no apt-get"
    say "fetching $package"
    work=$(mktemp -d -- "$scratch/fetch.XXXXXX")
    (cd -- "$work" && attempt "cannot download $package" apt download "$package")
    mkdir -- "$work/tree"
    dpkg-deb --fsys-tarfile "$work"/*.deb |
        tar -x -C "$work/tree" --wildcards "$pattern" --transform='s|.*/||' ||
        die "cannot unpack $package: no $pattern in it, or a damaged download"
    rm -rf -- "$folder"
    mv -- "$work/tree" "$folder"
}

# locked COMMAND...: runs it while no other qemu/run of this clone does the same.
locked() {
    local fd
    exec {fd}>"$cache/lock"
    flock "$fd"
    "$@"
    exec {fd}>&-
}

need_kernel() {
    [ -n "$kernel" ] || locked fetch_kernel
}

# fetch_kernel: a kernel once fetched is kept, so that later runs need no network.
fetch_kernel() {
    local package
    if ! compgen -G "$cache/kernel/vmlinuz-*" >/dev/null; then
        command -v apt-cache >/dev/null || die "cannot fetch a kernel without apt: use --kernel"
        attempt "cannot refresh the package lists" refresh_lists
        package=$(resolve_kernel)
        [ -n "$package" ] || die "apt knows no $kernel_meta: give a kernel with --kernel"
        fetch "$package" kernel './boot/vmlinuz-*'
    fi
    kernel=$(compgen -G "$cache/kernel/vmlinuz-*" | head -n 1)
}

# resolve_kernel: the real package behind the meta package, or nothing. In another language what is
# looked for would be called otherwise.
resolve_kernel() {
    LC_ALL=C apt-cache depends "$kernel_meta" 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}

# need_busybox: the guest's user land. A host may hold another busybox package that conflicts with
# the static one, so the static one is unpacked beside it and never installed.
need_busybox() {
    busybox=/usr/bin/busybox
    dpkg-query -W -f '${Status}' busybox-static 2>/dev/null | grep -q ' installed$' ||
        locked fetch_busybox
}

fetch_busybox() {
    busybox=$cache/busybox/busybox
    [ -x "$busybox" ] || fetch busybox-static busybox '*/bin/busybox'
}

# need_init: builds pidone unless another init was named. Cargo knows by itself what is up to date.
need_init() {
    local output=${CARGO_TARGET_DIR:-$root/target} how=--quiet
    [ -z "$init" ] || return 0
    # A login shell's PATH is not always there: rustup installs below the home folder.
    command -v cargo >/dev/null || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    command -v cargo >/dev/null ||
        die "cannot build pidone: no cargo in PATH; install Rust from https://rustup.rs"
    say "building pidone"
    # The first time takes a while, and to a person cargo tells of it by itself.
    [ -x "$output/release/pidone" ] || [ "$quiet" = 1 ] || ! [ -t 2 ] || how=--color=auto
    (cd -- "$root" && cargo build --release "$how" >&2) ||
        die "cannot build pidone: cargo build --release failed as above"
    init=$output/release/pidone
    [ -x "$init" ] || die "cannot find $init after the build"
}

# accelerator: kvm where it can be trusted, else tcg. /dev/kvm may be there and hang for ever, so
# the processor must have the feature and a guest of one sector must have answered.
accelerator() {
    local verdict=$cache/accelerator boot
    boot=$(cat /proc/sys/kernel/random/boot_id)
    if ! [ -e "$verdict" ] || [ "$(sed -n 2p "$verdict")" != "$boot" ]; then
        if grep -Eqw 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ] && probe kvm; then
            printf 'kvm\n%s\n' "$boot" >"$scratch/accelerator"
        else
            printf 'tcg\n%s\n' "$boot" >"$scratch/accelerator"
        fi
        mv -- "$scratch/accelerator" "$verdict"
    fi
    sed -n 1p "$verdict"
}

# probe ACCELERATOR: true if a guest that writes 0x10 to the exit port does get that far. QEMU
# turns the byte N into the status 2N+1.
probe() {
    local sector=$scratch/probe.img status=0
    # mov al,0x10; out 0xf4,al; hlt; and the mark of a boot sector at its end.
    { printf '\xb0\x10\xe6\xf4\xf4'; head -c 505 /dev/zero; printf '\x55\xaa'; } >"$sector"
    timeout -s KILL 10 qemu-system-x86_64 -accel "$1" -nodefaults -no-user-config -display none \
        -device isa-debug-exit,iobase=0xf4 -drive "file=$sector,format=raw,if=ide" \
        </dev/null >/dev/null 2>&1 || status=$?
    [ "$status" = 33 ]
}
