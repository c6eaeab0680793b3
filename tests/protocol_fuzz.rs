//! Hostile frames: random, truncated and bit-flipped ones, for every API and version, as a broker would meet them on a
//! socket and a client from a broker.
//!
//! None may panic, reserve more memory than its bytes account for, or take a millisecond. What reads as a message must
//! read as the same one after it was written again. The choices are seeded, so a failure can be repeated; `fuzz/` has
//! the same for cargo-fuzz, which does not stop.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use kscope::protocol::{ApiKey, decode_request, decode_response, encode_request, encode_response};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// One test at a time: what another one reserves would count.
static TURN: Mutex<()> = Mutex::new(());

/// The most memory that a message may take, as a multiple of its frame. In the worst that the definitions allow two
/// bytes (an empty name and its structure's end) become a structure of 32, which is there twice while its array grows.
const MEMORY_FACTOR: usize = 32;

/// What a message may take besides: a short array has room for one element more than its bytes account for.
const MEMORY_FLOOR: usize = 2048;

/// The time that a frame of at most [`SMALL`] bytes may take. Half a millisecond is what the longest lists of an unoptimised
/// build take on a quiet machine; what grows with the square of a frame takes a hundred times that.
const TIME_LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5 } else { 1 });

/// The largest frame that is held against [`TIME_LIMIT`].
const SMALL: usize = 4096;

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// It is read as a request.
    Request,
    /// It is read as the response to a request of this API and version.
    Response(ApiKey, i16),
}

impl Way {
    /// Reads the frame and drops what it was.
    fn read(self, frame: &Bytes) -> bool {
        match self {
            Self::Request => decode_request(frame).is_ok(),
            Self::Response(api_key, version) => decode_response(frame, api_key, version).is_ok(),
        }
    }

    /// Reads the frame, writes what it was, and reads that, which must be the same message. What was written; nothing
    /// where the frame was no message.
    fn read_again(self, frame: &Bytes) -> Option<Bytes> {
        match self {
            Self::Request => {
                let (header, request) = decode_request(frame).ok()?;
                let version = header.request_api_version;
                let written = encode_request(version, header.correlation_id, header.client_id.as_ref(), &request);
                let written = written.to_bytes().slice(4..);
                assert_eq!(decode_request(&written), Ok((header, request)));
                Some(written)
            }
            Self::Response(api_key, version) => {
                let (correlation_id, response) = decode_response(frame, api_key, version).ok()?;
                let written = encode_response(correlation_id, version, &response).to_bytes().slice(4..);
                assert_eq!(decode_response(&written, api_key, version), Ok((correlation_id, response)));
                Some(written)
            }
        }
    }

    /// Reads the frame under all that must hold. Its message as we write it, which may be shorter than the frame;
    /// nothing where it was no message.
    fn check(self, frame: &[u8]) -> Option<Bytes> {
        let frame = Bytes::copy_from_slice(frame);
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let _ = self.read(&frame);
        let taken = MEMORY.peak_usage().saturating_sub(before);
        let limit = frame.len() * MEMORY_FACTOR + MEMORY_FLOOR;
        assert!(taken <= limit, "{taken} bytes of memory for {} bytes of {self:?}: {frame:x?}", frame.len());
        if frame.len() <= SMALL {
            let fastest = self.fastest(&frame);
            assert!(fastest <= TIME_LIMIT, "{fastest:?} for {self:?}: {frame:x?}");
        }
        self.read_again(&frame)
    }

    /// The best of up to twenty times, since the machine may be busy with something else.
    #[expect(clippy::disallowed_methods, reason = "a limit on real time can only be held against a real clock")]
    fn fastest(self, frame: &Bytes) -> Duration {
        let mut fastest = Duration::MAX;
        for _ in 0..20 {
            let start = Instant::now();
            self.read(frame);
            fastest = fastest.min(start.elapsed());
            if fastest <= TIME_LIMIT {
                break;
            }
        }
        fastest
    }
}

/// Every API and version both ways, each with the bytes that a frame has to begin with to get past its header.
fn ways() -> Vec<(Way, Vec<u8>)> {
    let mut ways = Vec::new();
    for &api_key in ApiKey::ALL {
        for version in api_key.versions().into_iter().flatten() {
            let mut head = [api_key.number().to_be_bytes(), version.to_be_bytes()].concat();
            head.extend_from_slice(&[0, 0, 0, 7, 0xff, 0xff]);
            let mut response_head = vec![0, 0, 0, 7];
            if api_key.is_flexible(version) {
                head.push(0);
                response_head.push(0);
            }
            ways.push((Way::Request, head));
            ways.push((Way::Response(api_key, version), response_head));
        }
    }
    ways
}

