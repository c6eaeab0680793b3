//! Signals as a stream of what they ask for.

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGTERM, SIGHUP, SIGINT: end.
    End,
    /// SIGTSTP: stop.
    Stop,
    /// SIGCONT: it goes on, on a terminal that others have used.
    GoOn,
}

#[cfg(unix)]
mod unix {
    use std::io;

    use rustix::process::Signal as Number;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Asked;

    /// The signals that the explorer answers to.
    #[derive(Debug)]
    pub struct Signals {
        terminate: Signal,
        hang_up: Signal,
        interrupt: Signal,
        stop: Signal,
        go_on: Signal,
    }

    impl Signals {
        /// From now on these signals come here instead of ending or stopping the process.
        pub fn listen() -> io::Result<Self> {
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
        pub async fn next(&mut self) -> Asked {
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

#[cfg(not(unix))]
mod other {
    use std::io;

    use super::Asked;

    /// The signals that the explorer answers to.
    #[derive(Debug)]
    pub struct Signals;

    impl Signals {
        /// From now on Ctrl-C from outside comes here.
        pub fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// Waits for the next one.
        pub async fn next(&mut self) -> Asked {
            let _ = tokio::signal::ctrl_c().await;
            Asked::End
        }
    }
}

#[cfg(not(unix))]
pub use other::Signals;
#[cfg(unix)]
pub use unix::Signals;
