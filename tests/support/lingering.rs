//! A connection whose last close takes a minute.

/// Python that makes it, as `sticky`: it holds bytes for a reader that never comes, and whoever
/// closes it last waits for him. It needs the loopback device.
pub const STICKY: &str = "
import array, os, signal, socket, struct, subprocess, time
door = socket.create_server(('127.0.0.1', 0))
sticky = socket.socket()
sticky.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 60))
sticky.connect(door.getsockname())
other, _ = door.accept()
sticky.setblocking(False)
try:
    while True: sticky.send(bytes(65536))
except BlockingIOError: pass
";
