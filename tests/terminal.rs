//! The explorer on a real pseudo-terminal: it starts, answers, resizes, stops, and gives the terminal back however it ends.
//! It runs on a made-up cluster (`examples/screens/main.rs`), where nothing moves, so that every byte is the explorer's own.

#![cfg(unix)]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a real terminal has real deadlines")]

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// The longest that anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the terminal has to be silent to count as untouched.
const SILENCE: Duration = Duration::from_millis(1_500);

/// The example's binary, built by the same cargo as this test.
fn explorer() -> PathBuf {
    let built =
        Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "screens"]).status().expect("cargo runs");
    assert!(built.success(), "the example builds");
    let target = PathBuf::from(env!("CARGO_BIN_EXE_kscope"));
    target.parent().expect("a folder").join("examples/screens")
}

/// A number of rows or columns as the parser of the test wants it: it knows no terminal without any.
fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

/// A program on a pseudo-terminal, and what its screen shows.
struct Screen {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    keys: Box<dyn std::io::Write + Send>,
    terminal: vt100::Parser,
    bytes: usize,
}

impl Screen {
    fn start(arguments: &[&str]) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(explorer());
        command.args(arguments);
        for (name, value) in [("TERM", "xterm-256color"), ("LC_ALL", "C.UTF-8"), ("COLORTERM", "truecolor")] {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("it starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("its output");
        let (tell, output) = sync_channel(1_024);
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if tell.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = pair.master.take_writer().expect("its keys");
        Self {
            master: pair.master,
            child,
            output,
            keys,
            terminal: vt100::Parser::new(cells(24), cells(80), 0),
            bytes: 0,
        }
    }

    /// Takes what the program writes within a time; false where it writes nothing.
    fn take(&mut self, within: Duration) -> bool {
        match self.output.recv_timeout(within) {
            Ok(bytes) => {
                self.bytes += bytes.len();
                self.terminal.process(&bytes);
                true
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
        }
    }

    fn text(&self) -> String {
        self.terminal.screen().contents()
    }

    /// Waits until the screen shows some words.
    fn until(&mut self, words: &str) {
        let start = Instant::now();
        while !self.text().contains(words) {
            assert!(start.elapsed() < PATIENCE, "'{words}' does not come:\n{}", self.text());
            self.take(Duration::from_millis(100));
        }
    }

    /// Waits until the program has written nothing for a while.
    fn until_silent(&mut self) {
        let start = Instant::now();
        while self.take(Duration::from_millis(300)) {
            assert!(start.elapsed() < PATIENCE, "it never falls silent");
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("a key");
        self.keys.flush().expect("a key");
    }

    fn resize(&mut self, cols: u16, rows: u16) {
        self.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).expect("another size");
        self.terminal.screen_mut().set_size(cells(rows), cells(cols));
    }

    fn signal(&self, name: &str) {
        let id = self.child.process_id().expect("it runs").to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill").success());
    }

    /// Waits for its end; the exit status, with the terminal as it was left.
    fn end(&mut self) -> (u32, &vt100::Parser) {
        let start = Instant::now();
        loop {
            self.take(Duration::from_millis(50));
            if let Some(status) = self.child.try_wait().expect("a status") {
                while self.take(Duration::from_millis(200)) {}
                return (status.exit_code(), &self.terminal);
            }
            assert!(start.elapsed() < PATIENCE, "it does not end");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
    }
}

/// Whether a terminal is as a shell wants it.
fn is_given_back(terminal: &vt100::Parser) -> bool {
    let screen = terminal.screen();
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && !screen.bracketed_paste()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
}

#[test]
fn it_starts_answers_and_quits() {
    let mut screen = Screen::start(&["first_minute"]);
    screen.until("LAB");
    assert!(screen.terminal.screen().alternate_screen());
    screen.press("2");
    screen.until("partitions in 3 topics");
    screen.press("q");
    let (status, terminal) = screen.end();
    assert!(status == 0 && is_given_back(terminal));
}

#[test]
fn untouched_it_writes_nothing() {
    let mut screen = Screen::start(&["calm"]);
    screen.until("LAB");
    screen.until_silent();
    let before = screen.bytes;
    let start = Instant::now();
    while start.elapsed() < SILENCE {
        screen.take(SILENCE.saturating_sub(start.elapsed()));
    }
    assert_eq!(screen.bytes, before);
}

#[test]
fn it_follows_the_terminals_size_down_to_nothing() {
    let mut screen = Screen::start(&["calm"]);
    screen.until("LAB");
    for (columns, rows) in [(20, 5), (1, 1), (0, 0), (200, 60)] {
        screen.resize(columns, rows);
    }
    screen.until("bootstrap");
    screen.resize(40, 10);
    screen.until("needs 60x15");
}

#[test]
fn signals_end_it_and_give_the_terminal_back() {
    for signal in ["TERM", "HUP", "INT"] {
        let mut screen = Screen::start(&["calm"]);
        screen.until("LAB");
        screen.signal(signal);
        let (status, terminal) = screen.end();
        assert!(status == 0 && is_given_back(terminal), "{signal}: {status}");
    }
}

#[test]
fn stopped_it_gives_the_terminal_back_and_continued_it_paints_anew() {
    let mut screen = Screen::start(&["calm"]);
    screen.until("LAB");
    screen.signal("TSTP");
    screen.until("kscope is stopped");
    screen.until_silent();
    assert!(is_given_back(&screen.terminal));
    screen.signal("CONT");
    screen.until("LAB");
    assert!(screen.terminal.screen().alternate_screen());
}

#[test]
fn when_the_engine_fails_the_picture_stays_until_a_key() {
    let mut screen = Screen::start(&["calm", "dark", "mortal"]);
    screen.until("LAB");
    screen.press("K");
    screen.until("engine failed");
    assert!(screen.text().contains("broker-1") && screen.terminal.screen().alternate_screen());
    screen.press("x");
    let (status, terminal) = screen.end();
    assert!(status == 1 && is_given_back(terminal), "{status}");
    assert!(terminal.screen().contents().contains("kscope.log"), "it says where the log is");
}

#[test]
fn without_a_terminal_it_says_so_in_one_line() {
    let output = Command::new(explorer()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.lines().count() == 1, "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_dumb_terminal_is_refused_in_one_line() {
    let mut screen = Screen::start(&["calm"]);
    screen.until("LAB");
    drop(screen);
    let pair = native_pty_system().openpty(PtySize::default()).expect("a pseudo-terminal");
    let mut command = CommandBuilder::new(explorer());
    command.env("TERM", "dumb");
    let mut child = pair.slave.spawn_command(command).expect("it starts");
    assert_eq!(child.wait().expect("a status").exit_code(), 2);
}
