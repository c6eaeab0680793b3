//! One client's connection to one broker: requests in, answers out, in the order of the requests.
//!
//! Several requests may be on their way at once, as many as the connection's budget covers. What is not answered yet, or
//! whose answer is not written yet, counts; beyond that the socket is not read, which holds the client back.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::codec::{self, Asked, Refusal};
use super::frames::{FrameError, Frames};
use crate::engine::message::SocketId;
use crate::engine::node::BrokerId;
use crate::engine::runtime::inbox::{Entry, Link, Reply};
use crate::engine::runtime::{Core, Ended};
use crate::protocol::encode_response;

/// Requests of one connection that may be on their way.
const OUTSTANDING: u32 = 64;

/// Bytes of requests that may be on their way; a larger one goes alone.
const OUTSTANDING_BYTES: usize = 32 * 1024 * 1024;

/// How many answers are written at once.
const TOGETHER: usize = 32;

/// Why a connection ended.
#[derive(Debug, Error)]
enum End {
    #[error("the broker's process ended")]
    Killed,
    #[error("the broker closed it")]
    Closed,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("its client takes no answers")]
    NotRead,
    #[error(transparent)]
    Broken(#[from] io::Error),
    #[error(transparent)]
    Ended(#[from] Ended),
}

/// Serves a connection until it ends, for whatever reason.
pub(super) async fn serve<C: Core>(
    stream: TcpStream,
    peer: SocketAddr,
    broker: BrokerId,
    process: CancellationToken,
    shared: Arc<Shared<C>>,
) {
    let socket = shared.next_socket();
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "gone before it began");
        return;
    }
    // Room for every answer that the budget allows, and for one that the edge gives itself.
    let (replies, answers) = mpsc::channel(OUTSTANDING as usize + 1);
    let own = replies.downgrade();
    let open = process.child_token();
    let link = Link { replies, open: open.clone() };
    let connected = Entry::Connected { socket, broker, peer: peer.to_string().into(), link };
    if shared.inbox.send(connected).await.is_err() {
        return;
    }
    let end = transfer(stream, socket, answers, own, open, &shared).await;
    tracing::debug!(%peer, %broker, %end, "connection ended");
    // An engine that has ended knows.
    let _ = shared.inbox.send(Entry::Disconnected { socket }).await;
}

async fn transfer<C: Core>(
    mut stream: TcpStream,
    socket: SocketId,
    answers: mpsc::Receiver<Reply>,
    own: mpsc::WeakSender<Reply>,
    open: CancellationToken,
    shared: &Shared<C>,
) -> End {
    let (read, write) = stream.split();
    let mut reader = Reader {
        frames: Frames::new(read, shared.limits),
        socket,
        own,
        budget: Arc::new(Semaphore::new(OUTSTANDING as usize)),
        shared,
    };
    tokio::select! {
        () = open.cancelled() => End::Killed,
        end = reader.run() => end,
        end = write_replies(write, answers, shared) => end,
    }
}

/// The reading side.
struct Reader<'a, R, C> {
    frames: Frames<R>,
    socket: SocketId,
    own: mpsc::WeakSender<Reply>,
    budget: Arc<Semaphore>,
    shared: &'a Shared<C>,
}

impl<R: AsyncRead + Unpin, C: Core> Reader<'_, R, C> {
    async fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }

    /// Reads one request and hands it over.
    async fn next(&mut self) -> Result<(), End> {
        let mut paused = self.shared.paused.clone();
        // An error means that the engine has ended; sending says so.
        let _ = paused.wait_for(|paused| !paused).await;
        let frame = tokio::select! {
            biased;
            frame = self.frames.next() => frame?,
            Ok(_) = paused.wait_for(|paused| *paused) => return Ok(()),
        };
        let permit = self.share(cost(frame.len())).await?;
        match codec::decode(&frame) {
            Ok(asked) => self.ask(asked, permit).await,
            Err(Refusal::ApiVersionsTooNew { correlation }) => self.answer_api_versions(correlation, permit).await,
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Waits until so much of the budget is free.
    async fn share(&self, cost: u32) -> Result<OwnedSemaphorePermit, End> {
        Arc::clone(&self.budget).acquire_many_owned(cost).await.map_err(|_| End::Closed)
    }

    async fn ask(&self, asked: Asked, permit: OwnedSemaphorePermit) -> Result<(), End> {
        let Asked { correlation, version, client_id, request } = asked;
        let entry = Entry::Request { socket: self.socket, correlation, version, client_id, request, permit };
        Ok(self.shared.inbox.send(entry).await?)
    }

    /// Answers without the engine, after all that was asked before.
    async fn answer_api_versions(&self, correlation: i32, permit: OwnedSemaphorePermit) -> Result<(), End> {
        drop(permit);
        let permit = Some(self.share(OUTSTANDING).await?);
        let reply = Reply { correlation, version: 0, response: codec::api_versions_too_new(), permit };
        let replies = self.own.upgrade().ok_or(End::Closed)?;
        replies.send(reply).await.map_err(|_| End::Closed)
    }
}

/// The share of a connection's budget that a request of so many bytes takes.
fn cost(frame_bytes: usize) -> u32 {
    let share = OUTSTANDING_BYTES / OUTSTANDING as usize;
    u32::try_from(frame_bytes.div_ceil(share)).unwrap_or(OUTSTANDING).clamp(1, OUTSTANDING)
}

/// The writing side: encodes answers and writes all that wait with one call.
async fn write_replies<C: Core>(
    mut write: impl AsyncWrite + Unpin,
    mut answers: mpsc::Receiver<Reply>,
    shared: &Shared<C>,
) -> End {
    let mut batch = Vec::new();
    loop {
        if answers.recv_many(&mut batch, TOGETHER).await == 0 {
            return End::Closed;
        }
        let mut out = Chunks::default();
        for reply in &batch {
            let frame = encode_response(reply.correlation, reply.version, &reply.response);
            out.push(frame.into_chunks());
        }
        match timeout(shared.limits.idle_time, write.write_all_buf(&mut out)).await {
            Ok(Ok(())) => batch.clear(),
            Ok(Err(error)) => return error.into(),
            Err(_) => return End::NotRead,
        }
    }
}

/// Chunks to be written one after the other, without putting them together.
#[derive(Debug, Default)]
struct Chunks {
    chunks: VecDeque<Bytes>,
    left: usize,
}

impl Chunks {
    fn push(&mut self, chunks: Vec<Bytes>) {
        self.left += chunks.iter().map(Bytes::len).sum::<usize>();
        self.chunks.extend(chunks);
    }
}

impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.left
    }

    fn chunk(&self) -> &[u8] {
        self.chunks.front().map_or(&[], Bytes::as_ref)
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slot, chunk) in into.iter_mut().zip(&self.chunks) {
            *slot = IoSlice::new(chunk);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut count: usize) {
        self.left = self.left.saturating_sub(count);
        while let Some(first) = self.chunks.front_mut() {
            if count < first.len() {
                first.advance(count);
                return;
            }
            count -= first.len();
            self.chunks.pop_front();
        }
    }
}