/// A body of small numbers of all sizes, which are counts and lengths that a frame can hold: many of these are messages.
fn likely_body(rng: &mut Rng) -> Vec<u8> {
    let mut body = Vec::new();
    // The flexible layout needs more zeros than the old one: each structure in it ends in a count of tagged fields.
    let zeros = rng.u8(0..16);
    for _ in 0..200 {
        if rng.u8(0..16) < zeros {
            body.push(0);
            continue;
        }
        let small = rng.u8(0..4);
        match rng.u8(0..10) {
            0 => body.extend_from_slice(&[0xff; 4]),
            1 => body.extend_from_slice(&[0xff, 0xff]),
            2 => body.extend_from_slice(&[0, small]),
            3 => body.push(small),
            4 => body.extend_from_slice(&[0; 8]),
            // An empty string or array of the flexible layout.
            5 | 6 => body.push(1),
            _ => body.extend_from_slice(&[0, 0, 0, small]),
        }
    }
    body
}

#[test]
fn random_frames() {
    let _turn = turn();
    let mut rng = Rng::with_seed(1);
    for _ in 0..20_000 {
        let frame: Vec<u8> = (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect();
        Way::Request.check(&frame);
    }
    for (way, head) in ways() {
        for _ in 0..100 {
            let body: Vec<u8> = (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect();
            way.check(&[&head[..], &body].concat());
        }
    }
}

#[test]
fn messages_cut_off_and_with_bits_turned_over() {
    let _turn = turn();
    let mut rng = Rng::with_seed(2);
    let mut messages = 0;
    for (way, head) in ways() {
        let mut found = 0;
        // Requests of many names (JoinGroup) take thousands of tries until one is found.
        for _ in 0..20_000 {
            let Some(frame) = way.check(&[&head[..], &likely_body(&mut rng)].concat()) else { continue };
            found += 1;
            if found > 8 {
                break;
            }
            for end in 0..frame.len() {
                way.check(&frame[..end]);
            }
            for _ in 0..100 {
                let mut flipped = frame.to_vec();
                for _ in 0..rng.u8(1..4) {
                    let bit = rng.usize(0..flipped.len() * 8);
                    flipped[bit / 8] ^= 1 << (bit % 8);
                }
                way.check(&flipped);
            }
        }
        assert!(found > 0, "nothing that the test made was a message of {way:?} {head:?}");
        messages += found;
    }
    assert!(messages > 500, "{messages} messages are few");
}

/// A count that the bytes left could hold, ahead of bytes that are no elements: not more is reserved than they are.
#[test]
fn counts_without_elements() {
    let _turn = turn();
    let (delete_topics, fetch) = ([0, 20, 0, 0], [0, 1, 0, 12]);
    let old_count = 20_000_u32.to_be_bytes();
    let fetch_head = [&[0; 4 + 4 + 4 + 4 + 1 + 4 + 4][..], &[0xa1, 0x9c, 0x01]].concat();
    for (head, count) in [(delete_topics, &old_count[..]), (fetch, &fetch_head)] {
        let flexible_header: &[u8] = if head == fetch { &[0] } else { &[] };
        let mut frame = [&head[..], &[0, 0, 0, 7, 0xff, 0xff], flexible_header, count].concat();
        frame.resize(1 << 16, 0xff);
        let frame = Bytes::from(frame);
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let refused = decode_request(&frame);
        let taken = MEMORY.peak_usage().saturating_sub(before);
        assert!(refused.is_err(), "{head:?}");
        assert!(taken > 1000, "the count was believed as far as it could be: {taken}");
        assert!(taken <= frame.len() + MEMORY_FLOOR, "{taken} bytes of memory for {head:?}");
    }
}

/// A count in either layout.
fn counts(count: u32) -> [Vec<u8>; 2] {
    let seven_bits = |shift: u32| (count >> shift).to_le_bytes()[0] & 0x7f;
    [count.to_be_bytes().to_vec(), vec![0x80 | seven_bits(0), 0x80 | seven_bits(7), seven_bits(14)]]
}

/// Large frames that are as many elements as can be, or say that they are.
#[test]
fn large_frames() {
    let _turn = turn();
    for (way, head) in ways() {
        for (fill, size) in [0, 1, 2, 0x7f, 0x80, 0xff].into_iter().flat_map(|fill| [(fill, SMALL), (fill, 1 << 16)]) {
            let mut frame = head.clone();
            frame.resize(size, fill);
            way.check(&frame);
            // An array comes first, or after a number.
            for at in [head.len(), head.len() + 4] {
                let count = u32::try_from((size - at) / 2 - 2).expect("a small frame");
                for count in counts(count) {
                    let mut counted = frame.clone();
                    counted[at..at + count.len()].copy_from_slice(&count);
                    way.check(&counted);
                }
            }
        }
    }
}
