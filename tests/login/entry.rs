//! What somebody finds who was let in.

use std::fs;
use std::os::unix::fs::symlink;

use super::desk::{Desk, Setup};

/// The words of a text, in order.
fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.lines().collect();
    words.sort_unstable();
    words
}

fn anna(words: &str) -> Desk {
    let mut desk = Setup::new(words).sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    desk
}

#[test]
fn an_ordinary_user_has_a_clean_environment_a_home_and_a_login_shell() {
    let mut desk = Setup::new("").env("LEFT=over").sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    let env = desk.output("env");
    let wanted = "HOME=/home/anna LOGNAME=anna PATH=/bin:/usr/bin PWD=/home/anna SHELL=/bin/sh \
                  SHLVL=1 TERM=vt102 USER=anna";
    assert_eq!(sorted(&env), wanted.split(' ').collect::<Vec<_>>());
    assert_eq!(desk.output("pwd; echo $0"), "/home/anna\n-sh\n");
    assert_eq!(desk.hears("login of"), "<86>login[PID]: login of 'anna' on 'pts/0'");
    desk.ns.power_off();
}

#[test]
fn root_has_the_folders_of_the_system_too() {
    let mut desk = Setup::new("").sit();
    desk.gives("root", "secret");
    desk.sees("~ # ");
    assert_eq!(desk.output("echo $PATH $HOME $USER"), "/sbin:/usr/sbin:/bin:/usr/bin /root root\n");
    assert_eq!(desk.output("id"), "uid=0(root) gid=0(root) groups=0(root)\n");
    assert_eq!(desk.hears("root login"), "<85>login[PID]: root login on 'pts/0'");
    desk.ns.power_off();
}

#[test]
fn groups_then_group_then_user_are_taken_on_and_root_cannot_come_back() {
    let mut desk = Setup::new("").badly_started().sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    let id = "uid=1000(anna) gid=1001(users) groups=29(audio),33(web),1001(users)\n";
    assert_eq!(desk.output("id"), id);
    let status =
        desk.output("grep -E '^(Uid|Gid|Groups|Cap(Prm|Eff)|Sig(Blk|Ign))' /proc/self/status");
    for line in ["Uid:\t1000\t1000\t1000\t1000", "Gid:\t1001\t1001\t1001\t1001"] {
        assert!(status.contains(line), "{status}");
    }
    assert!(status.contains("Groups:\t29 33 1001"), "{status}");
    for none in ["CapPrm", "CapEff", "SigBlk", "SigIgn"] {
        assert!(status.contains(&format!("{none}:\t0000000000000000")), "{status}");
    }
    desk.ns.power_off();
}

#[test]
fn nothing_is_open_but_the_terminal_and_job_control_works() {
    let mut desk = Setup::new("").badly_started().sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    let shell = desk.ns.procs().named("sh")[0].pid;
    let links = (0..64).map(|fd| desk.ns.procs().link(&format!("{shell}/fd/{fd}")));
    let links: Vec<String> = links.filter(|link| !link.is_empty()).collect();
    // The last one is the shell's own.
    assert_eq!(links.len(), 4, "{links:?}");
    assert!(links[..3].iter().all(|link| link.ends_with("/dev/pts/0")), "{links:?}");
    assert!(links[3].contains("/dev/"), "{links:?}");
    let stat = desk.output("cut -d' ' -f5,6,7 /proc/$$/stat; echo $$");
    let numbers: Vec<&str> = stat.split_whitespace().collect();
    assert_eq!(numbers[0], numbers[3], "the shell leads its group: {stat}");
    assert_eq!(numbers[1], numbers[3], "and its session: {stat}");
    desk.types("sleep 1000");
    desk.ns.until("sleep does not run", || desk.ns.procs().named("sleep").len() == 1);
    desk.press("\x1a");
    let is = |desk: &Desk, state| desk.ns.procs().named("sleep").iter().any(|p| p.state == state);
    desk.ns.until("sleep does not stop", || is(&desk, 'T'));
    desk.sees("Stopped");
    desk.sees("~ $ ");
    desk.types("fg");
    desk.ns.until("sleep does not go on", || is(&desk, 'S'));
    desk.press("\x03");
    desk.ns.until("sleep does not end", || desk.ns.procs().named("sleep").is_empty());
    desk.sees("~ $ ");
    assert_eq!(desk.output("jobs"), "");
    desk.ns.power_off();
}

#[test]
fn the_terminal_belongs_to_the_user_and_to_the_group_of_terminals() {
    let desk = anna("");
    assert_eq!(desk.terminal(), (1000, 5, 0o620));
}

#[test]
fn without_a_group_of_terminals_nobody_else_writes_to_it() {
    let mut desk = Setup::new("").file("etc/group", "users:x:1001:\n").sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    assert_eq!(desk.terminal(), (1000, 1001, 0o600));
}

