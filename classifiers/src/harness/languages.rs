//! Which languages the labels of the rules are written in. Rules are not sorted by language, for a label stands beside those
//! of other languages; so each language is told by a few words that the rules know of it.

use crate::rule::{Rule, Trigger};
use crate::rule_set::RuleSet;
use std::fmt::Write as _;

/// Languages, the countries whose numbers are written among their words, and labels by which a rule is known to read them.
const ALL: [(&str, &str, &[&str]); 31] = [
    ("Arabic", "ae dz eg ma qa sa tn", &["تاريخ", "الهوية", "كلمة", "هاتف"]),
    ("Bulgarian", "bg", &["егн"]),
    ("Chinese", "cn hk tw", &["身份证", "密码", "出生", "电话", "姓名"]),
    ("Croatian, Serbian", "hr me rs", &["oib"]),
    ("Czech, Slovak", "cz sk", &["rodné", "číslo", "heslo"]),
    ("Danish", "dk fo", &["fødselsdato", "adgangskode"]),
    ("Dutch", "be nl", &["geboortedatum", "wachtwoord", "burgerservicenummer", "rekeningnummer"]),
    ("Estonian", "ee", &["isikukood"]),
    ("Finnish", "fi", &["syntymä", "henkilötunnus", "salasana"]),
    ("French", "be ch fr lu sn", &["naissance", "numéro", "téléphone"]),
    ("German", "at ch de li", &["geburtsdatum", "steuer", "anschrift", "ausweis"]),
    ("Greek", "cy gr", &["αφμ"]),
    ("Hebrew", "il", &["תעודת", "סיסמה"]),
    ("Hindi", "in", &["जन्म", "नाम"]),
    ("Hungarian", "hu", &["jelszó", "adószám"]),
    ("Icelandic", "is", &["kennitala"]),
    ("Indonesian, Malay", "id my", &["kata sandi", "nomor", "alamat"]),
    ("Italian", "it sm", &["nascita", "indirizzo", "codice fiscale", "cognome"]),
    ("Japanese", "jp", &["生年月日", "パスワード", "電話", "氏名"]),
    ("Korean", "kr", &["비밀번호", "생년월일", "전화"]),
    ("Norwegian", "no", &["fødselsnummer", "passord"]),
    ("Polish", "pl", &["urodzenia", "hasło"]),
    ("Portuguese", "br pt", &["nascimento", "endereço", "senha", "cartão"]),
    ("Romanian", "md ro", &["parola", "cod numeric"]),
    ("Russian", "by kz ru", &["рождения", "пароль", "инн", "снилс", "телефон"]),
    ("Slovenian", "si", &["emšo", "davčna"]),
    ("Spanish", "ar cl co cr cu do ec es gt mx pe py sv uy ve", &["nacimiento", "número", "dirección", "contraseña"]),
    ("Swedish", "se", &["födelsedatum", "personnummer", "lösenord"]),
    ("Thai", "th", &["บัตร"]),
    ("Turkish", "tr", &["doğum", "kimlik", "şifre"]),
    ("Vietnamese", "vn", &["mã số", "mật khẩu"]),
];

/// Detectors named for each language; more are counted.
const NAMED_MAX: usize = 8;

/// The table of the page.
pub(super) fn table(rules: &RuleSet) -> String {
    let mut out = String::from(
        "\n## Languages\n\nA finding's score goes by its form, its checks, the labels and words near it and the name of its field, in \
         whatever language these are. Which language the text around is written in is not judged: it would have to be known \
         before the text has ended, or findings would depend on how a stream is cut. What is known of a language, beside English, is \
         its labels. The tagger of names reads English best (see the guide).\n\n\
         | language | detectors that know labels in it | national numbers where it is spoken |\n|---|---|---|\n",
    );
    for (language, countries, words) in &ALL {
        let known = known_by(rules, words);
        let mut named: Vec<String> = known.iter().take(NAMED_MAX).map(|rule| format!("`{}`", rule.id)).collect();
        if known.len() > NAMED_MAX {
            named.push(format!("and {} more", known.len() - NAMED_MAX));
        }
        let _ = writeln!(out, "| {language} | {} | {} |", named.join(", "), numbers_of(rules, countries));
    }
    out
}

/// Rules that have one of these words as a label.
fn known_by<'r>(rules: &'r RuleSet, words: &[&str]) -> Vec<&'r Rule> {
    let knows = |rule: &Rule| {
        let literals = match &rule.trigger {
            Trigger::Literals { anchors, keywords } => anchors.iter().chain(keywords).collect(),
            _ => Vec::new(),
        };
        let near = rule.near.iter().flat_map(|near| &near.words);
        let names = rule.field.iter().flat_map(|field| &field.names);
        let labels = literals.into_iter().chain(near).chain(names).map(|label| label.to_lowercase());
        labels.into_iter().any(|label| words.iter().any(|word| holds_word(&label, word)))
    };
    rules.iter().map(|(_, rule)| rule).filter(|rule| knows(rule)).collect()
}

/// Whether a label holds a word that is not the beginning or end of a longer one; scripts without blanks have no such.
fn holds_word(label: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| {
        c.is_some_and(|c| c.is_alphabetic() && word.chars().all(|w| w < '\u{3000}') && word.len() < 5)
    };
    label
        .match_indices(word)
        .any(|(at, _)| !is_part(label[..at].chars().next_back()) && !is_part(label[at + word.len()..].chars().next()))
}

fn numbers_of(rules: &RuleSet, countries: &str) -> usize {
    let is_here = |rule: &Rule| rule.country.as_deref().is_some_and(|c| countries.split(' ').any(|here| here == c));
    rules.iter().filter(|(_, rule)| is_here(rule)).count()
}

#[test]
fn each_language_has_labels_and_each_country_its_rules() {
    let rules = super::with_examples();
    for (language, countries, words) in &ALL {
        for word in *words {
            assert!(!known_by(&rules, &[word]).is_empty(), "{language}: no rule knows `{word}`");
        }
        for country in countries.split(' ') {
            assert!(numbers_of(&rules, country) > 0, "{language}: no rule is of `{country}`");
        }
    }
    assert!(holds_word("numéro inn", "inn") && !holds_word("dinner", "inn") && holds_word("的电话号码", "电话"));
}
