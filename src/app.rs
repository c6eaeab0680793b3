//! The explorer's loop: keys, snapshots, answers, signals and time come in, the model changes, and a frame goes out when it
//! looks different. The only module that draws, and the only one of the explorer that reads a clock.

pub mod command;
pub mod editor;
pub mod effect;
pub mod file;
pub mod keymap;
pub mod terminal;
pub mod update;

use std::future::Future;
use std::io::{self, BufWriter, Stdout};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use crossterm::{execute, queue};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::model::Model;
use crate::model::export::Export;
use crate::model::place::Motion;
use crate::session::Session;
use crate::theme::{self, Theme};
use crate::ui;
use crate::view::{self, Target, View};

use effect::Effect;
use keymap::{KeyPress, Keymap, KeymapError};
use signals::{Asked, Signals};
use update::{Msg, State, update};

/// The shortest time between two frames: 30 in a second, for what answers a key.
const AFTER_A_KEY: Duration = Duration::from_millis(33);
/// The time between frames that only bring news: 10 in a second.
const AFTER_NEWS: Duration = Duration::from_millis(100);
/// The same in presenter mode: numbers that change more often cannot be read.
const IN_A_HALL: Duration = Duration::from_millis(250);
/// How often the model is told that time passes.
const TICK: Duration = Duration::from_secs(1);
/// Two clicks within this time on one thing are a double click.
const DOUBLE_CLICK: Duration = Duration::from_millis(400);
/// How long an ended session has for its last words.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// The longest text that is copied: terminals take about 74 KB in one sequence.
const COPY_LIMIT: usize = 72_000;

/// What the command line says about the explorer.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A built-in theme's name, or the path of a theme file; the dark one where nothing is said.
    pub theme: Option<String>,
    /// Whether clicks and the wheel are left to the terminal.
    pub no_mouse: bool,
    /// The user's key file; it need not exist.
    pub keys: Option<PathBuf>,
    /// Where the log is, for messages about failures.
    pub log: Option<Arc<str>>,
}

/// Why the explorer ended other than by the user's will.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is nothing to draw on.
    #[error("{0}")]
    NoTerminal(&'static str),
    /// The key file is wrong.
    #[error(transparent)]
    Keys(#[from] KeymapError),
    /// The theme is wrong.
    #[error("{0}")]
    Theme(String),
    /// The terminal fails.
    #[error("the terminal fails: {0}")]
    Terminal(#[from] io::Error),
    /// The session ended while the explorer ran.
    #[error("{0}")]
    Ended(String),
}

impl AppError {
    /// The exit status that says so: 2 for what the user has to change, 1 for what failed.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::NoTerminal(_) | Self::Keys(_) | Self::Theme(_) => 2,
            Self::Terminal(_) | Self::Ended(_) => 1,
        }
    }
}

/// Runs the explorer on a session until the user, a signal or a failure ends it. Must be called on the thread that runs
/// it to its end: a panic of this thread gives the terminal back.
pub async fn run(session: Session, options: Options) -> Result<(), AppError> {
    if let Some(why) = terminal::refusal() {
        return Err(AppError::NoTerminal(why));
    }
    let keymap = Keymap::load(options.keys.as_deref())?;
    let themes = Themes::load(options.theme.as_deref())?;
    let snapshot = Arc::clone(&session.watch().borrow());
    let commands = command::entries(&keymap);
    let model = Model::new(snapshot, commands, themes.names(), themes.first.clone());
    let (tell, panics) = mpsc::channel(8);
    // A full queue has told enough already.
    terminal::watch_panics(options.log, move |what| drop(tell.try_send(what)));
    let signals = Signals::listen()?;
    let guard = terminal::Guard::take(!options.no_mouse)?;
    let screen = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout())))?;
    let app = App {
        state: State::new(model, keymap),
        session,
        themes,
        guard,
        screen,
        started: Instant::now(),
        shown: None,
        drawn: None,
        wanted: None,
        asks: FuturesUnordered::new(),
        clicked: None,
        panics,
        failed: None,
    };
    app.run(signals).await
}

/// The themes to choose from.
struct Themes {
    all: Vec<Theme>,
    first: String,
}

