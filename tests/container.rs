//! x
mod support;
use support::{Stage, Who};
#[test]
fn smoke() {
    let stage = Stage::new();
    for peer in ["tini", "dumb-init", "catatonit"] {
        for second in [false, true] {
            let order = stage.peer(peer, &["--", "sh", "-c", "echo hi $$ $PPID; exit 7"]);
            let order = if second { order.second() } else { order };
            println!("{peer} {second} {:?}", order.run());
        }
        let mut r = stage.peer(peer, &["--", "actor", "record", "15"]).start();
        r.until_said("ready");
        r.send(10); r.until_said("got 10");
        r.send(15);
        println!("{:?} {}", r.end(), r.log());
    }
}
