# shellcheck shell=bash
# The root file system: the overlay in rootfs/, BusyBox, and the init under test.
# Sourced by qemu/run.

# The names by which pidone is called besides init. BusyBox has programs of these names too, and
# theirs stand aside.
pidone_names=(linuxrc sbin/getty sbin/initctl usr/bin/logger)

# make_image: sets $image to an initramfs or an ext4 image that holds the whole tree.
make_image() {
    local tree=$scratch/tree
    say "making the image"
    stage_base "$tree"
    stage_init "$tree"
    [ "$has_command" = 0 ] || stage_command "$tree"
    stage_added "$tree"
    set_modes "$tree"
    if [ "$disk" = 1 ]; then
        pack_disk "$tree"
    else
        pack_initramfs "$tree"
    fi
}

# stage_base TREE: folders, device nodes, the overlay, and BusyBox with a link for each applet.
stage_base() {
    local tree=$1 applet
    mkdir -p -- "$tree"/{bin,sbin,usr/bin,usr/sbin,dev,proc,sys,run,tmp,root,etc,mnt} \
        "$tree"/var/{log,run,spool} "$tree/home/user"
    cp -R -- "$root/rootfs/." "$tree/"
    # A clone that was made with another file mode mask gives nobody else any right.
    chmod -R u=rwX,go=rX -- "$tree"
    cp -- "$busybox" "$tree/bin/busybox"
    for applet in $("$busybox" --list-full); do
        # The list gives each applet its usual folder. The overlay's own files win.
        [ -e "$tree/$applet" ] || link_to_busybox "$tree" "$applet"
    done
    # Scripts name shells and mount by their classic paths wherever the list has put them.
    for applet in bin/sh bin/mount bin/umount bin/login sbin/getty sbin/init sbin/syslogd \
        sbin/klogd sbin/swapoff sbin/swapon bin/hostname bin/mkdir bin/ln bin/cat; do
        [ -e "$tree/$applet" ] || [ -L "$tree/$applet" ] || link_to_busybox "$tree" "$applet"
    done
    make_nodes "$tree"
}

link_to_busybox() {
    mkdir -p -- "$1/$(dirname -- "$2")"
    ln -sf -- /bin/busybox "$1/$2"
}

# make_nodes TREE: the kernel opens /dev/console for init before anything can be mounted on /dev.
# Only root can make nodes; an initramfs does without, as the kernel's built-in one has a console.
make_nodes() {
    [ "$(id -u)" = 0 ] || return 0
    mknod -m 600 "$1/dev/console" c 5 1
    mknod -m 666 "$1/dev/null" c 1 3
    mknod -m 644 "$1/dev/kmsg" c 1 11
}

# stage_init TREE: the init under test becomes /sbin/init, and /init for the kernel's initramfs.
stage_init() {
    local tree=$1 name
    rm -f -- "$tree/sbin/init"
    cp -- "$init" "$tree/sbin/init"
    chmod 755 "$tree/sbin/init"
    ln -s /sbin/init "$tree/init"
    # Another init brings its own tools or uses BusyBox's.
    if [ "$(basename -- "$init")" = pidone ]; then
        for name in "${pidone_names[@]}"; do
            ln -sf /sbin/init "$tree/$name"
        done
        stage_login "$tree"
    fi
    [ -z "$inittab" ] || cp -- "$inittab" "$tree/etc/inittab"
}

# stage_login TREE: our login, which is built beside pidone, in the place of BusyBox's.
stage_login() {
    local login
    login=$(dirname -- "$init")/login
    [ -x "$login" ] || return 0
    rm -f -- "$1/bin/login"
    cp -- "$login" "$1/bin/login"
    chmod 755 "$1/bin/login"
}

# stage_command TREE: the boot test. The words go into a file, each in single quotes, because a
# kernel command line would not bring blanks, quotes, newlines and colons through.
stage_command() {
    local tree=$1 word
    [ -n "$inittab" ] || cp -- "$here/guest/inittab" "$tree/etc/inittab"
    # The last line of a file may lack its newline.
    printf '\nnull::once:/etc/boot-test\n' >>"$tree/etc/inittab"
    cp -- "$here/guest/boot-test" "$tree/etc/boot-test"
    for word in "${command[@]}"; do
        printf " '%s'" "${word//\'/\'\\\'\'}"
    done >"$scratch/words"
    { printf 'set --'; cat -- "$scratch/words"; printf '\n'; } >"$tree/etc/boot-test.words"
}

# stage_added TREE: what --add names, as it is on the host, links followed.
stage_added() {
    local tree=$1 pair guest
    for pair in "${added[@]}"; do
        guest=$tree${pair%%=*}
        mkdir -p -- "$(dirname -- "$guest")"
        # A link to BusyBox at that place would be written through otherwise.
        cp -R -L -T --remove-destination -- "${pair#*=}" "$guest" || die "cannot add ${pair#*=} as ${pair%%=*}"
    done
}

# set_modes TREE: git keeps no mode but the executable bit, so the others are set here.
set_modes() {
    chmod 755 "$1" "$1/etc"
    chmod 700 "$1/root"
    chmod 1777 "$1/tmp"
    [ ! -e "$1/etc/shadow" ] || chmod 600 "$1/etc/shadow"
    [ ! -e "$1/etc/boot-test" ] || chmod 755 "$1/etc/boot-test"
}

# set_owners TREE: everything is root's but the home of the demo's user. Without root it is all root's,
# by the archive's own word.
set_owners() {
    chown -R 0:0 "$1"
    chown 1000:1000 "$1/home/user"
}

# pack_initramfs TREE: an archive without compression, as unpacking costs a slow guest more.
pack_initramfs() {
    local owner=(--owner=0:0)
    image=$scratch/initramfs.cpio
    if [ "$(id -u)" = 0 ]; then
        set_owners "$1"
        owner=()
    fi
    (cd -- "$1" && find . -print0 |
        cpio --null --create --quiet --format=newc "${owner[@]}" >"$image") ||
        die "cannot make the initramfs in $scratch: cpio failed as above"
    if [ "$image_only" = 1 ]; then
        mv -- "$image" "$cache/initramfs.cpio"
        image=$cache/initramfs.cpio
    fi
}

# pack_disk TREE: mke2fs fills the file system by itself, so that no loop device is needed.
pack_disk() {
    local used
    [ "$(id -u)" = 0 ] || die "a disk image keeps owners and device nodes: run as root"
    set_owners "$1"
    image=$scratch/root.ext4
    [ "$image_only" = 0 ] || image=$cache/root.ext4
    [ -z "$keep_disk" ] || image=$keep_disk
    # As much room again as the tree takes, and 32 MiB for the journal and the guest's own files.
    used=$(du -sm -- "$1" | cut -f 1)
    rm -f -- "$image"
    attempt "cannot make the ext4 image $image" \
        mke2fs -q -t ext4 -F -L pidone -d "$1" "$image" "$((used * 2 + 32))m"
}
