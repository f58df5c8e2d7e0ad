use super::*;

fn read<'a>(guise: Guise, words: &[&'a str]) -> Result<(Plan<'a>, usize), Trouble<'a>> {
    let mut plan = Plan::new(guise);
    let mut index = 0;
    while let Some(word) = words.get(index) {
        if !word.starts_with('-') {
            break;
        }
        let next = words.get(index + 1).map(|word| word.as_bytes());
        index += 1 + usize::from(plan.take(word.as_bytes(), next)?);
    }
    Ok((plan, index))
}

fn plan<'a>(guise: Guise, words: &[&'a str]) -> Plan<'a> {
    match read(guise, words) {
        Ok((plan, used)) => {
            assert_eq!(used, words.len(), "{words:?}");
            plan
        }
        Err(trouble) => panic!("{words:?}: {trouble:?}"),
    }
}

fn trouble<'a>(guise: Guise, words: &[&'a str]) -> Trouble<'a> {
    match read(guise, words) {
        Ok(_) => panic!("{words:?} was understood"),
        Err(trouble) => trouble,
    }
}

#[test]
fn names_choose_the_guise() {
    for (name, guise) in [
        ("pidone", Guise::Pidone),
        ("tini", Guise::Tini),
        ("docker-init", Guise::Tini),
        ("dumb-init", Guise::DumbInit),
        ("catatonit", Guise::Catatonit),
        ("pause", Guise::Pause),
        ("podman-init", Guise::Pidone),
    ] {
        assert_eq!(Guise::of(name.as_bytes()), guise, "{name}");
    }
}

#[test]
fn letters_may_stand_together_and_values_may_be_attached() {
    for words in [&["-s", "-g", "-w", "-v"][..], &["-sgwv"]] {
        let plan = plan(Guise::Tini, words);
        assert!(plan.adopts && plan.tells_reaped && plan.target == Target::Group);
        assert_eq!(plan.verbosity, 2);
    }
    for words in [&["-wpSIGTERM"][..], &["-w", "-p", "SIGTERM"], &["-wp", "TERM"]] {
        assert_eq!(plan(Guise::Tini, words).parent_death, Some(Signal::TERM));
    }
    assert_eq!(trouble(Guise::Tini, &["-sp"]), Trouble::Lacking(b"p"));
    assert_eq!(trouble(Guise::Tini, &["-sx"]), Trouble::Letter(b'x'));
}

#[test]
fn every_guise_has_its_own_options() {
    assert_eq!(trouble(Guise::Tini, &["--grace", "5s"]), Trouble::Letter(b'-'));
    assert_eq!(trouble(Guise::Tini, &["-P"]), Trouble::Letter(b'P'));
    assert_eq!(trouble(Guise::Tini, &["-1"]), Trouble::Letter(b'1'));
    assert_eq!(trouble(Guise::Pidone, &["-1"]), Trouble::Letter(b'1'));
    assert_eq!(trouble(Guise::DumbInit, &["--grace", "5s"]), Trouble::Name(b"grace"));
    assert_eq!(trouble(Guise::Pidone, &["--gracious"]), Trouble::Name(b"gracious"));
    assert_eq!(trouble(Guise::Pause, &["-v"]), Trouble::Asked(Question::Version));
    for guise in [Guise::Pidone, Guise::Tini, Guise::DumbInit, Guise::Catatonit, Guise::Pause] {
        assert_eq!(trouble(guise, &["--version"]), Trouble::Asked(Question::Version));
    }
    assert!(plan(Guise::Catatonit, &["-gP"]).pause);
    assert!(plan(Guise::Pause, &[]).pause);
}

