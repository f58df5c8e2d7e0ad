//! catatonit's command lines.

use crate::support::container::ORPHAN;
use crate::{Case, Like, case};

pub const CASES: &[Case] = &[
    case(&[]).like(Like::Head(2)),
    case(&["--"]).like(Like::Head(2)),
    case(&["-g"]).like(Like::Head(2)),
    case(&["-h"]).like(Like::Head(1)),
    case(&["-h", "--", "true"]).like(Like::Head(1)),
    case(&["-L"]).like(Like::Head(0)),
    case(&["-V"]),
    case(&["--version"]),
    case(&["--version", "--", "true"]),
    case(&["-Z", "--", "true"]).like(Like::Head(2)),
    case(&["--nosuch", "--", "true"]).like(Like::Head(2)),
    case(&["sh", "-c", "exit 5"]).like(Like::Head(2)),
    case(&["sh", "-c", "exit 5"]).env(&["POSIXLY_CORRECT=1"]),
    case(&["sh", "--", "-c", "exit 5"]),
    case(&["sh", "-g", "--", "-c", "exit 5"]),
    case(&["-g", "--", "sh", "-c", "exit 5"]),
    case(&["--", "true"]).second(),
    case(&["--", "sh", "-c", "exit 7"]).second(),
    case(&["--", "true"]).env(&["CATATONIT_LOG=x"]),
    case(&["--", "true"]).env(&["CATATONIT_DEBUG="]).like(Like::Code),
    case(&["--", "sh", "-c", "exit 7"]).env(&["CATATONIT_DEBUG=1"]).like(Like::Code),
    case(&["--", "nosuchcommand"]).env(&["CATATONIT_DEBUG=1"]).like(Like::Code),
    case(&["--", "actor", "record", "15"]).sent(&[1, 10, 28, 40, 15]),
    case(&["--", "sh", "-c", ORPHAN]),
    case(&["--", "sh", "-c", "readlink /proc/$$/cwd"]),
];
