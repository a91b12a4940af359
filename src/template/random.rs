//! Random numbers from the system.

use std::{fs::File, io::Read};

use crate::value::{PyError, PyErrorKind, PyResult};

/// A source of random numbers fit for passwords.
pub(super) struct Random(File);

impl Random {
    pub fn new() -> PyResult<Self> {
        File::open("/dev/urandom")
            .map(Self)
            .map_err(|e| PyError::new(PyErrorKind::OSError, format!("no random numbers: {e}")))
    }

    fn next(&mut self) -> u64 {
        let mut bytes = [0; 8];
        // The system's source neither ends nor fails once it is open.
        let _ = self.0.read_exact(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number from 0 to `limit - 1`, all equally likely.
    pub fn below(&mut self, limit: u64) -> u64 {
        let limit = limit.max(1);
        let most = u64::MAX - u64::MAX % limit;
        loop {
            let n = self.next();
            if n < most {
                return n % limit;
            }
        }
    }
}
