//! Lines of a text file in a buffer of bounded size: the physical lines that a record begins and ends with.

use std::io::{self, Read};

use super::file::{Share, fill};

/// The longest record, in bytes. A quote that is never closed would else swallow the file into memory.
pub(crate) const MAX_RECORD: usize = 1 << 20;

const FIRST_CAPACITY: usize = 256 * 1024;

/// A window that slides over a file.
pub(crate) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    /// The line on which the window starts, the first being 1.
    pub(crate) line: u64,
    /// How many bytes lie before the window.
    pub(crate) offset: u64,
    pub(crate) share: Share,
}

impl Window {
    pub(crate) fn new(reader: Box<dyn Read + Send>, share: Share) -> Window {
        Window {
            reader,
            buffer: vec![0; FIRST_CAPACITY],
            start: 0,
            end: 0,
            ended: false,
            line: 1,
            offset: 0,
            share,
        }
    }

    /// What can be seen.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// Whether nothing comes after what can be seen.
    pub(crate) fn is_last(&self) -> bool {
        self.ended
    }

    /// Sees more; false when there is no more, or when [`MAX_RECORD`] bytes can be seen already.
    pub(crate) fn widen(&mut self) -> io::Result<bool> {
        let seen = self.end - self.start;
        if self.ended || seen >= MAX_RECORD {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.start = 0;
        self.end = seen;
        if seen * 2 > self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).min(MAX_RECORD + FIRST_CAPACITY), 0);
        }
        let n = match self.buffer.get_mut(seen..) {
            Some(rest) => fill(&mut self.reader, rest)?,
            None => 0,
        };
        self.ended = seen + n < self.buffer.len();
        self.end = seen + n;
        Ok(n > 0)
    }

    /// Moves the start past `n` bytes that hold `n_lines` ends of lines.
    pub(crate) fn advance(&mut self, n: usize, n_lines: u64) {
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
        self.line += n_lines;
    }

    /// The end of the line that the window starts on, without its `\n`; none when it is longer than
    /// [`MAX_RECORD`]. At the end of the file the line ends there.
    pub(crate) fn line_end(&mut self) -> io::Result<Option<usize>> {
        let mut from = 0;
        loop {
            let seen = self.bytes();
            if let Some(found) = seen.get(from..).and_then(|rest| memchr::memchr(b'\n', rest)) {
                return Ok(Some(from + found));
            }
            from = seen.len();
            if self.is_last() {
                return Ok(Some(from));
            }
            if !self.widen()? && !self.is_last() {
                return Ok(None);
            }
        }
    }

    /// Leaves the line that the window starts on, however long it is.
    pub(crate) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            match self.line_end()? {
                Some(end) => {
                    self.advance(end + 1, 1);
                    return Ok(());
                }
                None => self.advance(MAX_RECORD, 0),
            }
        }
    }

    /// Whether everything has been read.
    pub(crate) fn is_done(&mut self) -> io::Result<bool> {
        while self.bytes().is_empty() {
            if !self.widen()? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Why bytes are no UTF-8: the byte, its place in the line and in the file (both from 1), and the remedy.
pub(crate) fn not_utf8(bytes: &[u8], at: usize, offset: u64) -> String {
    let byte = bytes.get(at).copied().unwrap_or(0);
    format!(
        "byte {} of the line (byte {} of the file) is {byte:#04x}, which is not UTF-8; save the file as UTF-8, or say \
         in the mapping's options: encoding = \"windows-1252\"",
        at + 1,
        offset + at as u64 + 1
    )
}

/// Reads windows-1252 (and with it ISO 8859-1) into `text`.
pub(crate) fn decode_windows_1252(bytes: &[u8], text: &mut String) {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    text.extend(bytes.iter().map(|&byte| match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{fffd}'),
        _ => char::from(byte),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &[u8]) -> Window {
        Window::new(Box::new(io::Cursor::new(text.to_vec())), Share::default())
    }

    #[test]
    fn lines_are_found_across_the_window_and_overlong_ones_are_left() {
        let mut text = b"first\n".to_vec();
        text.extend(vec![b'x'; 3 * MAX_RECORD]);
        text.extend(b"\nlast");
        let mut window = window(&text);
        let end = window.line_end().unwrap().unwrap();
        assert_eq!(&window.bytes()[..end], b"first");
        window.advance(end + 1, 1);
        assert_eq!(window.line_end().unwrap(), None);
        window.skip_line().unwrap();
        assert_eq!((window.line, window.offset), (3, text.len() as u64 - 4));
        let end = window.line_end().unwrap().unwrap();
        assert_eq!(&window.bytes()[..end], b"last");
        window.advance(end + 1, 1);
        assert!(window.is_done().unwrap());
        assert!(window.buffer.len() <= 2 * MAX_RECORD);
    }

    #[test]
    fn windows_1252_is_read() {
        let mut text = String::new();
        decode_windows_1252(b"caf\xe9 5 \x80", &mut text);
        assert_eq!(text, "café 5 €");
    }
}
