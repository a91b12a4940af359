//! Python's `random`: seeded sequences are the same as CPython's.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use sha2::{Digest, Sha512};

use super::{Number, PyError, PyErrorKind, PyResult, Value, number::float_to_bigint, ops::settle};

const SIZE: usize = 624;

/// A source of random numbers.
pub enum Random {
    /// The operating system's.
    System,
    /// A Mersenne twister.
    Seeded(Box<Twister>),
}

/// The Mersenne twister MT19937.
pub struct Twister {
    state: [u32; SIZE],
    next: usize,
}

impl Twister {
    fn by_number(seed: u32) -> Self {
        let mut state = [0_u32; SIZE];
        state[0] = seed;
        for i in 1..SIZE {
            let last = state[i - 1];
            // The index is below 624.
            state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: SIZE }
    }

    fn by_array(key: &[u32]) -> Self {
        let mut twister = Self::by_number(19_650_218);
        let state = &mut twister.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..SIZE.max(key.len()) {
            let last = state[i - 1];
            state[i] = (state[i] ^ (last ^ (last >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..SIZE - 1 {
            let last = state[i - 1];
            state[i] = (state[i] ^ (last ^ (last >> 30)).wrapping_mul(1_566_083_941))
                .wrapping_sub(i as u32);
            i += 1;
            if i >= SIZE {
                state[0] = state[SIZE - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        twister
    }

    fn next(&mut self) -> u32 {
        if self.next >= SIZE {
            for i in 0..SIZE {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % SIZE] & 0x7fff_ffff);
                let twist = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % SIZE] ^ (y >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }
}

impl Random {
    /// `random.Random(seed)`.
    pub fn seeded(seed: &Value) -> PyResult<Self> {
        let n = match settle(seed)?.as_ref() {
            Value::Str(s) => text_seed(s.as_bytes()),
            Value::Bytes(b) => text_seed(b),
            Value::Float(f) => float_hash(*f),
            other => match Number::of(other).and_then(|n| n.to_bigint()) {
                Some(n) => n.abs(),
                None => {
                    return Err(PyError::type_error(
                        "The only supported seed types are: None,\nint, float, str, bytes, and \
                         bytearray.",
                    ));
                }
            },
        };
        let mut key: Vec<u32> = n.magnitude().to_u32_digits();
        if key.is_empty() {
            key.push(0);
        }
        Ok(Self::Seeded(Box::new(Twister::by_array(&key))))
    }

    fn word(&mut self) -> PyResult<u32> {
        match self {
            Self::Seeded(twister) => Ok(twister.next()),
            Self::System => {
                let mut bytes = [0; 4];
                getrandom::fill(&mut bytes).map_err(|e| {
                    PyError::new(PyErrorKind::OSError, format!("no random numbers: {e}"))
                })?;
                Ok(u32::from_le_bytes(bytes))
            }
        }
    }

    /// `getrandbits(k)`.
    fn bits(&mut self, k: u64) -> PyResult<BigInt> {
        let mut words = Vec::new();
        let mut left = k;
        while left > 0 {
            let word = self.word()?;
            // At most 32 bits are taken of each word, from its top.
            words.push(if left < 32 { word >> (32 - left) } else { word });
            left = left.saturating_sub(32);
        }
        Ok(BigInt::from(num_bigint::BigUint::new(words)))
    }

    /// An integer from 0 to `n - 1`.
    pub fn below_big(&mut self, n: &BigInt) -> PyResult<BigInt> {
        loop {
            let r = self.bits(n.bits())?;
            if &r < n {
                return Ok(r);
            }
        }
    }

    /// An index from 0 to `n - 1`.
    pub fn below(&mut self, n: usize) -> PyResult<usize> {
        let r = self.below_big(&BigInt::from(n))?;
        // It is below a `usize`.
        Ok(usize::try_from(&r).unwrap_or(0))
    }

    /// `shuffle(items)`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) -> PyResult<()> {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1)?);
        }
        Ok(())
    }

    /// `randrange(start, stop, step)`.
    pub fn range(&mut self, start: &BigInt, stop: &BigInt, step: &BigInt) -> PyResult<BigInt> {
        let width = stop - start;
        let one = BigInt::from(1);
        if *step == one {
            if width.is_positive() {
                return Ok(start + self.below_big(&width)?);
            }
            return Err(PyError::value_error(format!(
                "empty range for randrange() ({start}, {stop}, {width})"
            )));
        }
        if step.is_zero() {
            return Err(PyError::value_error("zero step for randrange()"));
        }
        let toward = if step.is_positive() { -one } else { one };
        let n = num_integer::Integer::div_floor(&(&width + step + toward), step);
        if !n.is_positive() {
            return Err(PyError::value_error("empty range for randrange()"));
        }
        Ok(start + step * self.below_big(&n)?)
    }
}

/// A text's own bytes and their SHA-512, as one number.
fn text_seed(bytes: &[u8]) -> BigInt {
    let digest = Sha512::digest(bytes);
    BigInt::from_bytes_be(num_bigint::Sign::Plus, &[bytes, digest.as_slice()].concat())
}

/// `hash(float)` as the seed it gives.
fn float_hash(f: f64) -> BigInt {
    if f.is_nan() {
        return BigInt::zero();
    }
    if f.is_infinite() {
        let infinite = BigInt::from(314_159);
        return if f > 0.0 { infinite } else { (BigInt::from(1) << 64) - infinite };
    }
    // The value modulo the prime 2**61 - 1, fractions by inverse powers of two.
    let modulus = (BigInt::from(1) << 61) - 1;
    let mut scaled = f.abs();
    let mut shift = 0_u64;
    while scaled.fract() != 0.0 {
        scaled *= 2.0;
        shift += 1;
    }
    let whole = float_to_bigint(scaled).unwrap_or_default() % &modulus;
    // 2**61 is 1 here, so dividing by 2**shift is multiplying by 2**(61 - shift).
    let back = (61 - shift % 61) % 61;
    let hash = (whole << back) % &modulus;
    if f >= 0.0 {
        return hash;
    }
    // Minus one is no hash; negative ones are taken as 64 bits without a sign.
    let hash = if hash == BigInt::from(1) { BigInt::from(2) } else { hash };
    (BigInt::from(1) << 64) - hash
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn seeded_sequences_are_cpythons() {
        let draw = |seed: &Value| -> Vec<usize> {
            let mut r = Random::seeded(seed).unwrap();
            (0..5).map(|_| r.below(1000).unwrap()).collect()
        };
        // Recorded from CPython 3.11: [Random(seed).randrange(1000) for 5 draws].
        for (seed, drawn) in RECORDED {
            let seed = crate::value::literal::literal_eval(seed).unwrap();
            assert_eq!(draw(&seed), *drawn, "{seed:?}");
        }
    }

    const RECORDED: &[(&str, [usize; 5])] = &[
        ("1", [137, 582, 867, 821, 782]),
        ("'host1'", [497, 254, 923, 999, 186]),
        ("-5", [637, 261, 759, 367, 814]),
        ("12345678901234567890", [524, 881, 954, 559, 657]),
        ("1.5", [565, 842, 262, 148, 597]),
        ("-2.75", [153, 497, 303, 112, 141]),
        ("b'abc'", [790, 571, 471, 726, 939]),
        ("'é'", [992, 962, 426, 96, 182]),
        ("0", [864, 394, 776, 911, 430]),
        ("3.0", [243, 606, 557, 133, 378]),
    ];
}
