# shellcheck shell=bash
# Starting QEMU and hearing what the guest has to say. Sourced by qemu/run.

# Words of the kernel command line that every boot has. A panic reboots at once, and -no-reboot
# makes that the end of QEMU. The kernel's self-tests of its ciphers take a fifth of a boot. It looks
# whether its timer ticks, and on a busy host takes an emulated one that comes late for a broken one.
kernel_words='console=ttyS0,115200 panic=-1 cryptomgr.notests no_timer_check'

# build_qemu: sets qemu to the command that both ways of running share.
build_qemu() {
    local words=$kernel_words
    [ -n "$accel" ] || accel=$(accelerator)
    qemu=(qemu-system-x86_64 -accel "$accel" -machine pc -m "$memory" -smp 1
        -nodefaults -no-user-config -display none -no-reboot -kernel "$kernel")
    if [ "$accel" = kvm ]; then
        qemu+=(-cpu host)
    else
        qemu+=(-cpu max)
    fi
    if [ "$disk" = 1 ]; then
        image=${use_disk:-$image}
        qemu+=(-drive "file=${image//,/,,},format=raw,if=none,id=root"
            -device nvme,drive=root,serial=pidone)
        words="$words root=/dev/nvme0n1 rootfstype=ext4 rw"
    else
        qemu+=(-initrd "$image")
    fi
    qemu+=(-append "$words$append" "${extra_qemu[@]}")
}

# run_qemu INPUT: runs it to its end or its time limit and sets status; 124 means the limit. INPUT
# is the descriptor it reads. It runs in the background of the shell, not of the terminal, so that
# a signal to this script is acted on at once.
run_qemu() {
    status=0
    timeout --foreground -k 5 "${timeout:-0}" "${qemu[@]}" <&"$1" &
    qemu_pid=$!
    wait "$qemu_pid" || status=$?
    qemu_pid=
}

# run_terminal: the first serial port and QEMU's monitor share this terminal.
run_terminal() {
    local status input port=stdio,mux=on,signal=off,id=terminal
    [ -z "$serial_log" ] || port+=,logfile=${serial_log//,/,,}
    kernel_words+=' quiet'
    build_qemu
    qemu+=(-chardev "$port" -serial chardev:terminal -mon chardev=terminal)
    say "booting with ${qemu[2]}; log in as root with the password pidone; Ctrl-A X ends QEMU"
    # The shell gives a background command /dev/null to read unless it is told otherwise.
    exec {input}<&0
    run_qemu "$input"
    [ "$status" != 124 ] || fail_guest "no end within $timeout s" "$serial_log"
    [ "$status" = 0 ] || die "QEMU ended with status $status"
}

# run_command: four serial ports: the console, standard output, standard error and the status.
run_command() {
    local status input log=${serial_log:-$scratch/serial.log}
    mkfifo -m 600 "$scratch/out" "$scratch/err"
    : >"$scratch/status"
    build_qemu
    qemu+=(-serial "file:$log" -serial "file:$scratch/out" -serial "file:$scratch/err"
        -serial "file:$scratch/status")
    say "booting with ${qemu[2]} for: ${command[*]}"
    # Output is passed on while it comes, so that a long test can be watched.
    cat <"$scratch/out" & readers+=($!)
    cat <"$scratch/err" >&2 & readers+=($!)
    : "${timeout:=120}"
    exec {input}</dev/null
    run_qemu "$input" >"$scratch/qemu.log" 2>&1
    # A QEMU that did not start has left the readers waiting for a writer; they are not waited for.
    if [ "$status" = 0 ]; then
        wait "${readers[@]}" || true
        readers=()
    fi
    judge_guest "$status" "$log"
}

# judge_guest STATUS LOG: exits with the command's status, or says why there is none.
judge_guest() {
    local reported
    reported=$(sed -n 's/^status=\([0-9]*\)$/\1/p' "$scratch/status")
    if [ "$1" = 124 ] || [ "$1" = 137 ]; then
        [ -n "$reported" ] || fail_guest "no status within $timeout s" "$2"
        fail_guest "the command ended with status $reported, but the guest did not power off" "$2"
    fi
    [ "$1" = 0 ] || die "QEMU ended with status $1: $(tail -n 3 "$scratch/qemu.log")"
    grep -q 'Kernel panic' "$2" && fail_guest "the guest's kernel panicked" "$2"
    [ -n "$reported" ] || fail_guest "the guest ended without a status" "$2"
    exit "$reported"
}

# fail_guest WHY LOG: the guest is at fault; the end of its console usually tells the story. After a
# panic that is the panic's own line and what came before, not the registers that follow.
fail_guest() {
    local panic
    printf 'qemu/run: %s\n' "$1" >&2
    if [ -s "$2" ]; then
        printf 'qemu/run: the end of the serial log:\n' >&2
        panic=$(grep -n -m 1 'Kernel panic' -- "$2" | cut -d : -f 1) || true
        head -n "${panic:-1000000000}" -- "$2" | tail -n 20 | tr -d '\r' | sed 's/^/    /' >&2
    elif [ "$has_command" = 1 ]; then
        printf 'qemu/run: its console said nothing: no kernel for it, or too little --memory\n' >&2
    fi
    exit 125
}
