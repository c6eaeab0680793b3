//! Frames out of a stream of bytes: four bytes of size, then so many bytes. It knows no message.
//!
//! Small frames are copied out of one buffer that is used again and again; a large one is the buffer that it was read
//! into, so that the records in it are never copied at all. After a large frame another one is expected, and read with
//! as few calls as the stream allows. Memory is taken as the bytes arrive: a size alone makes nobody reserve 100 MiB.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout, timeout_at};

/// The size field ahead of each frame.
const SIZE_BYTES: usize = 4;

/// The shared buffer; a frame that does not fit into it is not copied.
const BUFFER_BYTES: usize = 16 * 1024;

/// How much is reserved for a large frame at once; beyond, as much again as has arrived.
const AT_ONCE_BYTES: usize = 2 * 1024 * 1024;

/// What a connection may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The largest frame, in bytes (`socket.request.max.bytes`).
    pub(super) frame_bytes: usize,
    /// How long a frame may take from its first byte to its last.
    pub(super) frame_time: Duration,
    /// How long the connection may be without a frame (`connections.max.idle.ms`).
    pub(super) idle_time: Duration,
}

/// Why there is no frame any more.
#[derive(Debug, Error)]
pub(super) enum FrameError {
    /// The client closed the connection between two frames.
    #[error("closed")]
    Closed,
    /// A size below zero or above the limit.
    #[error("a frame of {0} bytes")]
    Size(i32),
    /// No byte for too long.
    #[error("idle for too long")]
    Idle,
    /// A frame that does not complete in time.
    #[error("a frame did not complete in time")]
    Slow,
    /// The connection broke, or ended within a frame.
    #[error(transparent)]
    Broken(#[from] io::Error),
}

/// Reads frames from `source`.
#[derive(Debug)]
pub(super) struct Frames<R> {
    source: R,
    /// What has arrived and is not handed on: it begins with a size.
    buffer: BytesMut,
    /// How much to reserve for what comes next: as much as the last frame took.
    expected: usize,
    limits: Limits,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(source: R, limits: Limits) -> Self {
        Self { source, buffer: BytesMut::new(), expected: BUFFER_BYTES, limits }
    }

    /// The next frame, without its size.
    ///
    /// It may be dropped before it is done and called again: nothing is lost, and the client's time begins anew. That is
    /// what happens while time stands.
    pub(super) async fn next(&mut self) -> Result<Bytes, FrameError> {
        if self.buffer.is_empty() {
            self.buffer.reserve(self.expected);
            let read = timeout(self.limits.idle_time, self.source.read_buf(&mut self.buffer)).await;
            if read.map_err(|_| FrameError::Idle)?? == 0 {
                return Err(FrameError::Closed);
            }
        }
        if let Some(frame) = self.arrived()? {
            return Ok(frame);
        }
        let deadline = Instant::now() + self.limits.frame_time;
        timeout_at(deadline, self.rest()).await.map_err(|_| FrameError::Slow)?
    }

    /// Reads on until the frame that has begun is complete.
    async fn rest(&mut self) -> Result<Bytes, FrameError> {
        loop {
            let missing =
                self.size()?.map_or(BUFFER_BYTES, |size| (SIZE_BYTES + size).saturating_sub(self.buffer.len()));
            self.buffer.reserve(missing.min(AT_ONCE_BYTES.max(self.buffer.len())));
            some(self.source.read_buf(&mut self.buffer).await?)?;
            if let Some(frame) = self.arrived()? {
                return Ok(frame);
            }
        }
    }

    /// The next frame, where all of it has arrived.
    fn arrived(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(end) = self.size()?.map(|size| SIZE_BYTES + size) else { return Ok(None) };
        let Some(body) = self.buffer.get(SIZE_BYTES..end) else { return Ok(None) };
        self.expected = end.clamp(BUFFER_BYTES, AT_ONCE_BYTES);
        // What is stored must not keep a buffer that is mostly something else.
        if end <= BUFFER_BYTES || end < self.buffer.capacity() / 2 {
            let frame = Bytes::copy_from_slice(body);
            self.buffer.advance(end);
            return Ok(Some(frame));
        }
        let mut begun = BytesMut::with_capacity(self.expected);
        begun.extend_from_slice(self.buffer.get(end..).unwrap_or_default());
        let mut frame = std::mem::replace(&mut self.buffer, begun);
        frame.truncate(end);
        frame.advance(SIZE_BYTES);
        Ok(Some(frame.freeze()))
    }

