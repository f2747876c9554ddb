//! Fills templates with names, addresses and dates, and makes text without any.

use crate::templates::{PLAIN, TEMPLATES};
use lineward_classifiers::ner::Entity;
use lineward_classifiers::ner::train::{Random, Sentence};

const GIVEN: &str = include_str!("../../src/ner/words/given.txt");
const SURNAMES: &str = include_str!("../../src/ner/words/surnames.txt");
const PLACES: &str = include_str!("../../src/ner/words/places.txt");
const COUNTRIES: &str = include_str!("../../src/ner/words/countries.txt");
const NATIONALITIES: &str = include_str!("../../src/ner/words/nationalities.txt");
const ENGLISH: &str = include_str!("../../src/ner/words/english.txt");
const MEDICAL: &str = include_str!("../../src/ner/words/medical.txt");
const ORGANISATIONS: &str = include_str!("../../src/ner/words/organisations.txt");

const STATES: [&str; 24] = [
    "AL", "AZ", "CA", "CO", "CT", "FL", "GA", "IL", "IN", "KS", "MA", "MD", "MI", "MN", "MO", "NC", "NJ", "NY", "OH",
    "OR", "PA", "TX", "VA", "WA",
];
const STREET_ENDS: [&str; 26] = [
    "Street",
    "St",
    "St.",
    "Avenue",
    "Ave",
    "Ave.",
    "Road",
    "Rd",
    "Lane",
    "Ln",
    "Drive",
    "Dr",
    "Court",
    "Ct",
    "Place",
    "Way",
    "Boulevard",
    "Blvd",
    "Terrace",
    "Circle",
    "Parkway",
    "Highway",
    "Hwy",
    "Square",
    "Close",
    "Crescent",
];
const STREET_STARTS: [&str; 22] = [
    "Rue de",
    "rue",
    "Rue du",
    "Avenue",
    "Boulevard",
    "Via",
    "Viale",
    "Calle",
    "C/",
    "Avenida",
    "Rua",
    "Travessa",
    "ul.",
    "Ulica",
    "Paseo de",
    "Camino de",
    "Piazza",
    "Corso",
    "Largo",
    "Plaza",
    "Chemin de",
    "Carrer de",
];
const STREET_TAILS: [&str; 22] = [
    "straße", "strasse", "str.", "weg", "gasse", "platz", "allee", "ring", "gatan", "vägen", "vej", "gade", "veien",
    "bakken", "laan", "straat", "plein", "kade", "katu", "tie", "haugen", "damm",
];
const STREET_APART: [&str; 6] = ["utca", "u.", "út", "tér", "tn", "iela"];
const TITLES: [&str; 12] = ["Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "Mr", "Mrs", "Ms", "Dr", "Miss", "Herr", "Frau"];
const JOBS: [&str; 24] = [
    "accountant",
    "nurse",
    "software developer",
    "project manager",
    "dental assistant",
    "night porter",
    "claims handler",
    "sales lead",
    "senior engineer",
    "bus driver",
    "tax inspector",
    "physiotherapist",
    "head of research",
    "warehouse clerk",
    "legal secretary",
    "art teacher",
    "Site Manager",
    "Chief Nurse",
    "Account executive",
    "Welder",
    "Crane operator",
    "Payroll clerk",
    "Data engineer",
    "Pastry cook",
];
const BRANDS: [&str; 30] = [
    "Microsoft",
    "Google",
    "Amazon",
    "Siemens",
    "Toyota",
    "Samsung",
    "Nestlé",
    "Volvo",
    "Nokia",
    "Pfizer",
    "Unilever",
    "Boeing",
    "Oracle",
    "Intel",
    "Spotify",
    "Netflix",
    "Ikea",
    "Shell",
    "Barclays",
    "Deloitte",
    "KPMG",
    "IBM",
    "BMW",
    "UBS",
    "NATO",
    "UNICEF",
    "Airbus",
    "Lufthansa",
    "Starbucks",
    "Walmart",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Makes sentences, the same ones for the same seed.
pub struct Filler {
    random: Random,
    given: Vec<String>,
    surnames: Vec<String>,
    places: Vec<String>,
    countries: Vec<String>,
    nationalities: Vec<String>,
    english: Vec<&'static str>,
    suffixes: Vec<&'static str>,
    nouns: Vec<&'static str>,
    facilities: Vec<&'static str>,
}

impl Filler {
    /// A filler with its seed.
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            given: names(GIVEN),
            surnames: names(SURNAMES),
            places: names(PLACES),
            countries: names(COUNTRIES),
            nationalities: names(NATIONALITIES),
            english: words(ENGLISH).chain(words(MEDICAL)).collect(),
            suffixes: section("suffix"),
            nouns: section("noun"),
            facilities: section("facility"),
        }
    }

    /// The next sentence, from the templates for the test or from the others.
    pub fn sentence(&mut self, test: bool) -> Sentence {
        let mut sentence = match self.random.below(20) {
            0..=10 => self.templated(TEMPLATES, test),
            11..=13 => self.templated(PLAIN, test),
            14 => self.loose(),
            15 | 16 => self.block(),
            17 => self.prose(),
            18 => self.heading(),
            _ => self.code(),
        };
        // Offsets must survive, so only letters that keep their length change case.
        match self.random.below(40) {
            0 | 1 => sentence.text = recase(&sentence.text, char::to_ascii_lowercase),
            2 => sentence.text = recase(&sentence.text, char::to_ascii_uppercase),
            _ => {}
        }
        sentence
    }

    fn templated(&mut self, templates: &[&str], test: bool) -> Sentence {
        loop {
            let n = self.random.below(templates.len());
            if n.is_multiple_of(8) == test {
                return self.fill(templates[n]);
            }
        }
    }

    fn fill(&mut self, template: &str) -> Sentence {
        let mut out = Sentence::default();
        let mut rest = template;
        while let Some(at) = rest.find('{') {
            out.text.push_str(&rest[..at]);
            let behind = &rest[at + 1..];
            let name_end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
            if name_end == 0 || !behind[name_end..].starts_with('}') {
                // A brace of the sentence itself.
                out.text.push('{');
                rest = behind;
                continue;
            }
            rest = &behind[name_end + 1..];
            let (text, entity) = self.slot(&behind[..name_end]);
            push(&mut out, &text, entity);
        }
        out.text.push_str(rest);
        out
    }

    fn slot(&mut self, name: &str) -> (String, Option<Entity>) {
        match name {
            "per" if self.random.once_in(40) => (self.person().to_lowercase(), Some(Entity::Person)),
            "per" => (self.person(), Some(Entity::Person)),
            "first" => (self.first(), Some(Entity::Person)),
            "last" => (self.last(), Some(Entity::Person)),
            "lastfirst" => (format!("{}, {}", self.last(), self.first()), Some(Entity::Person)),
            "loc" => (self.place(), Some(Entity::Location)),
            "city" => (self.town(), Some(Entity::Location)),
            "country" => (self.country(), Some(Entity::Location)),
            "org" => (self.organisation(), Some(Entity::Organization)),
            "fac" => (self.facility(), Some(Entity::Facility)),
            "addr" => (self.address(), Some(Entity::Address)),
            "street" => (self.street(), Some(Entity::Address)),
            "date" => (self.date(), Some(Entity::DateTime)),
            "title" => (pick(&mut self.random, &TITLES), None),
            "job" => (pick(&mut self.random, &JOBS), None),
            "nat" => (pick(&mut self.random, &self.nationalities), None),
            "w" => (self.plain_word(), None),
            "W" if self.random.once_in(8) => (self.term(), None),
            "W" => (capital(&pick(&mut self.random, &self.english)), None),
            "lastword" => (self.last(), None),
            "placeword" => (self.town(), None),
            "phone" => (self.phone(), None),
            "mail" => (self.mail(), None),
            "id" => (self.identifier(), None),
            "n" => (self.number(4), None),
            other => panic!("no slot is named {other}"),
        }
    }

    fn person(&mut self) -> String {
        let (first, last) = (self.first(), self.last());
        let initial = char::from(b'A' + self.random.below(26) as u8);
        match self.random.below(32) {
            0..=15 => format!("{first} {last}"),
            16..=20 => first,
            21 | 22 => last,
            23 => format!("{first} {initial}. {last}"),
            24 => format!("{first} {initial} {last}"),
            25 => format!("{first} {last}-{}", self.last()),
            26 => format!("{initial}. {last}"),
            27 | 28 => format!("{first} {initial}."),
            29 => format!(
                "{first} {} {last}",
                pick(&mut self.random, &["van", "de", "von", "van der", "da", "de la", "el", "bin", "di"])
            ),
            30 => format!("{first} {} {last}", self.first()),
            _ => format!("{first} {last} {}", pick(&mut self.random, &["Jr.", "Sr.", "III", "II", "Jr"])),
        }
    }

    fn first(&mut self) -> String {
        match self.random.below(14) {
            0 => self.invented(&["a", "o", "in", "ia", "el", "ah", "is", "ene", "to", "ley", "ko", "ika"]),
            1 => format!("{}-{}", pick(&mut self.random, &self.given), pick(&mut self.random, &self.given)),
            _ => pick(&mut self.random, &self.given),
        }
    }

    fn last(&mut self) -> String {
        match self.random.below(6) {
            0 => self.invented(&[
                "sen", "son", "ov", "ova", "ski", "ska", "ez", "man", "berg", "ini", "elli", "ic", "ák", "ová",
                "strøm", "ell", "dóttir", "wood", "ley", "ner", "ard", "eau", "nen", "ura", "moto", "oglu", "yan",
                "adze", "escu", "opoulos", "ham",
            ]),
            _ => pick(&mut self.random, &self.surnames),
        }
    }

    /// A word that looks like a name and is in no list.
    fn invented(&mut self, endings: &[&str]) -> String {
        let starts = [
            "b", "br", "c", "d", "dr", "f", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "pr", "r", "s", "sch",
            "st", "t", "tr", "v", "w", "z", "th", "sh", "", "",
        ];
        let middles = ["a", "e", "i", "o", "u", "ei", "au", "ö", "å", "ie", "ou", "y"];
        let links = ["l", "n", "r", "m", "nd", "rt", "ll", "k", "v", "s", "st", "g", "th", "ndr", "lb", "ch"];
        let mut word = String::new();
        for _ in 0..=self.random.below(2) {
            word.push_str(&pick(&mut self.random, &starts));
            word.push_str(&pick(&mut self.random, &middles));
        }
        word.push_str(&pick(&mut self.random, &links));
        word.push_str(&pick(&mut self.random, endings));
        capital(&word)
    }

    fn town(&mut self) -> String {
        match self.random.below(4) {
            0 => {
                let tails = [
                    "ville", "burg", "ton", "heim", "by", "ów", "ford", "field", "haven", "stad", "port", "dorf", "sk",
                    "ice", "vik", "ano", "inho",
                ];
                self.invented(&tails)
            }
            1 if self.random.once_in(3) => {
                let start = pick(
                    &mut self.random,
                    &[
                        "San", "Santa", "Saint", "Port", "Lake", "New", "North", "El", "La", "Bad", "Villa", "Nova",
                        "East",
                    ],
                );
                format!("{start} {}", self.invented(&["a", "o", "ton", "ville", "es", "", "ia"]))
            }
            _ => pick(&mut self.random, &self.places),
        }
    }

    fn country(&mut self) -> String {
        pick(&mut self.random, &self.countries)
    }

    fn place(&mut self) -> String {
        match self.random.below(8) {
            0..=3 => self.town(),
            4 | 5 => self.country(),
            6 => format!("{}, {}", self.town(), pick(&mut self.random, &STATES)),
            _ => format!("{}, {}", self.town(), self.country()),
        }
    }

    fn organisation(&mut self) -> String {
        let suffix = self.suffix();
        let noun = capital(&pick(&mut self.random, &self.nouns));
        match self.random.below(18) {
            0 => format!("{} {suffix}", self.last()),
            1 => format!("{}, {} and {}", self.last(), self.last(), self.last()),
            2 => format!("{}-{}", self.last(), self.last()),
            3 => format!(
                "{} & {}",
                self.last(),
                pick(&mut self.random, &["Sons", "Co", "Company", "Partners", "Associates", "Daughters"])
            ),
            4 => format!("{} {noun}", self.last()),
            5 => format!("{} {noun}", self.english_name()),
            6 => format!("{} {noun} {suffix}", self.english_name()),
            7 => format!("{} {} {noun}", self.english_name(), self.english_name()),
            8 | 9 => self.coined(),
            10 => format!("{} {suffix}", self.coined()),
            11 => (0..2 + self.random.below(4)).map(|_| char::from(b'A' + self.random.below(26) as u8)).collect(),
            12 => format!("University of {}", self.town()),
            13 => format!(
                "{} {}",
                self.town(),
                pick(
                    &mut self.random,
                    &[
                        "University",
                        "Bank",
                        "City Council",
                        "Police Department",
                        "Times",
                        "United",
                        "Institute of Technology",
                        "Airport"
                    ]
                )
            ),
            14 | 15 => pick(&mut self.random, &BRANDS),
            16 => format!("{} {}", self.coined(), noun),
            _ => self.facility(),
        }
    }

    fn suffix(&mut self) -> String {
        let suffix = pick(&mut self.random, &self.suffixes);
        let text = if suffix.len() < 4 && self.random.once_in(3) { suffix.to_uppercase() } else { capital(&suffix) };
        if self.random.once_in(4) { format!("{text}.") } else { text }
    }

    /// A name of a firm that is one coined word.
    fn coined(&mut self) -> String {
        if self.random.once_in(3) {
            let (a, b) = (self.english_name(), self.english_name());
            return if self.random.once_in(2) { format!("{a}{}", b.to_lowercase()) } else { format!("{a}{b}") };
        }
        self.invented(&[
            "ix", "ia", "ify", "soft", "tech", "data", "on", "ora", "ex", "io", "net", "corp", "is", "us", "labs",
        ])
    }

    fn english_name(&mut self) -> String {
        loop {
            let word = pick(&mut self.random, &self.english);
            if word.len() > 3 && word.bytes().all(|b| b.is_ascii_lowercase()) {
                return capital(&word);
            }
        }
    }

    fn facility(&mut self) -> String {
        let kind = capital(&pick(&mut self.random, &self.facilities));
        match self.random.below(8) {
            0 | 1 => format!("{} {kind}", self.town()),
            2 => format!("St. {}'s {kind}", self.first()),
            3 => format!("{} General {kind}", self.town()),
            4 => format!("{} Memorial {kind}", self.last()),
            5 => format!("{} Medical Center", self.last()),
            6 => format!("{} {kind}", self.english_name()),
            _ => format!("{} Children's {kind}", self.town()),
        }
    }

    fn number(&mut self, digits: usize) -> String {
        let count = 1 + self.random.below(digits);
        (1 + self.random.below(10usize.pow(count as u32))).to_string()
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.random.below(10) as u8)).collect()
    }

    fn street(&mut self) -> String {
        let number = self.number(4);
        let name = match self.random.below(4) {
            0 => self.english_name(),
            1 => format!("{} {}", self.first(), self.last()),
            2 => self.town(),
            _ => self.last(),
        };
        match self.random.below(16) {
            0..=4 => format!("{number} {name} {}", pick(&mut self.random, &STREET_ENDS)),
            5 => format!(
                "{number} {} {name} {}",
                pick(&mut self.random, &["N", "S", "E", "W", "N.", "North", "West"]),
                pick(&mut self.random, &STREET_ENDS)
            ),
            6 | 7 => format!("{} {name} {number}", pick(&mut self.random, &STREET_STARTS)),
            8 => format!("{number} {} {name}", pick(&mut self.random, &STREET_STARTS)),
            9 | 10 => format!("{}{} {number}", self.last(), pick(&mut self.random, &STREET_TAILS)),
            11 => format!(
                "{name} {} {number}",
                pick(&mut self.random, &["Street", "Straße", "Weg", "Road", "Platz", "plein"])
            ),
            12 => format!("{name} {} {}", pick(&mut self.random, &STREET_APART), number),
            13 => format!("{name} {number}"),
            14 => format!("{} {}", pick(&mut self.random, &["P.O. Box", "PO Box", "Postfach", "Box"]), number),
            _ => format!("{number} {name}"),
        }
    }

    fn address(&mut self) -> String {
        if self.random.once_in(14) {
            let region = pick(&mut self.random, &["AE", "AP", "AA"]);
            let zip = self.digits(5);
            let break_ = pick(&mut self.random, &["\n", ", ", " "]);
            return match self.random.below(3) {
                0 => format!("PSC {}, Box {}{break_}APO {region} {zip}", self.number(4), self.number(4)),
                1 => format!("Unit {} Box {}{break_}DPO {region} {zip}", self.number(4), self.number(4)),
                _ => format!(
                    "{} {}{break_}FPO {region} {zip}",
                    pick(&mut self.random, &["USS", "USNS", "USCGC"]),
                    self.last()
                ),
            };
        }
        let mut parts = vec![self.street()];
        if self.random.once_in(3) {
            let unit = pick(&mut self.random, &["Apt.", "Suite", "Apt", "Unit", "Floor", "Flat", "#", "Room"]);
            parts.push(format!("{unit} {}", self.number(3)));
        }
        let town = if self.random.once_in(6) { self.town().to_uppercase() } else { self.town() };
        match self.random.below(9) {
            0 | 1 => parts.push(format!("{town}, {} {}", pick(&mut self.random, &STATES), self.digits(5))),
            2 => parts.push(format!("{} {town}", self.digits(5))),
            3 => parts.push(format!("{town} {}", self.digits(5))),
            4 | 5 => {
                parts.push(town);
                parts.push(format!("{} {}", self.country(), self.digits(5)));
            }
            6 => {
                parts.push(town);
                parts.push(self.digits(5));
            }
            7 => parts.push(town),
            _ => {}
        }
        if self.random.once_in(5) {
            parts.push(self.country());
        }
        let joint = pick(&mut self.random, &[", ", ", ", "\n", "\n ", "\n\n", " ", ",\n", ",\n  "]);
        parts.join(&joint)
    }

    fn date(&mut self) -> String {
        let (year, month, day) = (1930 + self.random.below(100), 1 + self.random.below(12), 1 + self.random.below(28));
        let name = MONTHS[month - 1];
        let (hour, minute, second) = (self.random.below(24), self.random.below(60), self.random.below(60));
        match self.random.below(12) {
            0 => format!("{month}/{day}/{year}"),
            1 => format!("{day:02}.{month:02}.{year}"),
            2 => format!("{year}-{month:02}-{day:02}"),
            3 => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            4 => format!("{name} {day}, {year}"),
            5 => format!("{day} {name} {year}"),
            6 => format!("{} {day}", &name[..3]),
            7 => format!("{name} {day}th"),
            8 => format!("{}, {name} {day}", pick(&mut self.random, &DAYS)),
            9 | 10 => pick(&mut self.random, &DAYS),
            _ => format!("{month:02}/{day:02}/{:02}", year % 100),
        }
    }

    fn phone(&mut self) -> String {
        let d = |n: usize, s: &mut Self| s.digits(n);
        match self.random.below(6) {
            0 => format!("({}) {}-{}", d(3, self), d(3, self), d(4, self)),
            1 => format!("{}-{}-{}", d(3, self), d(3, self), d(4, self)),
            2 => format!("+{} {} {}", d(2, self), d(3, self), d(6, self)),
            3 => format!("0{} {} {}", d(3, self), d(3, self), d(3, self)),
            4 => format!("{}.{}.{}", d(3, self), d(3, self), d(4, self)),
            _ => d(9, self),
        }
    }

    fn mail(&mut self) -> String {
        let (first, last) = (self.first().to_lowercase(), self.last().to_lowercase());
        let host = self.coined().to_lowercase();
        let end = pick(&mut self.random, &["com", "net", "org", "de", "co.uk", "io"]);
        match self.random.below(4) {
            0 => format!("{first}.{last}@{host}.{end}"),
            1 => format!("{first}{last}@{host}.{end}"),
            2 => format!("https://www.{host}.{end}/"),
            _ => format!("www.{host}.{end}"),
        }
    }

    fn identifier(&mut self) -> String {
        match self.random.below(6) {
            0 => self.digits(16),
            1 => format!("{}-{}-{}", self.digits(3), self.digits(2), self.digits(4)),
            2 => format!("{}{}", pick(&mut self.random, &["AB", "MRN", "X", "INV-", "DE", "#", "PO-"]), self.digits(7)),
            3 => format!("{} {} {} {}", self.digits(4), self.digits(4), self.digits(4), self.digits(4)),
            4 => self.digits(6),
            _ => format!("{}.{}.{}", self.number(2), self.number(2), self.number(3)),
        }
    }

    fn clause(&mut self, count: usize) -> String {
        (0..count).map(|_| self.plain_word()).collect::<Vec<_>>().join(" ")
    }

    /// A word that names nobody: mostly a common one, now and then an abbreviation, a technical term or a number.
    fn plain_word(&mut self) -> String {
        match self.random.below(60) {
            0 => (0..2 + self.random.below(4)).map(|_| char::from(b'A' + self.random.below(26) as u8)).collect(),
            8 => words(MEDICAL).nth(self.random.below(500)).unwrap_or("mri").to_uppercase(),
            1 | 2 => self.term().to_lowercase(),
            3 => self.term(),
            4 | 5 => self.number(5),
            6 => capital(&pick(&mut self.random, &self.english)),
            7 => pick(&mut self.random, &self.nationalities).clone(),
            _ => pick(&mut self.random, &self.english),
        }
    }

    /// A coined term of medicine or technology.
    fn term(&mut self) -> String {
        self.invented(&[
            "itis", "osis", "emia", "ine", "ol", "pril", "ology", "ectomy", "pathy", "algia", "ium", "ase", "statin",
            "mycin", "azole", "ing", "ization", "ative", "ism", "able", "ware", "ful", "less", "ness", "ment", "ally",
            "tions", "ers",
        ])
    }

    /// Names between words that have nothing to do with them, behind the little words names often follow.
    fn loose(&mut self) -> Sentence {
        let mut out = Sentence::default();
        let start = 1 + self.random.below(5);
        out.text = capital(&self.clause(start));
        for _ in 0..1 + self.random.below(2) {
            let cues = [
                ("with", "per"),
                ("by", "per"),
                ("and", "per"),
                ("told", "per"),
                ("to", "per"),
                ("of", "per"),
                ("for", "per"),
                ("from", "per"),
                ("that", "per"),
                ("when", "per"),
                ("in", "loc"),
                ("from", "loc"),
                ("to", "loc"),
                ("near", "loc"),
                ("at", "org"),
                ("for", "org"),
                ("by", "org"),
                ("of", "org"),
                ("the", "org"),
                ("at", "addr"),
                ("on", "date"),
                ("since", "date"),
                ("at", "fac"),
                ("said", "per"),
                ("like", "per"),
                ("about", "per"),
                ("because", "per"),
                ("into", "loc"),
                ("with", "org"),
                ("on", "street"),
            ];
            let (cue, slot) = cues[self.random.below(cues.len())];
            out.text.push(' ');
            out.text.push_str(cue);
            out.text.push(' ');
            let (text, entity) = self.slot(slot);
            push(&mut out, &text, entity);
            if slot == "per" && self.random.once_in(6) {
                out.text.push_str("'s");
            }
            if self.random.once_in(4) {
                out.text.push_str(&pick(&mut self.random, &[",", ".", ";", " -", "?"]));
            }
            out.text.push(' ');
            let rest = 1 + self.random.below(5);
            out.text.push_str(&self.clause(rest));
        }
        out.text.push_str(&pick(&mut self.random, &[".", "?", "!", ""]));
        out
    }

    /// Lines of an address book, a signature or an envelope.
    fn block(&mut self) -> Sentence {
        let mut out = Sentence::default();
        let lead = pick(&mut self.random, &["", "", "", "> ", "- ", "* ", " ", "| "]);
        let mut lines = vec!["per"];
        for (line, odds) in [("job", 3), ("org", 2), ("addr", 1), ("country", 6), ("phone", 2), ("mail", 2)] {
            if self.random.once_in(odds) {
                lines.push(line);
            }
        }
        if self.random.once_in(6) {
            lines.remove(0);
        }
        for line in lines {
            out.text.push_str(&lead);
            let (text, entity) = self.slot(line);
            push(&mut out, &text.replace('\n', &format!("\n{lead}")), entity);
            out.text.push('\n');
        }
        out
    }

    /// Sentences without a name.
    fn prose(&mut self) -> Sentence {
        let mut text = String::new();
        for _ in 0..1 + self.random.below(3) {
            let count = 3 + self.random.below(12);
            text.push_str(&capital(&self.clause(count)));
            if self.random.once_in(3) {
                let nationality = pick(&mut self.random, &self.nationalities);
                text.push_str(&format!(" {nationality} {}", self.clause(2)));
            }
            if self.random.once_in(3) {
                text.push_str(&format!(" {} {}", self.number(4), self.clause(1)));
            }
            text.push_str(&pick(&mut self.random, &[". ", "? ", "! ", ".\n", "; "]));
        }
        Sentence { text, spans: Vec::new() }
    }

    /// A title, a heading or a row of labels, with capitals and without names.
    fn heading(&mut self) -> Sentence {
        let count = 1 + self.random.below(7);
        let upper = self.random.once_in(4);
        let words: Vec<String> = (0..count)
            .map(|_| {
                let word = if self.random.once_in(12) { self.term() } else { pick(&mut self.random, &self.english) };
                if upper { word.to_uppercase() } else { capital(&word) }
            })
            .collect();
        let joint = pick(&mut self.random, &[" ", " ", " ", ", ", " - ", ": ", "\n", " | ", " & ", " of "]);
        let mut text = words.join(&joint);
        if self.random.once_in(3) {
            text.push_str(&format!(" {}", self.number(4)));
        }
        Sentence { text, spans: Vec::new() }
    }

    /// Fields of a record with values that name nobody.
    fn fields(&mut self, between: &str, after: &str) -> String {
        let mut text = String::new();
        for _ in 0..1 + self.random.below(6) {
            let mut key = pick(&mut self.random, &self.english);
            if self.random.once_in(3) {
                key = format!("{key}_{}", pick(&mut self.random, &self.english));
            }
            if self.random.once_in(3) {
                key = key.to_uppercase();
            }
            text.push_str(&format!("{key}{between}{}{after}", self.opaque()));
        }
        text
    }

    /// A value that a program made: numbers, codes, hashes.
    fn opaque(&mut self) -> String {
        const HEX: &[u8] = b"0123456789abcdef";
        const ANY: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#$%&*()_+@";
        let (alphabet, count) = match self.random.below(5) {
            0 => (HEX, 8 + self.random.below(32)),
            1 => (ANY, 6 + self.random.below(14)),
            2 => return self.identifier(),
            3 => return format!("{}.{}", self.number(4), self.number(4)),
            _ => {
                return format!(
                    "{}-{}-{}",
                    self.digits(3),
                    pick(&mut self.random, &["AB", "K7", "X", "22"]),
                    self.digits(4)
                );
            }
        };
        (0..count).map(|_| char::from(alphabet[self.random.below(alphabet.len())])).collect()
    }

    /// Lines of programs, logs and tables, which are full of coined words that name nobody.
    fn code(&mut self) -> Sentence {
        let camel = |s: &mut Self| format!("{}{}", s.english_name(), s.english_name());
        let (a, b, c) = (camel(self), camel(self), self.english_name().to_lowercase());
        let n = self.number(5);
        let text = match self.random.below(18) {
            12..=14 => self.fields("=", " "),
            15 => self.fields(": ", "\n"),
            16 => self.fields("\": \"", "\", \""),
            17 => (0..2 + self.random.below(5)).map(|_| self.opaque()).collect::<Vec<_>>().join(","),
            0 => format!("let {c} = {a}::new({n});"),
            1 => format!(
                "{:02}:{:02}:{:02} INFO {a}: {b} {c} {n}",
                self.random.below(24),
                self.random.below(60),
                self.random.below(60)
            ),
            2 => format!("org.{c}.{a}.{b}({a}.java:{n})"),
            3 => format!("import {{ {a}, {b} }} from \"{c}\";"),
            4 => format!("<{c} class=\"{a}\">{n}</{c}>"),
            5 => format!("public class {a} extends {b} {{"),
            6 => format!("{c}_{n}={a} {b}"),
            7 => format!("| {n} | {c} | {} |", self.number(3)),
            8 => format!("kernel: {c}[{n}]: {a} 0x{n} {c}"),
            9 => format!("{n} {c} {} {c} {}", self.number(3), self.number(2)),
            10 => format!("if ({c}.{a} == null) throw new {b}();"),
            _ => format!("[{n}] {a}.{c}: {c} {}", self.identifier()),
        };
        Sentence { text, spans: Vec::new() }
    }
}