#[test]
fn long_options_take_their_value_from_either_side() {
    for words in [&["--grace", "5s"][..], &["--grace=5s"]] {
        let plan = plan(Guise::Pidone, words);
        assert_eq!(plan.stops.as_slice(), [Stop { signal: Signal::TERM, wait: 5000 }]);
    }
    assert_eq!(trouble(Guise::Pidone, &["--grace"]), Trouble::Lacking(b"grace"));
    assert_eq!(plan(Guise::Pidone, &["--pre-stop", "a b"]).pre_stop, Some(&b"a b"[..]));
    assert!(plan(Guise::Pidone, &["--syslog"]).syslog);
}

#[test]
fn the_way_down_is_a_list_of_signals_with_times() {
    let stops = |text| plan(Guise::Pidone, &["--stop", text]).stops;
    let step = |signal, wait| Stop { signal, wait };
    let both = [step(Signal::TERM, 30_000), step(Signal::QUIT, 500)];
    assert_eq!(stops("TERM=30s,QUIT=500ms,KILL").as_slice(), both);
    assert_eq!(stops("TERM=30s,QUIT=500ms").as_slice(), both);
    assert_eq!(stops("KILL").as_slice(), [step(Signal::KILL, 0)]);
    for bad in [
        "",
        ",",
        ",TERM=1s",
        "TERM",
        "TERM=",
        "TERM=x",
        "NO=1s",
        "KILL,TERM=1s",
        "TERM=1s,,",
        "TERM=1s,",
        "KILL,",
        "TERM=1s,KILL,",
    ] {
        let words = ["--stop", bad];
        let trouble = trouble(Guise::Pidone, &words);
        let (option, value) = (b'2', bad.as_bytes());
        assert_eq!(trouble, Trouble::Value { option, value, expected: Expected::Steps }, "{bad}");
    }
    let many = ["TERM=1s"; STOPS_MAX + 1].join(",");
    let words = ["--stop", many.as_str()];
    assert!(matches!(trouble(Guise::Pidone, &words), Trouble::Value { .. }));
}

#[test]
fn signals_are_rewritten_by_number_and_by_name() {
    let plan = plan(Guise::Pidone, &["-r", "15:3", "-rHUP:0", "--rewrite=RTMIN+1:SIGUSR1"]);
    assert_eq!(plan.passed_on(Signal::TERM), Some(Signal::QUIT));
    assert_eq!(plan.passed_on(Signal::HUP), None);
    assert_eq!(plan.passed_on(Signal(35)), Some(Signal::USR1));
    assert_eq!(plan.passed_on(Signal(64)), Some(Signal(64)));
    for bad in ["15", "15:", ":15", "0:15", "65:1", "TERM:65", "a:b"] {
        let words = ["-r", bad];
        assert!(matches!(trouble(Guise::DumbInit, &words), Trouble::Value { .. }), "{bad}");
    }
}

#[test]
fn a_session_of_its_own_could_not_be_stopped_by_the_keyboard() {
    let own = plan(Guise::DumbInit, &[]);
    assert_eq!((own.leads, own.target), (Leads::Session, Target::Group));
    assert_eq!(own.passed_on(Signal::TSTP), Some(Signal::STOP));
    let shared = plan(Guise::DumbInit, &["-c"]);
    assert_eq!((shared.leads, shared.target), (Leads::Nothing, Target::Child));
    assert_eq!(shared.passed_on(Signal::TSTP), Some(Signal::TSTP));
    let asked = plan(Guise::DumbInit, &["-c", "-r", "TTIN:HUP"]);
    assert_eq!(asked.passed_on(Signal::TTIN), Some(Signal::HUP));
}

#[test]
fn forgiven_codes_become_0() {
    let plan = plan(Guise::Tini, &["-e", "143", "-e0", "-e", "255"]);
    assert_eq!([143, 255, 0, 1].map(|code| plan.answer(code)), [0, 0, 0, 1]);
    for bad in ["256", "-1", "x", ""] {
        let words = ["-e", bad];
        let (option, value) = (b'e', bad.as_bytes());
        let expected = Expected::Code;
        assert_eq!(trouble(Guise::Tini, &words), Trouble::Value { option, value, expected });
    }
}