#[test]
fn the_message_of_the_day_is_shown_unless_it_is_hushed() {
    let setup = Setup::new("").file("etc/motd", "soup today\nbread too\n");
    let mut desk = setup.sit();
    desk.gives("anna", "secret");
    desk.sees("\r\nsoup today\r\nbread too\r\n");
    desk.sees("~ $ ");
    desk.runs("touch .hushlogin");
    desk.types("exit");
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    assert_eq!(desk.ns.console().matches("soup today").count(), 1);
    desk.ns.power_off();
}

#[test]
fn a_home_that_is_not_there_is_said_and_the_root_is_taken() {
    let mut desk = Setup::new("").sit();
    desk.gives("lost", "secret");
    desk.sees("login: cannot change to '/no/such/home': No such file or directory; starting in /");
    desk.sees("/ $ ");
    assert_eq!(desk.output("pwd; echo $HOME"), "/\n/no/such/home\n");
}

#[test]
fn a_home_that_the_user_may_not_enter_is_none() {
    let setup = Setup::new("").more("etc/passwd", "shy:HASH:1020:1001::/root/in:/bin/sh\n");
    let mut desk = setup.file("root/in/x", "").sit();
    fs::set_permissions(
        desk.ns.root().path("root"),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    desk.gives("shy", "secret");
    desk.sees("login: cannot change to '/root/in': Permission denied; starting in /");
}

#[test]
fn a_shell_that_is_not_there_is_said_and_logged_and_ends_the_session() {
    let mut desk = Setup::new("").sit();
    desk.gives("shell", "secret");
    let words = "cannot run '/no/such/shell': No such file or directory; the session ends";
    desk.sees(&format!("login: {words}\r\n"));
    assert_eq!(desk.hears("cannot run"), format!("<83>login[PID]: {words}"));
    desk.sees("desk login: ");
}

#[test]
fn an_account_whose_hash_stands_in_passwd_and_that_names_no_shell_has_one() {
    let mut desk = Setup::new("").sit();
    desk.gives("plain", "secret");
    desk.sees("$ ");
    assert_eq!(desk.output("echo $0 $SHELL"), "-sh /bin/sh\n");
}

#[test]
fn logging_out_brings_a_fresh_prompt() {
    let mut desk = anna("");
    desk.types("exit");
    desk.gives("root", "secret");
    desk.sees("~ # ");
    assert_eq!(desk.terminal(), (0, 5, 0o620));
}

#[test]
fn the_environment_is_kept_where_it_is_to_be_but_for_what_is_set() {
    let mut desk = Setup::new("-p").env("LEFT=over").sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    let env = desk.output("env");
    let set = ["HOME=/home/anna", "LEFT=over", "USER=anna", "PATH=/bin:/usr/bin"];
    assert!(set.iter().all(|var| sorted(&env).contains(var)), "{env}");
    assert_eq!(env.matches("HOME=").count(), 1, "{env}");
}

#[test]
fn who_is_trusted_is_not_asked() {
    let mut desk = Setup::new("-f root").sit();
    desk.sees("~ # ");
    assert_eq!(desk.ns.console().matches("Password").count(), 0);
    desk.hears("root login on 'pts/0'");
    desk.types("exit");
    desk.sees("~ # ");
}

#[test]
fn trust_holds_for_the_name_that_was_given_alone() {
    let mut desk = Setup::new("-f nobody").sit();
    desk.sees("Password: ");
    desk.types("secret");
    desk.sees("Login incorrect");
    desk.gives("root", "wrong");
    desk.sees("Login incorrect");
    desk.gives("root", "secret");
    desk.sees("~ # ");
}

#[test]
fn who_comes_in_from_a_host_is_written_down_with_it() {
    let mut desk = Setup::new("-h far.example").file("var/run/utmp", "").sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    assert!(desk.hears("login of").ends_with("login of 'anna' on 'pts/0' from 'far.example'"));
    let who = desk.output("who -a");
    assert!(who.contains("far.example"), "{who}");
}

#[test]
fn a_password_for_each_of_the_hashes_is_right() {
    let mut desk = anna("");
    // The first one was yescrypt, this is SHA-512.
    desk.types("exit");
    desk.gives("root", "secret");
    desk.sees("~ # ");
}

#[test]
fn an_account_without_a_password_comes_in_on_a_secure_terminal() {
    let mut desk = Setup::new("").sit();
    desk.sees("desk login: ");
    desk.types("empty");
    desk.sees("$ ");
    assert!(!desk.ns.console().contains("Password"));
}

#[test]
fn nobody_needs_syslog_utmp_shadow_or_groups() {
    let setup = Setup::new("").without("etc/shadow").without("etc/group").without_syslog();
    let mut desk = setup.sit();
    desk.gives("plain", "secret");
    desk.sees("$ ");
    assert_eq!(desk.output("id"), "uid=1010(plain) gid=1001 groups=1001\n");
}

#[test]
fn a_terminal_link_is_known_by_what_it_leads_to() {
    let setup = Setup::new("");
    symlink("pts/0", setup.root().path("dev/tty1")).unwrap();
    let mut desk = setup.tty("tty1").sit();
    desk.gives("anna", "secret");
    desk.sees("~ $ ");
    assert_eq!(desk.output("tty"), "/dev/pts/0\n");
}
