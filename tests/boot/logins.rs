//! login on a real machine: who is let in with which hash, who is not, and what is written down.

use crate::guest::{Guest, scratch};

/// Gives a name and a password.
fn give(guest: &mut Guest, name: &str, password: &str) {
    guest.console.expect("pidone login: ");
    guest.console.type_line(name);
    guest.console.expect("Password: ");
    guest.console.type_line(password);
}

/// Adds accounts to the demo's: one that is locked and one that has expired, with root's password.
const ACCOUNTS: &str = "H=$(sed -n 's/^root:\\([^:]*\\):.*/\\1/p' /etc/shadow); \
    for who in locked:!$H:::::::: gone:$H::::::1: stale:$H:1:0:30::::; do \
    echo $who >> /etc/shadow; echo ${who%%:*}:x:1001:1000::/:/bin/sh >> /etc/passwd; done";

#[test]
fn who_is_refused_sees_the_same_words_and_who_is_not_has_a_session() {
    let mut guest = Guest::boot(&scratch("logins"), &[]);
    guest.log_in();
    assert!(guest.shell("ls -l $(which login)").contains(" /bin/login\n"), "BusyBox's login");
    guest.shell(ACCOUNTS);
    guest.console.type_line("exit");
    for (name, password) in [
        ("root", "wrong"),
        ("stranger", "pidone"),
        ("locked", "pidone"),
        ("gone", "pidone"),
        ("stale", "pidone"),
        ("user", "wrong"),
    ] {
        give(&mut guest, name, password);
        let answer = guest.console.expect("Login incorrect");
        assert_eq!(answer.replace('\r', ""), "\n", "{name}");
    }
    give(&mut guest, "user", "pidone");
    guest.console.expect("$ ");
    guest.name_prompt();
    let seen = guest.shell("id; pwd; tty; stat -c '%U %G %a' $(tty); touch here && echo mine");
    let id = "uid=1000(user) gid=1000(user) groups=1000(user)";
    for words in [id, "\n/home/user\n", "\n/dev/ttyS0\n", "\nuser tty 620\n", "\nmine\n"] {
        assert!(seen.contains(words), "no {words:?} in {seen}");
    }
    guest.console.type_line("exit");
    guest.log_in();
    guest.shell("touch /etc/nologin");
    let log = guest.shell("grep 'login\\[' /var/log/messages");
    for words in [
        "root login on 'ttyS0'",
        "refused 'root' on 'ttyS0': the password is wrong (try 1 of 3)",
        "refused somebody unknown on 'ttyS0': there is no such user (try ",
        "refused 'locked' on 'ttyS0': the account is locked",
        "refused 'gone' on 'ttyS0': the account has expired",
        "refused 'stale' on 'ttyS0': the password has expired",
        "login of 'user' on 'ttyS0'",
    ] {
        assert!(log.contains(words), "no {words:?} in {log}");
    }
    guest.console.type_line("exit");
    give(&mut guest, "user", "pidone");
    guest.console.expect("Login incorrect");
    guest.log_in();
    guest.end_with("poweroff");
}
