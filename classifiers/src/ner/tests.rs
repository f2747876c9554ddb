use super::train::{Random, Sentence, Trainer, score};
use super::*;

fn tags(text: &str) -> Vec<(&str, Entity)> {
    let mut spans = Vec::new();
    Tagger::built_in().tag(text, &mut spans);
    spans.iter().map(|s| (&text[s.start..s.end], s.entity)).collect()
}

#[test]
fn names_in_running_text_are_found_whole() {
    use Entity::{Address, DateOfBirth, DateTime, Facility, Location, Organization, Person};
    for (text, expected) in [
        ("Yesterday Ulrike Brandt drove to Rostock.", vec![("Ulrike Brandt", Person), ("Rostock", Location)]),
        ("The offer from Hollis & Sons was refused.", vec![("Hollis & Sons", Organization)]),
        ("She was born on 12 May 1971 in Ghent.", vec![("12 May 1971", DateOfBirth), ("Ghent", Location)]),
        ("The roof was mended on March 4, 2019.", vec![("March 4, 2019", DateTime)]),
        ("He was taken to Oakdale General Hospital at once.", vec![("Oakdale General Hospital", Facility)]),
        (
            "Send it to 4471 Larkspur Hollow Road, Apt 12, Benton Falls, OR 97331 please.",
            vec![("4471 Larkspur Hollow Road, Apt 12, Benton Falls, OR 97331", Address)],
        ),
        ("Gestern war Jürgen Schäfer in München.", vec![("Jürgen Schäfer", Person), ("München", Location)]),
    ] {
        assert_eq!(tags(text), expected, "{text}");
    }
}

#[test]
fn common_words_numbers_and_code_are_no_names() {
    for text in [
        "The quick review shows that nothing was lost.",
        "There are 12 apples and 30 pears in 7 boxes.",
        "Please Read The Terms And Conditions Before You Start",
        "let counter = Counter::new(42); counter.add(7);",
        "error 404: page not found, try again in 5 minutes",
        "write to anna.kowalska@example.org or https://example.org/people/anna",
        "他住在北京，电话是",
        "",
        "   \n\n  ",
        "'''---...@@@:////",
    ] {
        assert_eq!(tags(text), [], "{text}");
    }
}

#[test]
fn spans_are_ordered_apart_and_on_characters() {
    let mut random = Random(5);
    let parts = [
        "Anna ",
        "12 ",
        "\u{a0}",
        "é",
        "Straße",
        "\n",
        "@",
        "://",
        "Suite 4",
        "東京",
        "Oslo 97331",
        "'s",
        "-",
        "O'Neil",
        "\u{2019}",
        " ",
    ];
    for _ in 0..3_000 {
        let text: String = (0..random.below(24)).map(|_| parts[random.below(parts.len())]).collect();
        let mut spans = Vec::new();
        Tagger::built_in().tag(&text, &mut spans);
        let mut end = 0;
        for span in spans {
            assert!(span.start >= end && span.start < span.end, "{text:?}");
            assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end), "{text:?}");
            assert!((0.5..=0.85).contains(&span.score), "{text:?}");
            end = span.end;
        }
    }
}

#[test]
fn a_long_text_is_tagged_as_its_parts_are() {
    let line = "On Monday Ulrike Brandt wrote to Hollis Holdings Ltd. in Rostock about the 12 chairs.\n";
    let once = tags(line).len();
    assert!(once >= 4);
    let many = line.repeat(3_000);
    assert_eq!(tags(&many).len(), 3_000 * once, "blocks of tokens end anywhere");
    let mut spans = Vec::new();
    Tagger::built_in().tag(&many, &mut spans);
    assert!(spans.windows(2).all(|w| w[0].end <= w[1].start));
}

#[test]
fn an_address_of_e_mail_is_whole_wherever_a_block_ends() {
    for shift in 0..12 {
        let filler = "so ".repeat(BLOCK_TOKENS - shift);
        let text = format!("{filler}Anna.Maria.Berg@example.org said so.");
        assert_eq!(tags(&text), [], "{shift}");
    }
}

#[test]
fn lower_case_text_is_told_from_lower_case_words() {
    // In no list: only a text without capitals makes a name of such a word.
    assert_eq!(
        tags("we drove from quellmar to see ulrike tandrell"),
        [("quellmar", Entity::Location), ("ulrike tandrell", Entity::Person)]
    );
    assert_eq!(tags("We drove from quellmar to see them in the evening."), []);
    assert_eq!(tags("The marmalade was stored beside the thingamajig."), []);
}

fn toy(random: &mut Random) -> Sentence {
    let names = ["Quillon", "Vestra", "Ambrel", "Tindor"];
    let name = names[random.below(names.len())];
    let text = format!("the letter of {name} came");
    let start = text.find(name).unwrap_or(0);
    Sentence { spans: vec![(start, start + name.len(), Entity::Person)], text }
}

#[test]
fn training_learns_and_gives_the_same_bytes() {
    let train = || {
        let (mut trainer, mut random) = (Trainer::new(1), Random(2));
        (0..300).for_each(|_| trainer.learn(&toy(&mut random)));
        trainer.weights()
    };
    let weights = train();
    assert!(weights == train(), "two runs with the same seeds differ");
    let tagger = Tagger::with_weights(&weights).expect("weights");
    let mut random = Random(3);
    let test: Vec<Sentence> = (0..50).map(|_| toy(&mut random)).collect();
    let person = score(&tagger, &test)[0];
    assert_eq!((person.wanted, person.exact, person.found), (50, 50, 50));
    let untaught = Tagger::with_weights(&Trainer::new(1).weights()).expect("weights");
    assert_eq!(score(&untaught, &test)[0].found, 0);
}

#[test]
fn weights_are_small_and_checked() {
    assert!(WEIGHTS.len() <= 2 << 20, "{} bytes", WEIGHTS.len());
    assert!(Tagger::with_weights(WEIGHTS).is_some());
    assert!(Tagger::with_weights(&WEIGHTS[..WEIGHTS.len() - 1]).is_none());
    assert!(Tagger::with_weights(b"LWNER0").is_none());
    assert!(Tagger::with_weights(b"").is_none());
}
