use super::*;
use crate::wire::signals::Signal;

#[test]
fn the_end_of_the_main_unit_is_the_end_of_everything_with_its_code() {
    let mut b = Bench::boot(":main:once:m\n::respawn:a");
    b.did();
    b.exits(3, 0);
    assert_eq!(b.did(), ["start a as 4"], "another unit may end");
    b.exits(2, 7);
    assert!(matches!(b.init.phase(), Phase::Down { end: End::Main(7), .. }));
    let mut b = Bench::boot(":main,max=2/1h:respawn:m");
    for pid in [2, 3] {
        assert_eq!(b.init.phase(), Phase::Run);
        let exit = Exit::Signal(Signal(11));
        b.happens(Event::Exited { pid: Pid(pid), exit, fault: None });
    }
    assert!(matches!(b.init.phase(), Phase::Down { end: End::Main(139), .. }));
}
