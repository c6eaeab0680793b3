//! The command line: what can be said, what is refused and why, and what is run. The only home of what is printed on
//! standard output and standard error outside of the explorer.
//!
//! Exit status: 0 done, 1 it failed, 2 usage. An error is one line that says what is wrong and what to do.

mod lab;
mod logs;
mod run;
mod size;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// A Kafka cluster in a terminal: a live lab of brokers to watch and to break, at 127.0.0.1:9092 for any client.
#[derive(Debug, Parser)]
#[command(name = "kscope", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    lab: LabArgs,
}

/// What to run; without one of these, the lab and the explorer.
#[derive(Debug, Subcommand)]
enum Command {
    /// The lab without a screen, for test suites and scripts: one line of JSON once it is ready.
    Serve(Box<LabArgs>),
    /// Scripted demonstrations (not in this version yet).
    Demo(Later),
    /// The explorer on a lab that is served elsewhere (not in this version yet).
    Watch(Later),
    /// The explorer on an existing cluster (not in this version yet).
    Attach(Later),
    /// Steer a running lab from a shell (not in this version yet; use the control API).
    Ctl(Later),
    /// Seeded fault runs with the guarantees checked (not in this version yet).
    Sim(Later),
    /// A recorded run again (not in this version yet).
    Replay(Later),
    /// Completions for a shell, on standard output.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// The manual page, on standard output.
    Man,
}

/// Whatever is said to a command that waits for a later version.
#[derive(Args, Debug)]
struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<OsString>,
}

/// Which time-outs the lab has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Pace {
    /// Short, for people who watch.
    #[default]
    Lab,
    /// Kafka's defaults.
    Kafka,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The lab's options.
#[derive(Args, Clone, Debug)]
struct LabArgs {
    /// How many brokers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    brokers: u16,
    /// How many ZooKeeper servers, 1 to 9; an odd number as a rule: a quorum is more than half of them
    #[arg(long, value_name = "N", default_value_t = 1)]
    zookeepers: u8,
    /// Broker i listens on P+i-1; 0 for any free ports [default: 9092, or the next free block]
    #[arg(long, value_name = "P")]
    port: Option<u16>,
    /// ZooKeeper server i listens on P+i-1; 0 for any free ports [default: 2181, or the next free block]
    #[arg(long, value_name = "P")]
    zk_port: Option<u16>,
    /// Where the control API listens, on loopback; port 0 for any free one, 'off' for none [default: 127.0.0.1:9644, or
    /// the next free port]
    #[arg(long, value_name = "ADDR")]
    control: Option<String>,
    /// Listen on this address instead of loopback, for containers; anybody who reaches it can use the brokers
    #[arg(long, value_name = "ADDR", requires = "advertise")]
    listen: Option<IpAddr>,
    /// The host that clients are told to connect to
    #[arg(long, value_name = "HOST")]
    advertise: Option<String>,
    /// Keep logs and ZooKeeper's state in this directory, and go on with what is there [default: in memory]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// How much of the logs may be in memory, such as 512M or 2G; then the oldest records go, or with --data-dir are read
    /// back from files [default: a quarter of the machine's memory, at most 2G]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// The seed of everything random [default: another one each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Lab time per real time, from 0.001 to 100
    #[arg(long, value_name = "R", default_value = "1")]
    rate: String,
    /// Time-outs: short ones for people who watch, or Kafka's defaults
    #[arg(long, value_enum, default_value_t)]
    pace: Pace,
    /// A broker setting under Kafka's own name, such as min.insync.replicas=2; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The explorer's theme: a built-in one, or a file
    #[arg(long, value_name = "NAME", env = "KSCOPE_THEME")]
    theme: Option<String>,
    /// Play a demonstration (not in this version yet)
    #[arg(long, value_name = "NAME")]
    demo: Option<String>,
    /// No built-in topic and clients
    #[arg(long)]
    no_traffic: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
    /// Record the run (not in this version yet)
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How much is logged
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
}

/// Why it ends with a status other than 0.
#[derive(Debug, thiserror::Error)]
enum CliError {
    /// What was asked for cannot be: status 2.
    #[error("{0}")]
    Usage(String),
    /// It failed: status 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// The explorer ended with a status of its own.
    #[error("{message}")]
    Explorer {
        /// Its last words.
        message: String,
        /// Its status.
        status: u8,
    },
}

impl CliError {
    fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
            Self::Explorer { status, .. } => *status,
        }
    }

    fn later(what: &str) -> Self {
        Self::Usage(format!("{what} is not in this version yet; README.md says what works today"))
    }
}

/// Does what `arguments` (with the program's name first) say, and returns the process's exit status.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match parse(arguments).and_then(|cli| cli.map_or(Ok(()), dispatch)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::from(error.status())
        }
    }
}

/// One line on standard error, whatever the text.
#[expect(clippy::print_stderr, reason = "the command line's own voice")]
fn say(text: &str) {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    eprintln!("kscope: {line}");
}

/// Reads the arguments; `None` where they asked for help or the version, which is then printed.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Cli>, CliError> {
    let error = match Cli::try_parse_from(arguments) {
        Ok(cli) => return Ok(Some(cli)),
        Err(error) => error,
    };
    if error.use_stderr() {
        return Err(CliError::Usage(one_line(&error.render().to_string())));
    }
    // A closed pipe is no reason to complain.
    let _ =
        if std::io::stdout().is_terminal() { error.print() } else { write_out(error.render().to_string().as_bytes()) };
    Ok(None)
}

/// What clap says in several lines: what is wrong, and its tip, if it has one.
fn one_line(text: &str) -> String {
    let wrong = text.split("\n\n").next().unwrap_or(text).trim_start_matches("error: ");
    let tip = text.lines().map(str::trim).find_map(|line| line.strip_prefix("tip: "));
    format!("{wrong}; {}", tip.unwrap_or("see kscope --help"))
}

fn dispatch(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        None => run::explorer(&cli.lab),
        Some(Command::Serve(lab)) => run::serve(&lab),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kscope", &mut script);
            print(&script)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(anyhow::Error::from)?;
            print(&page)
        }
        Some(later) => Err(CliError::later(&format!("kscope {}", name(&later)))),
    }
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Serve(_) => "serve",
        Command::Demo(_) => "demo",
        Command::Watch(_) => "watch",
        Command::Attach(_) => "attach",
        Command::Ctl(_) => "ctl",
        Command::Sim(_) => "sim",
        Command::Replay(_) => "replay",
        Command::Completions { .. } => "completions",
        Command::Man => "man",
    }
}

fn print(bytes: &[u8]) -> Result<(), CliError> {
    write_out(bytes).map_err(|error| anyhow::Error::from(error).into())
}

/// Writes to standard output; a reader that has gone is no error.
fn write_out(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
