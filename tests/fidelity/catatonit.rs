//! catatonit's command lines.

use crate::support::container::ORPHAN;
use crate::{Case, Like, case};

pub const CASES: &[Case] = &[
    case(&[]),
    case(&["--"]),
    case(&["-g"]),
    case(&["-h"]).like(Like::Head(1)),
    case(&["-h", "--", "true"]).like(Like::Head(1)),
    case(&["-L"]).like(Like::Head(0)),
    case(&["-V"]),
    case(&["--version"]),
    case(&["--vers"]),
    case(&["--version", "--", "true"]),
    case(&["-Z", "--", "true"]),
    case(&["--nosuch", "--", "true"]),
    case(&["--help"]),
    case(&["sh", "-c", "exit 5"]),
    case(&["sh", "-c", "exit 5"]).env(&["POSIXLY_CORRECT=1"]),
    case(&["sh", "--", "-c", "exit 5"]),
    case(&["sh", "-g", "--", "-c", "exit 5"]),
    case(&["-g", "--", "sh", "-c", "exit 5"]),
    case(&["--", "true"]).second(),
    case(&["--", "sh", "-c", "exit 7"]).second(),
    case(&["--", "true"]).env(&["CATATONIT_LOG=x"]),
    case(&["--version"]).env(&["CATATONIT_LOG="]),
    case(&["--", "true"]).env(&["CATATONIT_DEBUG="]).like(Like::Lines),
    case(&["--", "sh", "-c", "exit 7"]).env(&["CATATONIT_DEBUG=1"]).like(Like::Lines),
    case(&["--", "nosuchcommand"]).env(&["CATATONIT_DEBUG=1"]).like(Like::Lines),
    case(&["--", "actor", "record", "15"]).sent(&[1, 10, 28, 40, 15]),
    case(&["--", "sh", "-c", ORPHAN]),
    case(&["--", "sh", "-c", "readlink /proc/$$/cwd"]),
];
