//! Classification of financial instruments (ISO 10962).
//!
//! A category, a group and four attributes, each from the list the standard gives for that group.

use crate::validators::digits::compact;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        n.len() == 6
            && GROUPS.iter().any(|(category, groups, attributes)| {
                n[0] == *category
                    && groups.as_bytes().contains(&n[1])
                    && attributes.iter().zip(&n[2..]).all(|(a, b)| *b == b'X' || a.as_bytes().contains(b))
            })
    })
}

/// Category, groups and the letters of each attribute; `X` (not applicable) is always allowed.
#[rustfmt::skip]
const GROUPS: &[(u8, &str, [&str; 4])] = &[
    (b'E', "S", ["VNRE", "TU", "FOP", "BRNM"]),
    (b'E', "P", ["VNRE", "RETGACN", "FCPQANU", "BRNM"]),
    (b'E', "C", ["VNRE", "TU", "FOP", "BRNM"]),
    (b'E', "F", ["VNRE", "RETGACN", "FCPQANU", "BRNM"]),
    (b'E', "L", ["VNRE", "TU", "FOP", "BRNM"]),
    (b'E', "D", ["SPCFLM", "RNBDX", "FCPQANUD", "BRNM"]),
    (b'E', "Y", ["ABCDEM", "DYM", "FVEM", "BSDGTCINM"]),
    (b'E', "M", ["", "", "", "BRNM"]),
    (b'D', "BCTY", ["FZVCK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"]),
    (b'D', "W", ["FZVCK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"]),
    (b'D', "N", ["FZVCK", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"]),
    (b'D', "S", ["ABCDM", "FDVYM", "FVM", "BSDTCIM"]),
    (b'D', "E", ["ABCDEM", "FDVYM", "RSCTM", "BSDTCIM"]),
    (b'D', "G", ["FZV", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"]),
    (b'D', "A", ["FZV", "TGSUPNOQJC", "FGCDABTLPQRE", "BRNM"]),
    (b'D', "D", ["BCDM", "FZVCY", "FGCDABTLPQRE", "BRNM"]),
    (b'D', "M", ["BPM", "", "", "BRNM"]),
    (b'C', "IB", ["COM", "IGJ", "REBVLCDFKM", "SQUY"]),
    (b'C', "H", ["DRSENAM", "", "", ""]),
    (b'C', "E", ["COM", "IGJ", "REBCDFVLKM", "SUQY"]),
    (b'C', "S", ["COM", "BGLM", "RBM", "SU"]),
    (b'C', "F", ["COM", "IGJ", "IHBEPM", "SQUY"]),
    (b'C', "P", ["COM", "IGJ", "RBM", "SQUY"]),
    (b'C', "M", ["", "", "", "SQUY"]),
    (b'R', "ASP", ["SPCFBIMALNRD", "", "", "BRNM"]),
    (b'R', "W", ["BSDTCIM", "TNC", "CPB", "AEBM"]),
    (b'R', "F", ["BSDTCIM", "TNMC", "CPBM", "AEBM"]),
    (b'R', "D", ["ASPWM", "", "", "BRNM"]),
    (b'R', "M", ["", "", "", ""]),
    (b'O', "CP", ["AEB", "BSDTCIOFWNM", "PCNE", "SN"]),
    (b'O', "M", ["", "", "", ""]),
    (b'F', "F", ["BSDCIOFWNVM", "PCN", "SN", ""]),
    (b'F', "C", ["EASNPHM", "PCN", "SN", ""]),
    (b'S', "R", ["ACDGHZM", "CIDY", "SC", "DNAP"]),
    (b'S', "T", ["JKANGSTIQM", "PDVLTCM", "", "CPEA"]),
    (b'S', "E", ["SIBM", "PDVLTCM", "", "CPEA"]),
    (b'S', "C", ["UVIBM", "CTM", "CSL", "CPA"]),
    (b'S', "F", ["ACM", "", "", "PNC"]),
    (b'S', "M", ["PM", "", "", "CP"]),
    (b'H', "R", ["ACDGHORFM", "ABCDEFGHI", "VADBGLPM", "CPEAND"]),
    (b'H', "T", ["JKANGSTIQORFWM", "ABCDEFGHI", "VADBGLPM", "CPEAND"]),
    (b'H', "E", ["SIBORFM", "ABCDEFGHI", "VADBGLPM", "CPEAND"]),
    (b'H', "C", ["UVIWM", "ABCDEFGHI", "VADBGLPM", "CPEAND"]),
    (b'H', "F", ["RFTVM", "ABCDEFGHI", "VADBGLPM", "CPEAND"]),
    (b'H', "M", ["PMN", "ABCDEFGHI", "VADBGLPM", "CPEANDM"]),
    (b'I', "F", ["", "", "", "P"]),
    (b'I', "T", ["AJKNPSTM", "", "", "CPU"]),
    (b'J', "E", ["SIBCF", "", "CSF", "CP"]),
    (b'J', "F", ["TROF", "", "CSF", "CPDN"]),
    (b'J', "C", ["AIBCDGHM", "", "CSF", "CP"]),
    (b'J', "R", ["IM", "", "CSF", "CP"]),
    (b'J', "T", ["ABCGIJKNPSTHM", "", "CF", "CP"]),
    (b'K', "RTECFYM", ["", "", "", ""]),
    (b'L', "L", ["ABJKNPSTM", "", "", "CPU"]),
    (b'L', "R", ["GSC", "NOTF", "", "DHTFP"]),
    (b'L', "S", ["CGPTELDWKM", "NOT", "", "DFHTP"]),
    (b'T', "C", ["NLCM", "", "", ""]),
    (b'T', "T", ["EAISNPHM", "", "", ""]),
    (b'T', "R", ["NVFRM", "DWNQSAM", "", ""]),
    (b'T', "I", ["EDFRM", "PCFM", "PNGM", ""]),
    (b'T', "B", ["EDFIMC", "", "", ""]),
    (b'T', "D", ["SPCFLKM", "", "", ""]),
    (b'T', "M", ["", "", "", ""]),
    (b'M', "C", ["SBHAWUM", "TU", "", "BRNM"]),
    (b'M', "M", ["RIETNPSM", "", "", ""]),
];