    /// The size of the next frame, once it is there.
    fn size(&self) -> Result<Option<usize>, FrameError> {
        let Some(size) = self.buffer.first_chunk::<SIZE_BYTES>() else { return Ok(None) };
        let size = i32::from_be_bytes(*size);
        let fits = usize::try_from(size).ok().filter(|size| *size <= self.limits.frame_bytes);
        fits.map(Some).ok_or(FrameError::Size(size))
    }
}

/// No bytes where more must come is an end in the middle.
fn some(read: usize) -> Result<(), FrameError> {
    if read == 0 { Err(FrameError::Broken(io::ErrorKind::UnexpectedEof.into())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const LIMITS: Limits = Limits {
        frame_bytes: 4 * 1024 * 1024,
        frame_time: Duration::from_secs(30),
        idle_time: Duration::from_secs(600),
    };

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut frame = i32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend_from_slice(body);
        frame
    }

    fn body(len: usize) -> Vec<u8> {
        (0..len).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    fn pair() -> (DuplexStream, Frames<DuplexStream>) {
        let (client, server) = duplex(64 * 1024);
        (client, Frames::new(server, LIMITS))
    }

    #[tokio::test]
    async fn frames_come_whole_whatever_the_pieces_that_they_arrive_in() {
        for piece in [1, 3, 1_000, 16_385, 5_000_000] {
            let (mut client, mut frames) = pair();
            let lengths = [0, 1, 5, 16_380, 16_381, 20_000, 3_000_000, 7];
            let sent: Vec<u8> = lengths.iter().flat_map(|len| framed(&body(*len))).collect();
            let writing = async move {
                for piece in sent.chunks(piece) {
                    client.write_all(piece).await.unwrap();
                }
            };
            let reading = async {
                for len in lengths {
                    assert_eq!(frames.next().await.unwrap(), body(len), "{len} bytes in pieces of {piece}");
                }
                assert!(matches!(frames.next().await, Err(FrameError::Closed)));
            };
            tokio::join!(writing, reading);
        }
    }

    #[tokio::test]
    async fn a_size_that_cannot_be_ends_it_before_anything_is_reserved() {
        for size in [-1, i32::MIN, 4 * 1024 * 1024 + 1, i32::MAX] {
            let (mut client, mut frames) = pair();
            client.write_all(&size.to_be_bytes()).await.unwrap();
            let refused = frames.next().await;
            assert!(matches!(refused, Err(FrameError::Size(found)) if found == size));
            assert!(frames.buffer.capacity() <= BUFFER_BYTES);
        }
    }

    #[tokio::test]
    async fn an_end_within_a_frame_is_no_frame() {
        for sent in [&framed(&body(100))[..50], &framed(&body(100_000))[..50_000], &[0, 0]] {
            let (mut client, mut frames) = pair();
            client.write_all(sent).await.unwrap();
            drop(client);
            assert!(matches!(frames.next().await, Err(FrameError::Broken(_))));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_has_thirty_seconds_and_silence_ten_minutes() {
        let (mut client, mut frames) = pair();
        assert!(matches!(frames.next().await, Err(FrameError::Idle)));
        client.write_all(&framed(&body(10))).await.unwrap();
        assert_eq!(frames.next().await.unwrap(), body(10), "idle is not the end of it");
        let drip = async {
            for byte in framed(&body(40)) {
                tokio::time::advance(Duration::from_secs(1)).await;
                if client.write_all(&[byte]).await.is_err() {
                    break;
                }
            }
        };
        let (frame, ()) = tokio::join!(frames.next(), drip);
        assert!(matches!(frame, Err(FrameError::Slow)), "44 bytes, one a second");
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_where_it_was_dropped() {
        let (mut client, mut frames) = pair();
        for len in [100, 50_000] {
            let sent = framed(&body(len));
            for piece in sent.chunks(len / 3) {
                assert!(timeout(Duration::from_millis(1), frames.next()).await.is_err());
                client.write_all(piece).await.unwrap();
            }
            assert_eq!(frames.next().await.unwrap(), body(len));
        }
    }
}