impl Themes {
    fn load(wanted: Option<&str>) -> Result<Self, AppError> {
        let terminal = theme::Terminal::detect(|name| std::env::var(name).ok());
        let built_in: Result<Vec<Theme>, _> = Theme::names().map(|name| Theme::built_in(name, terminal)).collect();
        let mut all = built_in.map_err(|error| AppError::Theme(error.to_string()))?;
        let first = wanted.unwrap_or("dark").to_owned();
        if !all.iter().any(|theme| theme.name == first) {
            let text = std::fs::read_to_string(&first).map_err(|error| {
                let names = Theme::names().collect::<Vec<_>>().join(", ");
                AppError::Theme(format!("theme {first}: {error}; built in are {names}"))
            })?;
            all.push(Theme::from_file(&first, &text, terminal).map_err(|error| AppError::Theme(error.to_string()))?);
        }
        Ok(Self { all, first })
    }

    fn names(&self) -> Vec<String> {
        self.all.iter().map(|theme| theme.name.clone()).collect()
    }

    fn by_name(&self, name: &str) -> Option<&Theme> {
        self.all.iter().find(|theme| theme.name == name).or_else(|| self.all.first())
    }
}

/// Something that was asked for, until it is answered.
type Answer = Pin<Box<dyn Future<Output = Msg> + Send>>;

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoOn,
    End,
}

struct App {
    state: State,
    session: Session,
    themes: Themes,
    guard: terminal::Guard,
    screen: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    started: Instant,
    /// What the terminal shows: the view and the theme's name.
    shown: Option<(View, String)>,
    /// When the last frame was drawn.
    drawn: Option<Instant>,
    /// When the next frame is wanted.
    wanted: Option<Instant>,
    asks: FuturesUnordered<Answer>,
    clicked: Option<(Instant, Target)>,
    /// What other threads said when they failed.
    panics: mpsc::Receiver<String>,
    /// The first of that.
    failed: Option<String>,
}

impl App {
    async fn run(mut self, mut signals: Signals) -> Result<(), AppError> {
        let mut events = EventStream::new();
        let mut snapshots = self.session.watch();
        let mut tick = self.started + TICK;
        self.measure()?;
        self.draw()?;
        loop {
            let frame = self.wanted;
            let flow = tokio::select! {
                biased;
                asked = signals.next() => self.signalled(asked)?,
                event = events.next() => match event {
                    Some(event) => self.happened(&event?)?,
                    None => Flow::End,
                },
                () = sleep_until(frame.unwrap_or(tick)), if frame.is_some() => {
                    self.draw()?;
                    Flow::GoOn
                }
                Some(answer) = self.asks.next(), if !self.asks.is_empty() => self.tell(answer, AFTER_NEWS)?,
                Some(what) = self.panics.recv() => {
                    self.failed.get_or_insert_with(|| what.clone());
                    self.state.model.tell(what, true);
                    self.want(AFTER_NEWS);
                    Flow::GoOn
                }
                changed = snapshots.changed(), if self.state.model.ended.is_none() => {
                    let msg = match changed {
                        Ok(()) => Msg::Snapshot(Arc::clone(&snapshots.borrow_and_update())),
                        Err(_) => Msg::Ended(self.why_ended().await),
                    };
                    self.tell(msg, AFTER_NEWS)?
                }
                () = sleep_until(tick) => {
                    tick = Instant::now() + TICK;
                    self.tell(Msg::Tick, AFTER_NEWS)?
                }
            };
            if flow == Flow::End {
                break;
            }
        }
        drop(self.guard);
        self.state.model.ended.map_or(Ok(()), |why| Err(AppError::Ended(why)))
    }

    /// Lets the model know, does what it wants done, and asks for a frame no sooner than `pace` after the last one.
    fn tell(&mut self, msg: Msg, pace: Duration) -> Result<Flow, AppError> {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let effects = update(&mut self.state, now_ms, msg);
        self.want(pace);
        for effect in effects {
            if self.perform(effect)? == Flow::End {
                return Ok(Flow::End);
            }
        }
        Ok(Flow::GoOn)
    }

