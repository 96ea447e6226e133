//! Rows in Postgres's binary form of COPY, written and read.

/// Microseconds from 1970, our zero, to 2000, Postgres's.
pub(crate) const EPOCH: i64 = 946_684_800_000_000;
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Rows on their way to Postgres.
pub(crate) struct BinaryRows {
    bytes: Vec<u8>,
}

impl BinaryRows {
    /// The stream's start.
    pub(crate) fn new() -> BinaryRows {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        BinaryRows { bytes }
    }

    /// What was written since the last time.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Begins a row of so many fields.
    pub(crate) fn row(&mut self, n_fields: i16) {
        self.bytes.extend(n_fields.to_be_bytes());
    }

    pub(crate) fn text(&mut self, text: Option<&str>) {
        self.field(text.map(str::as_bytes));
    }

    pub(crate) fn field(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                self.bytes.extend((bytes.len() as i32).to_be_bytes());
                self.bytes.extend(bytes);
            }
            None => self.bytes.extend((-1_i32).to_be_bytes()),
        }
    }

    pub(crate) fn number(&mut self, value: Option<f64>) {
        self.field(value.map(f64::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
    }

    pub(crate) fn integer(&mut self, value: i64) {
        self.field(Some(&value.to_be_bytes()));
    }

    /// Microseconds since 1970.
    pub(crate) fn time(&mut self, micros: Option<i64>) {
        self.field(micros.map(|micros| (micros - EPOCH).to_be_bytes()).as_ref().map(|bytes| &bytes[..]));
    }

    /// A `jsonb`, which `write` appends as text.
    pub(crate) fn json(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        // The length is only known afterwards; 1 is the version of jsonb's binary form.
        self.bytes.extend([0, 0, 0, 0, 1]);
        write(&mut self.bytes);
        let length = (self.bytes.len() - start - 4) as i32;
        if let Some(place) = self.bytes.get_mut(start..start + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }

    /// Ends the stream.
    pub(crate) fn end(&mut self) {
        self.bytes.extend((-1_i16).to_be_bytes());
    }
}

/// Reads rows that Postgres sends; bytes come in pieces that end anywhere.
#[derive(Default)]
pub(crate) struct BinaryReader {
    bytes: Vec<u8>,
    start: usize,
    is_started: bool,
    fields: Vec<Option<(usize, usize)>>,
}

/// The rows are not in the form that was asked for.
#[derive(Debug)]
pub(crate) struct Malformed;

impl BinaryReader {
    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(piece);
    }

    /// Goes to the next row that is there whole; false when the next piece is needed, or after the last row.
    pub(crate) fn next(&mut self) -> Result<bool, Malformed> {
        if !self.is_started {
            let Some(head) = self.bytes.get(..19) else { return Ok(false) };
            if !head.starts_with(SIGNATURE) {
                return Err(Malformed);
            }
            self.start = 19;
            self.is_started = true;
        }
        let mut at = self.start;
        let Some(n_fields) = self.take::<2>(&mut at).map(i16::from_be_bytes) else { return Ok(false) };
        self.fields.clear();
        if n_fields < 0 {
            return Ok(false);
        }
        for _ in 0..n_fields {
            let Some(length) = self.take::<4>(&mut at).map(i32::from_be_bytes) else { return Ok(false) };
            match usize::try_from(length) {
                Err(_) => self.fields.push(None),
                Ok(length) => {
                    if at + length > self.bytes.len() {
                        return Ok(false);
                    }
                    self.fields.push(Some((at, at + length)));
                    at += length;
                }
            }
        }
        self.start = at;
        Ok(true)
    }

    fn take<const N: usize>(&self, at: &mut usize) -> Option<[u8; N]> {
        let bytes = self.bytes.get(*at..*at + N)?.try_into().ok()?;
        *at += N;
        Some(bytes)
    }

    pub(crate) fn field(&self, index: usize) -> Option<&[u8]> {
        let (start, end) = self.fields.get(index).copied().flatten()?;
        self.bytes.get(start..end)
    }

    pub(crate) fn text(&self, index: usize) -> Result<Option<&str>, Malformed> {
        self.field(index).map(|bytes| std::str::from_utf8(bytes).map_err(|_| Malformed)).transpose()
    }

    pub(crate) fn number(&self, index: usize) -> Result<Option<f64>, Malformed> {
        let bytes =
            self.field(index).map(|bytes| <[u8; 8]>::try_from(bytes).map_err(|_| Malformed)).transpose()?;
        Ok(bytes.map(f64::from_be_bytes))
    }

    /// Microseconds since 1970.
    pub(crate) fn time(&self, index: usize) -> Result<Option<i64>, Malformed> {
        let bytes =
            self.field(index).map(|bytes| <[u8; 8]>::try_from(bytes).map_err(|_| Malformed)).transpose()?;
        Ok(bytes.map(|bytes| i64::from_be_bytes(bytes).saturating_add(EPOCH)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written_however_they_are_cut() {
        let mut rows = BinaryRows::new();
        for i in 0..20 {
            rows.row(4);
            rows.text(Some("é"));
            rows.number(if i % 2 == 0 { Some(f64::from(i)) } else { None });
            rows.time(Some(1_483_142_400_000_000));
            rows.json(|json| json.extend(b"{}"));
        }
        rows.end();
        let bytes = rows.take();
        for size in [1, 7, 64, bytes.len()] {
            let mut reader = BinaryReader::default();
            let mut n = 0;
            for piece in bytes.chunks(size) {
                reader.push(piece);
                while reader.next().unwrap() {
                    assert_eq!(reader.text(0).unwrap(), Some("é"));
                    assert_eq!(reader.number(1).unwrap(), (n % 2 == 0).then_some(f64::from(n)));
                    assert_eq!(reader.time(2).unwrap(), Some(1_483_142_400_000_000));
                    assert_eq!(reader.field(3), Some(&b"\x01{}"[..]));
                    n += 1;
                }
            }
            assert_eq!(n, 20);
        }
        let mut reader = BinaryReader::default();
        reader.push(b"something else, of the same length");
        assert!(reader.next().is_err());
    }
}
