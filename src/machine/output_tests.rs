use super::*;

#[test]
fn units_of_one_file_share_its_reader_and_lines_of_syslog_do_not() {
    let mut b = Bench::boot(
        ":log=/a:once:a\n:log=/a,log-size=1K:respawn:b\n:log=syslog,count=2:respawn:c\n\
         :log=syslog:respawn:d\n:log=null:respawn:e\n:log=/a:wait:f\n",
    );
    b.did();
    b.exits(2, 0);
    let starts = ["start a as 3", "start b as 4", "start c as 5", "start c as 6"];
    let more = ["start d as 7", "start e as 8"];
    let reads = ["read log 0 as 9", "read log 1 as 10", "read log 2 as 11"];
    assert_eq!(b.did(), [&starts[..], &more, &reads].concat());
    b.after(100);
    b.exits(9, 111);
    assert_eq!(b.did(), ["read log 0 as 12"]);
}

#[test]
fn a_reload_keeps_the_log_of_a_unit_that_does_not_change() {
    let mut b = Bench::boot(":name=x,log=syslog:respawn:a\n:log=/f:respawn:b\n");
    assert_eq!(b.did().len(), 4);
    b.reload(":log=/f:respawn:b\n::respawn:new\n:name=x,log=syslog:respawn:a\n");
    assert_eq!(b.did(), ["start new as 6"]);
    // Another size is for another reader, but the pipe stays.
    b.reload(":log=/f,log-size=9K:respawn:b\n:name=x,log=syslog:respawn:a\n");
    let stops = ["signal 6 15", "signal 3 15", "signal reader 5 9"];
    assert_eq!(b.did(), stops);
    b.after(10);
    b.exits(5, 9);
    b.exits(3, 0);
    assert_eq!(b.did(), ["read log 1 as 7", "start b as 8"]);
}

#[test]
fn a_log_that_a_reload_takes_away_is_read_to_its_end() {
    let mut b = Bench::boot(":log=/f:respawn:a\n:log=/g:respawn:b\n");
    b.did();
    b.reload(":log=/h:respawn:a\n");
    assert_eq!(b.did(), ["signal 3 15", "signal 2 15", "leave log 0"]);
    // Its last words are still to come.
    b.after(100);
    b.exits(4, 1);
    assert_eq!(b.did(), ["read log 0 as 6"]);
    b.exits(2, 0);
    b.exits(3, 0);
    assert_eq!(b.did(), ["start a as 7", "read log 2 as 8", "leave log 1"]);
    b.exits(6, 0);
    b.exits(5, 0);
    assert_eq!(b.did(), ["forget log 0", "forget log 1"]);
    // The places are used again.
    b.reload(":log=/h:respawn:a\n:log=/f:respawn:c\n");
    assert_eq!(b.did(), ["start c as 9", "read log 0 as 10"]);
}

#[test]
fn on_the_way_down_readers_end_after_their_units_and_before_whom_those_waited_for() {
    let mut b = Bench::boot(
        ":name=syslog:respawn:s\n:log=syslog,after=syslog:respawn:a\n::shutdown:down\n",
    );
    b.did();
    b.happens(Event::Ready { pid: Pid(2) });
    b.did();
    b.happens(Event::Requested(Request::Down(End::Halt)));
    assert_eq!(b.did(), ["signal 3 15"]);
    b.exits(3, 0);
    assert_eq!(b.did(), ["leave log 0", "signal reader 4 15"]);
    b.exits(4, 0);
    assert_eq!(b.did(), ["forget log 0", "signal 2 15"]);
    b.exits(2, 0);
    assert_eq!(b.did(), ["start down as 5"]);
}

#[test]
fn a_reader_that_hangs_holds_nobody_for_long() {
    let mut b = Bench::boot(":log=/dead:respawn:a\n::shutdown:down\n");
    b.did();
    b.happens(Event::Requested(Request::Down(End::Halt)));
    b.exits(2, 0);
    assert_eq!(b.did(), ["signal 2 15", "leave log 0", "signal reader 3 15"]);
    b.after(1_999);
    assert_eq!(b.did(), [""; 0]);
    b.after(1);
    assert_eq!(b.did(), ["signal reader 3 9"]);
    // KILL does not end who is on a dead disk.
    b.after(60_000);
    b.after(2_000);
    assert_eq!(b.did(), ["start down as 4"]);
}