    fn perform(&mut self, effect: Effect) -> Result<Flow, AppError> {
        match effect {
            Effect::Ask(action, purpose) => {
                let (session, origin) = (self.session.clone(), self.state.origin());
                self.asks.push(Box::pin(async move { Msg::Answer(purpose, session.ask_by(origin, action).await) }));
            }
            Effect::Write(export) => self.asks.push(Box::pin(write(export))),
            Effect::Copy(text) => self.copy(&text)?,
            Effect::Repaint => self.repaint()?,
            Effect::Suspend => self.suspend()?,
            Effect::Quit => return Ok(Flow::End),
        }
        Ok(Flow::GoOn)
    }

    /// What the terminal reports.
    fn happened(&mut self, event: &Event) -> Result<Flow, AppError> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => match KeyPress::from_event(key) {
                Some(key) => self.tell(Msg::Key(key), AFTER_A_KEY),
                None => Ok(Flow::GoOn),
            },
            Event::Paste(text) => self.tell(Msg::Paste(text.clone()), AFTER_A_KEY),
            Event::Mouse(mouse) => self.pointed(*mouse),
            Event::Resize(..) => {
                self.measure()?;
                Ok(Flow::GoOn)
            }
            _ => Ok(Flow::GoOn),
        }
    }

    fn pointed(&mut self, mouse: MouseEvent) -> Result<Flow, AppError> {
        let msg = match mouse.kind {
            MouseEventKind::ScrollUp => Msg::Wheel(Motion::Up),
            MouseEventKind::ScrollDown => Msg::Wheel(Motion::Down),
            MouseEventKind::Down(MouseButton::Left) => {
                let hit = self.shown.as_ref().and_then(|(view, _)| view.hit(mouse.column, mouse.row)).cloned();
                let Some(target) = hit else { return Ok(Flow::GoOn) };
                let before = self.clicked.replace((Instant::now(), target.clone()));
                match before {
                    Some((at, same)) if same == target && at.elapsed() < DOUBLE_CLICK => Msg::DoubleClick(target),
                    _ => Msg::Click(target),
                }
            }
            _ => return Ok(Flow::GoOn),
        };
        self.tell(msg, AFTER_A_KEY)
    }

    fn signalled(&mut self, asked: Asked) -> Result<Flow, AppError> {
        match asked {
            Asked::End => return Ok(Flow::End),
            #[cfg(unix)]
            Asked::Stop => terminal::stop_here()?,
            #[cfg(unix)]
            Asked::GoOn => {
                self.guard.enter()?;
                self.measure()?;
                self.repaint()?;
            }
        }
        Ok(Flow::GoOn)
    }

    /// Stops to the shell, where there is one.
    fn suspend(&mut self) -> Result<(), AppError> {
        if stop_job()? {
            return Ok(());
        }
        self.state.model.tell("no shell started this terminal, so there is nothing to stop to", true);
        Ok(())
    }

    fn copy(&mut self, text: &str) -> Result<(), AppError> {
        let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= COPY_LIMIT).last();
        let text = text.get(..end.unwrap_or(0)).unwrap_or_default();
        Ok(execute!(self.screen.backend_mut(), CopyToClipboard::to_clipboard_from(text))?)
    }

    /// Asks the terminal how large it is.
    fn measure(&mut self) -> Result<(), AppError> {
        let size = self.screen.size()?;
        self.tell(Msg::Resize(size.width, size.height), AFTER_A_KEY)?;
        Ok(())
    }

    /// Forgets what the terminal shows, so that the next frame paints all of it.
    fn repaint(&mut self) -> Result<(), AppError> {
        // Not `Terminal::clear`: that asks the terminal for its cursor and waits for an answer.
        let size = self.screen.size()?;
        self.screen.resize(Rect::new(0, 0, size.width, size.height))?;
        self.shown = None;
        self.want(AFTER_A_KEY);
        Ok(())
    }

    /// Wants a frame, `pace` after the last one; an earlier wish stands.
    fn want(&mut self, pace: Duration) {
        let slow = self.state.model.presenter && pace == AFTER_NEWS;
        let due = self.drawn.map_or_else(Instant::now, |drawn| drawn + if slow { IN_A_HALL } else { pace });
        self.wanted = Some(self.wanted.map_or(due, |wanted| wanted.min(due)));
    }

    /// Draws a frame, if it looks different from what the terminal shows: an untouched explorer of a paused lab writes
    /// nothing.
    fn draw(&mut self) -> Result<(), AppError> {
        self.wanted = None;
        let model = &self.state.model;
        let (view, name) = (view::project(model), &model.theme);
        if self.shown.as_ref().is_some_and(|(shown, theme)| *shown == view && theme == name) {
            return Ok(());
        }
        if let Some(theme) = self.themes.by_name(name) {
            queue!(self.screen.backend_mut(), BeginSynchronizedUpdate)?;
            self.screen.draw(|frame| ui::draw(frame, &view, theme))?;
            execute!(self.screen.backend_mut(), EndSynchronizedUpdate)?;
        }
        self.drawn = Some(Instant::now());
        self.shown = Some((view, name.clone()));
        Ok(())
    }

    /// What is known of the session's end: a thread that failed has said so before its snapshots stopped, and the session
    /// may have last words.
    async fn why_ended(&mut self) -> String {
        if let Some(said) = self.failed.take().or_else(|| self.panics.try_recv().ok()) {
            said
        } else {
            let last_words = timeout(LAST_WORDS, self.session.ended()).await;
            last_words.map_or_else(|_| "the cluster's engine has stopped".to_owned(), |words| words.to_string())
        }
    }
}

