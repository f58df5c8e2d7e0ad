#!/bin/sh
# Writes down what a child finds at its start; each word asks for one thing. The kernel's own
# account in /proc/$$ is read wherever the shell could have changed what it inherited.
note() { echo "$*" >> /out/log; }
links() { # One line: each open descriptor and what it is, without the shell's own script.
    # The lowest free number shows up as the pipe that readlink's answer comes through.
    for own in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$own ] || break; done
    line=fds
    for fd in /proc/$$/fd/*; do
        to=$(readlink "$fd")
        case ${fd##*/}=$to in $own=* | *=/bin/probe | *=) continue ;; *=pipe:*) to=pipe ;; esac
        line="$line ${fd##*/}=$to"
    done
    note "$line"
}
for what; do
    case $what in
    argv) note "argv $(tr '\0' '|' < /proc/$$/cmdline)" ;;
    env) tr '\0' '\n' < /proc/$$/environ | sort >> /out/log ;;
    cwd) note "cwd $(readlink /proc/$$/cwd)" ;;
    umask) note "umask $(umask)" ;;
    fds) links ;;
    nice) read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ nice _ < /proc/$$/stat; note "nice $nice" ;;
    oom) note "oom $(cat /proc/$$/oom_score_adj)" ;;
    limits) note "nofile $(ulimit -n)" ;;
    session)
        read -r pid _ _ parent group session tty _ < /proc/$$/stat
        [ "$session" = "$pid" ] && leads=yes || leads=no
        [ "$group" = "$pid" ] && own=yes || own=no
        [ "$tty" = 0 ] && tty=no || tty=yes
        note "parent $parent, leads session $leads, own group $own, controlling tty $tty" ;;
    stty) note "$(stty -a | tr '\n' ' ')" ;;
    hold) exec sleep 100000 ;;
    *) note "$what" ;;
    esac
done
