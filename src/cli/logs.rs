//! Where logs go: to standard error when serving, to a file that is rotated daily when there is a screen.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use etcetera::base_strategy::{BaseStrategy as _, choose_base_strategy};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

use super::LogLevel;

/// How many days of logs are kept.
const DAYS: usize = 7;

impl LogLevel {
    fn filter(self) -> EnvFilter {
        let level = match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        };
        EnvFilter::new(level)
    }
}

/// Logs go to standard error from now on.
pub(super) fn to_stderr(level: LogLevel) {
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(level.filter()).with_writer(std::io::stderr).with_ansi(false);
    // Set already where several run in one process, as tests do.
    let _ = subscriber.try_init();
}

/// Logs go to a file from now on, until what is returned is dropped. Returns where it is, too.
pub(super) fn to_file(level: LogLevel) -> Result<(PathBuf, WorkerGuard)> {
    let folder = folder()?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("kscope")
        .filename_suffix("log")
        .latest_symlink("kscope.log")
        .max_log_files(DAYS)
        .build(&folder)
        .with_context(|| format!("cannot write logs to {}", folder.display()))?;
    let (writer, guard) = tracing_appender::non_blocking(appender);
    let _ = tracing_subscriber::fmt().with_env_filter(level.filter()).with_writer(writer).with_ansi(false).try_init();
    Ok((folder.join("kscope.log"), guard))
}

/// The platform's folder for the user's settings: `$XDG_CONFIG_HOME/kscope` or what stands for it.
pub(super) fn config_folder() -> Option<PathBuf> {
    choose_base_strategy().ok().map(|strategy| strategy.config_dir().join("kscope"))
}

/// The platform's folder for state that may be lost: `$XDG_STATE_HOME/kscope` or what stands for it.
fn folder() -> Result<PathBuf> {
    let strategy = choose_base_strategy().context("there is no home folder for the log; set HOME")?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("kscope");
    create(&folder).with_context(|| format!("cannot create {} for the log", folder.display()))?;
    Ok(folder)
}

fn create(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}
