//! Mutations of seeds: bits, bytes, runs, splices, numbers at their limits, and pieces that formats and rules look for.

/// Pieces that open something, or that rules look for.
const PIECES: [&[u8]; 32] = [
    b"\"",
    b"\\u0040",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\n",
    b"\r\n",
    b"\n\n",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"&#x40;",
    b"%40",
    b"=3D=\n",
    b"://",
    b"@",
    b"-----BEGIN ",
    b"eyJhbGciOi",
    b"AKIA",
    b"4079463617430119",
    b"|---|",
    b"a,b,c\n",
    b"SSN: 536-22-8726",
    b"\xc3\xa9",
    b"\xe2\x80\x8b",
    b"WARC/1.0\r\n",
    b"PAR1",
    b"Dr. Ute Brandt, 12 Elm Road",
    b"H4sIAAAAAAAA",
];
const NUMBERS: [u64; 8] = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX];

/// Makes one input out of a number.
pub struct Mutator(u64);

impl Mutator {
    /// The same name and number give the same input.
    pub fn new(target: &str, number: u64) -> Self {
        let name =
            target.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self(name ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// A mutated seed of at most so many bytes.
    pub fn mutated(mut self, seeds: &[Vec<u8>], bytes_max: usize) -> Vec<u8> {
        let mut out = seeds.get(self.below(seeds.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(8) {
            self.step(&mut out, seeds);
            out.truncate(bytes_max);
        }
        out
    }

    fn step(&mut self, out: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(out.len() + 1);
        let end = (at + self.below(64)).min(out.len());
        match self.below(10) {
            0 => {
                let bit = self.below(8);
                if let Some(byte) = out.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            1 => {
                let new = self.next() as u8;
                if let Some(byte) = out.get_mut(at) {
                    *byte = new;
                }
            }
            2 => drop(out.drain(at..end)),
            3 => out.truncate(at),
            4 => {
                let run = out[at..end].repeat(1 + self.below(200));
                out.splice(at..at, run);
            }
            5 | 6 => {
                let piece = PIECES[self.below(PIECES.len())];
                let times = if self.below(6) == 0 { 1 + self.below(500) } else { 1 };
                out.splice(at..at, piece.repeat(times));
            }
            7 => {
                let number = NUMBERS[self.below(NUMBERS.len())].to_le_bytes();
                let width = [1, 2, 4, 8][self.below(4)];
                for (byte, new) in out.iter_mut().skip(at).zip(&number[..width]) {
                    *byte = *new;
                }
            }
            8 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                let to = (from + self.below(4_096)).min(other.len());
                out.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let bytes: Vec<u8> = (0..self.below(32)).map(|_| self.next() as u8).collect();
                out.splice(at..at, bytes);
            }
        }
    }
}