/// Writes a file beside the loop: a disk can be slow.
async fn write(export: Export) -> Msg {
    let wanted = export.clone();
    let written = tokio::task::spawn_blocking(move || file::write(&wanted)).await;
    let result = written.unwrap_or_else(|failed| Err(file::Unwritten::Failed(failed.to_string())));
    Msg::Written(export, result)
}

/// Stops the whole job; false where no shell would take over.
#[cfg(unix)]
fn stop_job() -> io::Result<bool> {
    if !terminal::has_shell() {
        return Ok(false);
    }
    terminal::stop_job().map(|()| true)
}

#[cfg(not(unix))]
fn stop_job() -> io::Result<bool> {
    Ok(false)
}

/// Signals as a stream of what they ask for.
#[cfg(unix)]
mod signals {
    use std::io;

    use rustix::process::Signal as Number;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// What a signal asks for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Asked {
        /// SIGTERM, SIGHUP, SIGINT: end.
        End,
        /// SIGTSTP: stop.
        Stop,
        /// SIGCONT: it goes on, on a terminal that others have used.
        GoOn,
    }

    /// The signals that the explorer answers to.
    pub(super) struct Signals {
        terminate: Signal,
        hang_up: Signal,
        interrupt: Signal,
        stop: Signal,
        go_on: Signal,
    }

    impl Signals {
        /// From now on these signals come here instead of ending or stopping the process.
        pub(super) fn listen() -> io::Result<Self> {
            let raw = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                hang_up: signal(SignalKind::hangup())?,
                interrupt: signal(SignalKind::interrupt())?,
                stop: raw(Number::TSTP)?,
                go_on: raw(Number::CONT)?,
            })
        }

        /// Waits for the next one. Cancelling loses none.
        pub(super) async fn next(&mut self) -> Asked {
            tokio::select! {
                _ = self.terminate.recv() => Asked::End,
                _ = self.hang_up.recv() => Asked::End,
                _ = self.interrupt.recv() => Asked::End,
                _ = self.stop.recv() => Asked::Stop,
                _ = self.go_on.recv() => Asked::GoOn,
            }
        }
    }
}

/// Where there are no such signals, Ctrl-C from outside ends.
#[cfg(not(unix))]
mod signals {
    use std::io;

    /// What a signal asks for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Asked {
        /// End.
        End,
    }

    /// The signals that the explorer answers to.
    pub(super) struct Signals;

    impl Signals {
        /// From now on Ctrl-C from outside comes here.
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for the next one.
        pub(super) async fn next(&mut self) -> Asked {
            // An error means that none will ever come: then nothing is asked.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Asked::End
        }
    }
}
