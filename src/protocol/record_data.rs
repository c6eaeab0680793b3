//! [`Records`]: the record batches of one partition in a Produce request or a Fetch response, as bytes.
//!
//! What the batches say is none of this file's business. It may not copy them: decoding shares the frame, and encoding
//! appends the chunks by reference.

use bytes::Bytes;

use super::DecodeError;
use super::records::{self, BatchError, ProducedBatch};
use super::wire::{Layout, Reader, Wire, Writer};

/// Record batches as a rope of shared chunks. Decoding yields one chunk that shares the frame's memory (and keeps the
/// whole frame alive); a broker answers a fetch with two chunks per batch, its rewritten head and its body as stored.
#[derive(Clone, Default)]
pub struct Records {
    /// Apart from the others, since nearly always it is the only one and then costs no allocation.
    first: Bytes,
    rest: Vec<Bytes>,
    /// What a check of a produced batch came to, if one was made: it is made once, at the edge.
    checked: Option<Box<Result<ProducedBatch, BatchError>>>,
}

impl Records {
    /// No bytes at all.
    pub const fn new() -> Self {
        Self { first: Bytes::new(), rest: Vec::new(), checked: None }
    }

    /// Appends a chunk, which is shared, not copied.
    pub fn push(&mut self, chunk: Bytes) {
        self.checked = None;
        if chunk.is_empty() {
        } else if self.first.is_empty() {
            self.first = chunk;
        } else {
            self.rest.push(chunk);
        }
    }

    /// Checks that this is one good batch of a producer, and remembers what came of it. Any thread may do that before the
    /// broker sees the request: the CRC is computed once.
    ///
    /// A batch that makes less than half of the frame it came in, of `frame_bytes`, is copied out of it: a small batch must
    /// not keep a large buffer for as long as it is stored.
    pub fn check(&mut self, frame_bytes: usize) {
        let mut checked = records::validate(self);
        if let Ok(batch) = &mut checked
            && batch.body.len() < frame_bytes / 2
        {
            batch.body = Bytes::copy_from_slice(&batch.body);
        }
        self.checked = Some(Box::new(checked));
    }

    /// The one batch of a producer, or why it is refused: as [`Records::check`] found, else found now.
    pub fn checked_batch(&self) -> Result<ProducedBatch, BatchError> {
        match &self.checked {
            Some(checked) => (**checked).clone(),
            None => records::validate(self),
        }
    }

    /// The size of all chunks together, in bytes.
    pub fn len(&self) -> usize {
        self.chunks().map(Bytes::len).sum()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The chunks in their order; none of them is empty.
    pub fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        (!self.first.is_empty()).then_some(&self.first).into_iter().chain(&self.rest)
    }

    /// All bytes in one piece: shared where there is one chunk, copied together where there are more.
    pub fn to_bytes(&self) -> Bytes {
        if self.rest.is_empty() {
            return self.first.clone();
        }
        let mut joined = Vec::with_capacity(self.len());
        for chunk in self.chunks() {
            joined.extend_from_slice(chunk);
        }
        joined.into()
    }
}

impl From<Bytes> for Records {
    fn from(first: Bytes) -> Self {
        Self { first, rest: Vec::new(), checked: None }
    }
}

impl FromIterator<Bytes> for Records {
    fn from_iter<I: IntoIterator<Item = Bytes>>(chunks: I) -> Self {
        let mut records = Self::new();
        records.extend(chunks);
        records
    }
}

impl Extend<Bytes> for Records {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, chunks: I) {
        for chunk in chunks {
            self.push(chunk);
        }
    }
}

/// Equal bytes are equal records, however they are cut into chunks.
impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.chunks().flatten().eq(other.chunks().flatten())
    }
}

impl Eq for Records {}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Records({} bytes)", self.len())
    }
}

impl Wire for Records {
    fn min_size(layout: Layout) -> usize {
        Bytes::min_size(layout)
    }

    fn encode(&self, writer: &mut Writer) {
        Self::encode_nullable(Some(self), writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Bytes::decode(reader).map(Self::from)
    }

    fn encode_nullable(value: Option<&Self>, writer: &mut Writer) {
        writer.put_length(value.map(Self::len), false);
        for chunk in value.into_iter().flat_map(Self::chunks) {
            writer.splice(chunk);
        }
    }

    fn decode_nullable(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        Bytes::decode_nullable(reader).map(|bytes| bytes.map(Self::from))
    }
}
