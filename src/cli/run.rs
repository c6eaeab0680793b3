//! What is run: the lab with the explorer, or without a screen.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use tokio::runtime::Runtime;

use super::lab::{self, Control};
use super::{CliError, LabArgs, logs, write_out};
use crate::app;
use crate::control::{self, Server};
use crate::session::embedded::{self, Embedded, Extras, LabOptions};

/// Ports after the usual one that the control API tries.
const CONTROL_TRIES: u16 = 100;

/// A lab with its control API.
struct Lab {
    embedded: Embedded,
    control: Option<Server>,
}

impl Lab {
    async fn open(options: LabOptions, control: Control, log_file: Option<Arc<str>>) -> anyhow::Result<Self> {
        let listener = bind(control).await?;
        let url = match &listener {
            Some(listener) => Some(Arc::from(format!("http://{}", listener.local_addr()?))),
            None => None,
        };
        // It says all there is to say in its own words: not again as its cause.
        let embedded = embedded::open(options, Extras { control: url, log_file }).await.map_err(|e| anyhow!("{e}"))?;
        let control = listener.map(|listener| control::serve(embedded.session.clone(), listener));
        Ok(Self { embedded, control })
    }

    async fn end(self) {
        if let Some(control) = self.control {
            control.end().await;
        }
        self.embedded.end().await;
    }
}

/// Takes the control API's port.
async fn bind(control: Control) -> anyhow::Result<Option<tokio::net::TcpListener>> {
    match control {
        Control::Off => Ok(None),
        Control::At(address) => tokio::net::TcpListener::bind(address)
            .await
            .map(Some)
            .with_context(|| format!("the control API cannot listen on {address}; give another --control, or 'off'")),
        Control::Usual => {
            for port in (lab::CONTROL_PORT..).take(CONTROL_TRIES.into()) {
                if let Ok(listener) = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await {
                    return Ok(Some(listener));
                }
            }
            Err(anyhow!("the control API finds no free port from {} on; give one with --control", lab::CONTROL_PORT))
        }
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads to run on")
}

/// The ready line.
#[derive(Serialize)]
struct ReadyLine<'a> {
    ready: bool,
    bootstrap: &'a str,
    zookeeper: Option<&'a str>,
    control: Option<&'a str>,
}

/// `kscope serve`.
pub(super) fn serve(args: &LabArgs) -> Result<(), CliError> {
    let options = lab::options(args)?;
    let control = lab::control(args.control.as_deref())?;
    logs::to_stderr(args.log_level);
    Ok(runtime()?.block_on(serve_until_told(options, control))?)
}

async fn serve_until_told(options: LabOptions, control: Control) -> anyhow::Result<()> {
    // Before anything is open: a signal from now on ends it cleanly.
    let mut told = Told::listen()?;
    let seed = options.seed;
    let lab = Lab::open(options, control, None).await?;
    tracing::info!(seed, "started; the same seed and inputs give the same run");
    let outcome = tokio::select! {
        outcome = announce_and_watch(&lab.embedded) => outcome,
        signal = told.wait() => {
            tracing::info!("{signal}: ending");
            Ok(())
        }
    };
    lab.end().await;
    outcome
}

/// Prints the ready line when it is time, then waits for the engine to die, which it should not.
async fn announce_and_watch(lab: &Embedded) -> anyhow::Result<()> {
    let snapshot = lab.ready().await?;
    let addresses = &snapshot.addresses;
    let line = ReadyLine {
        ready: true,
        bootstrap: &addresses.all_brokers,
        zookeeper: addresses.zookeeper.as_deref(),
        control: addresses.control.as_deref(),
    };
    let mut line = serde_json::to_vec(&line)?;
    line.push(b'\n');
    write_out(&line)?;
    Err(anyhow!("the engine ended: {}; see the log on standard error", lab.session.ended().await))
}

/// `kscope`: the lab and the explorer.
pub(super) fn explorer(args: &LabArgs) -> Result<(), CliError> {
    let options = lab::options(args)?;
    let control = lab::control(args.control.as_deref())?;
    let (log_file, _logs) = logs::to_file(args.log_level)?;
    let log_file: Arc<str> = log_file.display().to_string().into();
    runtime()?.block_on(async {
        tracing::info!(seed = options.seed, "started; the same seed and inputs give the same run");
        let lab = Lab::open(options, control, Some(Arc::clone(&log_file))).await?;
        let outcome = explore(&lab.embedded, args, log_file).await;
        lab.end().await;
        outcome
    })
}

async fn explore(lab: &Embedded, args: &LabArgs, log_file: Arc<str>) -> Result<(), CliError> {
    let options = app::Options {
        theme: args.theme.clone(),
        no_mouse: args.no_mouse,
        keys: logs::config_folder().map(|folder| folder.join("keys.ron")),
        log: Some(log_file),
    };
    app::run(lab.session.clone(), options)
        .await
        .map_err(|error| CliError::Explorer { status: error.exit_status(), message: error.to_string() })
}

/// A seed that nobody chose.
pub(super) fn any_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// The signals that end it cleanly.
#[cfg(unix)]
struct Told {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Told {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self { term: listen(SignalKind::terminate())?, int: listen(SignalKind::interrupt())? })
    }

    /// Waits for one, and names it.
    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
struct Told;

#[cfg(not(unix))]
impl Told {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self)
    }

    /// Waits for Ctrl-C.
    async fn wait(&mut self) -> &'static str {
        // Where it cannot be listened to, only the task manager ends it.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    }
}
