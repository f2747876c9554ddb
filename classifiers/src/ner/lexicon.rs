//! Word lists of the tagger: which words are given names, family names, places, parts of organisations' names, or common
//! English words.
//!
//! The lists are files in `words/`, written for this project from general knowledge. They say what a word can be, never
//! what it is: `May`, `Rose` and `Jordan` stand in several. The lexicon keeps hashes only and is built once.

/// What a word can be, as bits.
pub(super) mod kind {
    pub(in crate::ner) const GIVEN: u32 = 1;
    pub(in crate::ner) const SURNAME: u32 = 1 << 1;
    pub(in crate::ner) const PLACE: u32 = 1 << 2;
    /// Part of a place's name of several words.
    pub(in crate::ner) const PLACE_PART: u32 = 1 << 3;
    pub(in crate::ner) const COUNTRY: u32 = 1 << 4;
    pub(in crate::ner) const NATIONALITY: u32 = 1 << 5;
    pub(in crate::ner) const ORG_SUFFIX: u32 = 1 << 6;
    pub(in crate::ner) const ORG_NOUN: u32 = 1 << 7;
    pub(in crate::ner) const FACILITY: u32 = 1 << 8;
    pub(in crate::ner) const ENGLISH: u32 = 1 << 9;
    pub(in crate::ner) const STREET: u32 = 1 << 10;
    pub(in crate::ner) const TITLE: u32 = 1 << 11;
    pub(in crate::ner) const MONTH: u32 = 1 << 12;
    pub(in crate::ner) const UNIT: u32 = 1 << 13;
    pub(in crate::ner) const STATE: u32 = 1 << 14;
    /// Particles inside family names: `van`, `de`.
    pub(in crate::ner) const PARTICLE: u32 = 1 << 15;
    pub(in crate::ner) const MEDICAL: u32 = 1 << 16;
    /// Bits that say "a name of something".
    pub(in crate::ner) const NAMES: u32 = GIVEN | SURNAME | PLACE | COUNTRY;
}

/// Street words, before or after the name.
pub(super) const STREETS: &str = "street st avenue ave av road rd boulevard blvd lane ln drive dr court ct place pl square \
    sq terrace way parkway pkwy highway hwy circle cir trail turnpike plaza alley crescent close gardens mews grove row rt \
    route rue chemin allée impasse quai cours via viale piazza corso vicolo calle avenida paseo camino carrer rua travessa \
    praça alameda estrada straße strasse str weg allee platz gasse ring ufer damm laan straat plein gracht kade ulica ul \
    aleja al plac os utca u út tér gatan vägen gata vej veien vei gade katu tie";
const TITLES: &str = "mr mrs ms miss dr prof professor sir madam lady lord rev hon sgt capt lt col maj gen herr frau fr sr \
    sra srta don doña sig dott mme mlle monsieur madame dhr mevr pan pani president senator governor judge justice \
    secretary minister chancellor nurse uncle aunt king queen prince princess pt patient attn";
const MONTHS: &str = "january february march april may june july august september october november december jan feb mar \
    apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat \
    sun januar februar märz mai juni juli oktober dezember janvier février mars avril juin juillet août septembre octobre \
    novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre";
const UNITS: &str = "apt apartment suite ste unit floor room flat box psc building bldg fpo apo dpo piso no p.o po";
const STATES: &str = "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd \
    oh ok or pa ri sc sd tn tx ut vt va wa wv wi wy dc ae aa ap on qc bc ab mb ns nsw vic qld";
const PARTICLES: &str =
    "van von der den de da di do dos das du la le las los del della el al bin ibn zu zum ter ten af y e";

/// Hashes of words with what they can be: open addressing, half empty.
pub(super) struct Lexicon {
    slots: Vec<(u32, u32)>,
    mask: usize,
}

/// Hash of a word, one byte more.
pub(super) fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// Hash of the empty word.
pub(super) const EMPTY: u32 = 0x811c_9dc5;

pub(super) fn hash(word: &str) -> u32 {
    word.bytes().fold(EMPTY, step)
}

impl Lexicon {
    pub(super) fn built_in() -> Self {
        let mut lexicon = Self { slots: vec![(0, 0); 1 << 15], mask: (1 << 15) - 1 };
        for (words, bits) in [
            (include_str!("words/given.txt"), kind::GIVEN),
            (include_str!("words/surnames.txt"), kind::SURNAME),
            (include_str!("words/places.txt"), kind::PLACE),
            (include_str!("words/countries.txt"), kind::COUNTRY),
            (include_str!("words/nationalities.txt"), kind::NATIONALITY),
            (include_str!("words/english.txt"), kind::ENGLISH),
            (include_str!("words/medical.txt"), kind::ENGLISH | kind::MEDICAL),
            (STREETS, kind::STREET),
            (TITLES, kind::TITLE),
            (MONTHS, kind::MONTH),
            (UNITS, kind::UNIT),
            (STATES, kind::STATE),
            (PARTICLES, kind::PARTICLE),
        ] {
            words_of(words).for_each(|word| lexicon.add_name(word, bits));
        }
        let mut section = 0;
        for line in include_str!("words/organisations.txt").lines() {
            match line.trim().strip_prefix("= ") {
                Some("suffix") => section = kind::ORG_SUFFIX,
                Some("noun") => section = kind::ORG_NOUN,
                Some(_) => section = kind::ORG_NOUN | kind::FACILITY,
                None if line.starts_with('#') => {}
                None => line.split_whitespace().for_each(|word| lexicon.add_name(word, section)),
            }
        }
        lexicon
    }

    /// Several words joined by underscores are parts, each of which says less than a name of one word.
    fn add_name(&mut self, name: &str, bits: u32) {
        let part = if bits & (kind::PLACE | kind::COUNTRY) != 0 { kind::PLACE_PART } else { bits };
        let whole = !name.contains('_');
        for word in name.split('_').filter(|w| whole || !matches!(*w, "and" | "of" | "the")) {
            let bits = if whole { bits } else { part };
            self.add(hash(word), bits);
            let folded: String = word.chars().map(fold).collect();
            if folded != word {
                self.add(hash(&folded), bits);
            }
        }
    }

    fn add(&mut self, hash: u32, bits: u32) {
        let mut at = hash as usize & self.mask;
        while self.slots[at].1 != 0 && self.slots[at].0 != hash {
            at = (at + 1) & self.mask;
        }
        self.slots[at] = (hash, self.slots[at].1 | bits);
    }

    /// What the word with this hash can be; 0 where it is not known.
    pub(super) fn get(&self, hash: u32) -> u32 {
        let mut at = hash as usize & self.mask;
        loop {
            match self.slots[at] {
                (_, 0) => return 0,
                (found, bits) if found == hash => return bits,
                _ => at = (at + 1) & self.mask,
            }
        }
    }
}

/// The words of a list, comments left out.
pub(super) fn words_of(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace)
}

/// The letter without its accent, as people write it who do not have it on their keyboard.
fn fold(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ą' | 'ā' => 'a',
        'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' | 'ė' | 'ē' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'ī' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' => 'o',
        'ú' | 'ù' | 'û' | 'ü' | 'ű' | 'ů' | 'ū' => 'u',
        'ç' | 'ć' | 'č' => 'c',
        'ñ' | 'ń' | 'ň' | 'ņ' => 'n',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ź' | 'ž' | 'ż' => 'z',
        'ł' | 'ľ' => 'l',
        'ř' => 'r',
        'ť' | 'ț' => 't',
        'ď' | 'đ' => 'd',
        'ý' => 'y',
        'ğ' => 'g',
        'ı' => 'i',
        other => other,
    }
}
