//! The terminal: taking it, giving it back whatever happens, stopping to the shell. It draws nothing.
//!
//! The terminal is given back when the guard is dropped, when the explorer's thread panics (before the message is
//! printed), and when a signal ends the process, for the loop then drops the guard. A panic of another thread leaves the
//! picture alone: it goes into the log and to the loop, which tells the user.

use std::io::{self, IsTerminal as _, Write as _};
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{execute, queue};

/// Clicks and the wheel, with coordinates beyond column 223; not every movement, as crossterm's own command asks for.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// Whether the terminal is ours now: whoever gives it back first is the only one to do so.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Why there is no terminal to draw on; `None` where there is one.
pub fn refusal() -> Option<&'static str> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Some("the explorer needs a terminal; `kscope serve` runs the lab without one");
    }
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    dumb.then_some("TERM=dumb cannot show the explorer; `kscope serve` runs the lab without it")
}

/// Holds the terminal in raw mode on the alternate screen until it is dropped.
#[derive(Debug)]
pub struct Guard {
    mouse: bool,
}

impl Guard {
    /// Takes the terminal.
    pub fn take(mouse: bool) -> io::Result<Self> {
        let guard = Self { mouse };
        guard.enter()?;
        Ok(guard)
    }

    /// Takes the terminal again, after a stop.
    pub fn enter(&self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        let mut out = io::stdout();
        queue!(out, EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            queue!(out, Print(MOUSE_ON))?;
        }
        out.flush()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back; does nothing where it is not ours. Errors have nowhere to go: the terminal may be gone.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), Print(MOUSE_OFF), DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

/// From now on a panic of this thread gives the terminal back and says what happened in one line; `tell` is told of one of
/// another thread, on that thread. `log` is where the log file is, if there is one.
pub fn watch_panics(log: Option<Arc<str>>, tell: impl Fn(String) + Send + Sync + 'static) {
    let ours = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| panicked(panic, ours, log.as_deref(), &tell)));
}

fn panicked(panic: &PanicHookInfo<'_>, ours: ThreadId, log: Option<&str>, tell: &dyn Fn(String)) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str));
    let what = text.unwrap_or("for no stated reason");
    let place = panic.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a thread");
    tracing::error!(thread = name, "panic: {what}{place}");
    let log = log.map_or_else(String::new, |log| format!("; the log is {log}"));
    if thread.id() == ours || !TAKEN.load(Ordering::SeqCst) {
        give_back();
        let _ = writeln!(io::stderr(), "kscope failed: {what}{place}{log}");
    } else {
        tell(format!("{name} failed: {what}{log}"));
    }
}

/// Whether a shell would take over if this process stopped. Without one, a stopped explorer would never go on.
#[cfg(unix)]
pub fn has_shell() -> bool {
    let same = |parent| rustix::process::getsid(Some(parent)).ok() == rustix::process::getsid(None).ok();
    rustix::process::getppid().is_some_and(same)
}

/// Sends the terminal's stop signal to every process of this job, this one too; it arrives as a signal.
#[cfg(unix)]
pub fn stop_job() -> io::Result<()> {
    Ok(rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?)
}

/// Gives the terminal back and stops this process, until it is continued.
#[cfg(unix)]
pub fn stop_here() -> io::Result<()> {
    give_back();
    let _ = writeln!(io::stderr(), "kscope is stopped, and its brokers with it; fg goes on.");
    Ok(rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?)
}
