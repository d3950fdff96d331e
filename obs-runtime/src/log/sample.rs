//! Which successful requests are logged when not all of them are.

/// Returns whether the lines of a request are kept, where a share of `rate` is.
///
/// All services that share a correlation id decide alike, in whatever language and version, because
/// this is all there is to it:
///
/// 1. FNV-1a, 64 bits, over the bytes of the id (offset `cbf29ce484222325`, prime `100000001b3`);
/// 2. the finaliser of `MurmurHash3` (`fmix64`), because FNV alone spreads badly into its high bits:
///    `h ^= h >> 33; h *= ff51afd7ed558ccd; h ^= h >> 33; h *= c4ceb9fe1a85ec53; h ^= h >> 33`;
/// 3. kept if `(h >> 11) / 2^53 < rate`.
///
/// At 0 nothing is kept, at 1 everything. A higher rate keeps what a lower one does, and more.
pub(crate) fn keeps(correlation_id: &str, rate: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
    let share = (hash(correlation_id.as_bytes()) >> 11) as f64 / (1_u64 << 53) as f64;
    share < rate
}

fn hash(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::{hash, keeps};
    use crate::context::Id;

    #[test]
    fn all_or_nothing_is_exact() {
        for n in 0..10_000 {
            let id = n.to_string();
            assert!(keeps(&id, 1.0));
            assert!(!keeps(&id, 0.0));
            assert!(!keeps(&id, -1.0));
            assert!(!keeps(&id, f64::NAN));
        }
    }

    #[test]
    fn the_share_that_is_kept_is_the_rate() {
        type Ids = fn(u32) -> String;
        let kinds: [(&str, Ids); 3] = [
            ("of obs", |_| Id::generate().as_str().to_owned()),
            ("counted", |n| format!("order-{n}")),
            ("padded", |n| format!("{n:0>64}")),
        ];
        for (kind, id) in kinds {
            for rate in [0.001_f64, 0.1, 0.5, 0.9] {
                let kept = (0..100_000).filter(|n| keeps(&id(*n), rate)).count();
                let (mean, deviation) = (1e5 * rate, (1e5 * rate * (1.0 - rate)).sqrt());
                #[expect(clippy::cast_precision_loss, reason = "at most 100,000")]
                let off = (kept as f64 - mean).abs();
                // Five deviations: one honest run in two million is outside.
                assert!(off < 5.0 * deviation, "{kind} at {rate}: {kept} kept");
            }
        }
    }

    #[test]
    fn a_higher_rate_keeps_what_a_lower_one_does() {
        for n in 0..10_000 {
            let id = format!("id-{n}");
            assert!(!keeps(&id, 0.1) || keeps(&id, 0.2));
        }
    }

    /// Other services compute the same numbers: they must never change.
    #[test]
    fn the_hash_is_what_is_documented() {
        assert_eq!(hash(b""), HASH_OF_NOTHING);
        assert_eq!(hash(b"a"), HASH_OF_A);
        assert_eq!(
            hash(b"01932f4e-9a6b-7c3d-8e5f-0123456789ab"),
            HASH_OF_A_UUID
        );
    }

    const HASH_OF_NOTHING: u64 = 0xefd0_1f60_ba99_2926;
    const HASH_OF_A: u64 = 0x82a2_a958_a9be_ce5b;
    const HASH_OF_A_UUID: u64 = 0x5970_8600_077b_7f08;
}