fn push(out: &mut Sentence, text: &str, entity: Option<Entity>) {
    let start = out.text.len();
    out.text.push_str(text);
    if let Some(entity) = entity {
        out.spans.push((start, out.text.len(), entity));
    }
}

fn pick<T: ToString>(random: &mut Random, list: &[T]) -> String {
    list[random.below(list.len())].to_string()
}

fn words(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|l| !l.starts_with('#') && !l.starts_with('=')).flat_map(str::split_whitespace)
}

/// Names as they are written: capitals, blanks for underscores.
fn names(list: &'static str) -> Vec<String> {
    words(list).map(|w| w.split('_').map(name_case).collect::<Vec<_>>().join(" ")).collect()
}

fn name_case(word: &str) -> String {
    match word {
        "of" | "and" | "the" => word.to_owned(),
        "usa" | "uk" | "uae" => word.to_uppercase(),
        _ => word.split('-').map(capital).collect::<Vec<_>>().join("-"),
    }
}

fn section(name: &str) -> Vec<&'static str> {
    let from = ORGANISATIONS.find(&format!("= {name}\n")).map_or(0, |n| n + name.len() + 3);
    let to = ORGANISATIONS[from..].find("\n=").map_or(ORGANISATIONS.len(), |n| from + n);
    ORGANISATIONS[from..to].split_whitespace().collect()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

fn recase(text: &str, to: impl Fn(&char) -> char) -> String {
    text.chars().map(|c| to(&c)).collect()
}
