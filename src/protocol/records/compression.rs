//! The codecs of record batches: gzip, snappy, lz4 and zstd, as Kafka's clients frame them.
//!
//! What comes from a peer is decompressed up to a limit, never further: a few kilobytes can claim to be gigabytes.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};

/// The codec of a batch's records, by Kafka's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not compressed.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// Snappy, in the frames of Java's `SnappyOutputStream`; single raw blocks are read too, as some clients send.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (KIP-110): Produce 7 and Fetch 10 on.
    Zstd,
}

/// Why records could not be decompressed.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// They are larger than the limit.
    #[error("the records are larger than {limit} bytes when decompressed")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// They are not what the codec says.
    #[error("the records cannot be decompressed: {0}")]
    Invalid(#[from] io::Error),
}

/// What Java's `SnappyOutputStream` begins with: its name, its version and the oldest version that can read it.
const XERIAL_HEAD: &[u8; 16] = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";

/// The bytes of it that tell it from a raw block.
const XERIAL_MAGIC: &[u8; 8] = b"\x82SNAPPY\0";

/// How much Java's stream puts in a block.
const XERIAL_BLOCK_BYTES: usize = 32 * 1024;

/// No snappy block grows by more: its densest element is 3 bytes that stand for 64.
const SNAPPY_MAX_RATIO: usize = 22;

/// Zstandard's own default, as the clients take it.
const ZSTD_LEVEL: i32 = 3;

impl Compression {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Its number in a batch's attributes: 0 to 4.
    pub fn id(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The codec of a number, if there is one.
    pub fn from_id(id: i16) -> Option<Self> {
        usize::try_from(id).ok().and_then(|id| Self::ALL.get(id).copied())
    }

    /// Its name in Kafka's settings (`compression.type`).
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// Compresses `plain`, as Java's client would.
    ///
    /// # Errors
    /// Only what a codec reports of itself: there is no input that cannot be compressed.
    pub fn compress(self, plain: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(plain.to_vec()),
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(plain)?;
                encoder.finish()
            }
            Self::Snappy => compress_xerial(plain),
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                encoder.write_all(plain)?;
                Ok(encoder.finish()?)
            }
            Self::Zstd => zstd::encode_all(plain, ZSTD_LEVEL),
        }
    }

    /// Decompresses `packed` into at most `limit` bytes. Without compression the answer shares the bytes given.
    ///
    /// # Errors
    /// [`DecompressError`], for what is broken and for what is larger than `limit`.
    pub fn decompress(self, packed: &Bytes, limit: usize) -> Result<Bytes, DecompressError> {
        match self {
            Self::None if packed.len() > limit => Err(DecompressError::TooLarge { limit }),
            Self::None => Ok(packed.clone()),
            Self::Gzip => read_all(flate2::bufread::MultiGzDecoder::new(packed.as_ref()), limit),
            Self::Snappy => decompress_snappy(packed, limit),
            Self::Lz4 => read_all(lz4_flex::frame::FrameDecoder::new(packed.as_ref()), limit),
            Self::Zstd => read_all(zstd::Decoder::with_buffer(packed.as_ref())?, limit),
        }
    }
}

/// Reads a decoder to its end, one byte beyond `limit` at most.
fn read_all(decoder: impl Read, limit: usize) -> Result<Bytes, DecompressError> {
    let mut plain = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(one_more).read_to_end(&mut plain)?;
    if plain.len() > limit { Err(DecompressError::TooLarge { limit }) } else { Ok(plain.into()) }
}

fn compress_xerial(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = XERIAL_HEAD.to_vec();
    let mut encoder = snap::raw::Encoder::new();
    for block in plain.chunks(XERIAL_BLOCK_BYTES) {
        let block = encoder.compress_vec(block).map_err(io::Error::other)?;
        let length = i32::try_from(block.len()).map_err(io::Error::other)?;
        packed.extend_from_slice(&length.to_be_bytes());
        packed.extend_from_slice(&block);
    }
    Ok(packed)
}

fn decompress_snappy(packed: &Bytes, limit: usize) -> Result<Bytes, DecompressError> {
    let mut plain = Vec::new();
    if !packed.starts_with(XERIAL_MAGIC) {
        append_block(&mut plain, packed, limit)?;
        return Ok(plain.into());
    }
    let mut rest = packed.get(XERIAL_HEAD.len()..).ok_or_else(cut_off)?;
    while rest.has_remaining() {
        let length = usize::try_from(rest.try_get_i32().map_err(|_| cut_off())?).map_err(|_| cut_off())?;
        let (block, after) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        append_block(&mut plain, block, limit)?;
        rest = after;
    }
    Ok(plain.into())
}

/// Appends one raw block to `plain`. What the block says of its size is believed only as far as its bytes reach.
fn append_block(plain: &mut Vec<u8>, block: &[u8], limit: usize) -> Result<(), DecompressError> {
    let claimed = snap::raw::decompress_len(block).map_err(invalid)?;
    let end = plain.len().saturating_add(claimed);
    if end > limit {
        return Err(DecompressError::TooLarge { limit });
    }
    if claimed > block.len().saturating_mul(SNAPPY_MAX_RATIO) {
        return Err(cut_off().into());
    }
    let start = plain.len();
    plain.resize(end, 0);
    let room = plain.get_mut(start..).unwrap_or_default();
    snap::raw::Decoder::new().decompress(block, room).map_err(invalid)?;
    Ok(())
}

fn invalid(error: snap::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a snappy block is cut off")
}
