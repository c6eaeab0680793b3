//! How producers choose a partition for a key: murmur2, as Kafka's Java client does it (`BuiltInPartitioner`,
//! `Utils.murmur2`). Every client that wants a key to stay where Java puts it must get the same numbers.

/// The seed that Kafka chose.
const SEED: u32 = 0x9747_b28c;
/// Murmur2's multiplier.
const M: u32 = 0x5bd1_e995;
/// Murmur2's shift.
const R: u32 = 24;

/// Murmur2 of the bytes, 32 bits, with Kafka's seed.
pub fn murmur2(bytes: &[u8]) -> u32 {
    // Java's arrays have at most 2^31 - 1 bytes; longer keys cannot occur.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ length;
    let (words, tail) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (at, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// The partition of a key among `count`; `None` where there are none.
pub fn for_key(key: &[u8], count: i32) -> Option<i32> {
    // Java clears the sign bit rather than taking the absolute value.
    let positive = i32::try_from(murmur2(key) & 0x7fff_ffff).ok()?;
    positive.checked_rem(count).filter(|_| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that Kafka's own test expects (`UtilsTest.testMurmur2`).
    #[test]
    fn murmur2_is_kafkas() {
        let cases: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (text, hash) in cases {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    #[test]
    fn no_partitions_no_choice() {
        assert_eq!(for_key(b"abc", 0), None);
        assert_eq!(for_key(b"abc", -3), None);
        assert_eq!(for_key(b"abc", 1), Some(0));
    }
}
