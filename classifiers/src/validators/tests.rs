//! One row per number with a valid and an invalid example, sweeps over the list, and agreement with labelled numbers.

use std::collections::BTreeSet;
use std::path::Path;

use super::{all, by_name};

#[test]
fn every_row_is_judged_right() {
    for (name, valid, invalid) in ROWS {
        let validator = by_name(name).unwrap_or_else(|| panic!("no validator `{name}`"));
        assert!((validator.check)(valid), "{name}: the valid example is refused");
        assert!(!(validator.check)(invalid), "{name}: the invalid example passes");
        assert!((validator.check)(&format!("  {valid} ")), "{name}: blanks around the number matter");
    }
}

#[test]
fn every_validator_has_a_row() {
    let rows: Vec<&str> = ROWS.iter().map(|(name, ..)| *name).collect();
    let names: Vec<&str> = all().iter().map(|v| v.name).collect();
    assert_eq!(rows, names);
}

#[test]
fn the_list_is_sorted_unique_and_described() {
    assert!(all().windows(2).all(|pair| pair[0].name < pair[1].name));
    for v in all() {
        let country = v.name.split_once('.').map(|(c, _)| c).filter(|c| *c != "iso7064");
        assert_eq!(v.country, country, "{}", v.name);
        assert!(!v.title.is_empty() && !v.title.ends_with('.'), "{}", v.name);
    }
}

#[test]
fn every_file_is_listed() {
    let root = Path::new("src/validators");
    if !root.is_dir() {
        eprintln!("skipped: the sources are not beside the manifest");
        return;
    }
    let helpers = ["mod", "tests", "bank", "countries", "digits", "sha256"];
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(root).expect("readable").flatten() {
        let stem = entry.path().file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let part = stem.trim_end_matches('_').to_owned();
        if entry.path().is_dir() {
            for inner in std::fs::read_dir(entry.path()).expect("readable").flatten() {
                let name = inner.path().file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                if name != "mod" {
                    files.insert(format!("{part}.{}", name.trim_end_matches('_')));
                }
            }
        } else if !helpers.contains(&part.as_str()) {
            files.insert(part);
        }
    }
    let names: BTreeSet<String> = all().iter().map(|v| v.name.to_owned()).collect();
    assert_eq!(files, names);
}

#[test]
fn names_are_found_with_and_without_trailing_underscores() {
    for (asked, found) in [("in_.pan", "in.pan"), ("in.pan", "in.pan"), ("jp.in_", "jp.in"), ("is_.vsk", "is.vsk")] {
        assert_eq!(by_name(asked).map(|v| v.name), Some(found));
    }
    assert_eq!(by_name("iso7064.mod_11_2").map(|v| v.name), Some("iso7064.mod_11_2"));
    assert_eq!(by_name("eu.at_02").map(|v| v.name), Some("eu.at_02"));
    for asked in ["", "_", ".", "pan", "in", "in__pan", "luhn.luhn"] {
        assert!(by_name(asked).is_none(), "{asked}");
    }
}

#[test]
fn typographic_blanks_dashes_and_foreign_digits_are_read() {
    let check = |name: &str, number: &str| by_name(name).is_some_and(|v| (v.check)(number));
    assert!(check("luhn", "4992\u{a0}7398\u{2013}716"));
    assert!(check("luhn", "\u{664}\u{669}\u{669}\u{662}\u{667}\u{663}\u{669}\u{668}\u{667}\u{661}\u{666}"));
    assert!(!check("luhn", ""));
}

#[test]
fn other_forms_of_a_number_are_checked() {
    let forms: &[(&str, &[&str])] = &[
        (
            "mrz",
            &[
                "I<UTOMONTEIRO<<LUISA<<<<<<<<<<<<<<<<\n8379298419UTO9311066F2910105<<<<<<<2",
                "P<D<<MONTEIRO<<LUISA<FERNANDA<<<<<<<<<<<<<<<\nN547517794D<<6103198F3007206<<<<<<<<<<<<<<<8",
            ],
        ),
        ("nz.nhi", &["SPN2832", "NAD6100", "MWM00SH", "ZZZ00AX"]),
        ("es.nuss", &["080123456774"]),
        ("kz.iin", &["791008386036"]),
        ("tw.nid", &["C880737021"]),
    ];
    for (name, numbers) in forms {
        let validator = by_name(name).unwrap_or_else(|| panic!("no validator `{name}`"));
        for number in *numbers {
            assert!((validator.check)(number), "{name}: {number}");
            let (body, last) = number.split_at(number.rfind(|c: char| c != '<').unwrap_or(0));
            let other = if last.starts_with('7') { "4" } else { "7" };
            assert!(!(validator.check)(&format!("{body}{other}")), "{name}: {body}{other}");
        }
    }
}

#[test]
fn a_card_has_its_check_in_the_second_line() {
    let zone = "I<UTOX822264687<<<<<<<<<<<<<<<\n9302132M3103120UTO<<<<<<<<<<<6\nMONTEIRO<<LUISA<FERNANDA<<<<<<";
    let check = by_name("mrz").expect("listed").check;
    assert!(check(zone) && check(&zone.replace('\n', "\r\n")));
    for at in [5, 31, 39] {
        let digit = zone.as_bytes()[at];
        let other = if digit == b'7' { "4" } else { "7" };
        assert!(!check(&format!("{}{other}{}", &zone[..at], &zone[at + 1..])), "{at}");
    }
}

/// Numbers near real ones, noise from several scripts, and odd lengths: none may panic.
#[test]
fn no_text_panics() {
    const NOISE: [&str; 6] =
        ["0123456789", "0123456789ABCXZ-./ ", "abcdefXYZ+*@#()", "ÄéßÑñ№", "АВСУНП", "\u{2011}\u{a0}😀\0\n٣"];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for (name, valid, _) in ROWS {
        let validator = by_name(name).unwrap_or_else(|| panic!("no validator `{name}`"));
        for round in 0..300 {
            let mut text: Vec<char> = if round % 2 == 0 { valid.chars().collect() } else { Vec::new() };
            for _ in 0..next(if round % 50 == 0 { 200 } else { 24 }) {
                let alphabet: Vec<char> = NOISE[if next(4) == 0 { next(6) } else { 0 }].chars().collect();
                let c = alphabet[next(alphabet.len())];
                let at = next(text.len() + 1);
                match text.get_mut(at) {
                    Some(slot) if next(3) > 0 => *slot = c,
                    Some(_) if next(3) == 0 => drop(text.remove(at)),
                    _ => text.insert(at, c),
                }
            }
            let text: String = text.into_iter().collect();
            (validator.check)(&text);
        }
    }
}

/// The labelled numbers lie outside the project; without them there is nothing to compare with.
#[test]
fn verdicts_agree_with_labelled_numbers() {
    let path = "../../shared/data/classify/ids/stdnum_doctest_vectors.jsonl";
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: no labelled numbers at ../shared/data/classify/ids");
        return;
    };
    let (mut seen, mut agreed, mut types) = (0u32, 0u32, BTreeSet::new());
    for line in text.lines() {
        let (Some(module), Some(number)) = (field(line, "module"), field(line, "number")) else { continue };
        let Some(validator) = by_name(&module) else { continue };
        types.insert(validator.name);
        seen += 1;
        agreed += u32::from((validator.check)(&number) == line.contains("\"valid\": true"));
    }
    assert!(types.len() >= 230, "{} types", types.len());
    assert!(f64::from(agreed) >= 0.99 * f64::from(seen), "{agreed} of {seen} agree");
}

/// The text of a string member of a flat JSON object.
fn field(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("\"{key}\": \""))?;
    let mut out = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                'u' => {
                    let hex: String = chars.by_ref().take(4).collect();
                    out.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
                }
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            c => out.push(c),
        }
    }
    None
}

/// Name, a valid number and an invalid one.
#[rustfmt::skip]
const ROWS: &[(&str, &str, &str)] = &[
    ("ad.nrt", "L-709789-X", "L-209789-X"),
    ("al.nipt", "J58247850G", "O58247850G"),
    ("ar.cbu", "0110130620004542712690", "0110130620004442712690"),
    ("ar.cuit", "20220849288", "20220849298"),
    ("ar.dni", "02.166.456", "02.166.45?"),
    ("at.businessid", "176847m", "176847?"),
    ("at.tin", "98 9338785", "88 9338785"),
    ("at.uid", "AT U96332628", "AT U96312628"),
    ("at.vnr", "1232 040110", "1232 046110"),
    ("au.abn", "84696850865", "84656850865"),
    ("au.acn", "003 206 068", "803 206 068"),
    ("au.medicare", "2128 79810 2", "2128 69810 2"),
    ("au.tfn", "112464534", "114464534"),
    ("az.voen", "5543969862", "5543969962"),
    ("be.bis", "01 49 08 539 02", "01 49 09 539 02"),
    ("be.eid", "591-1910832-34", "591-1910852-34"),
    ("be.iban", "BE45147000007289", "BE45347000007289"),
    ("be.nn", "81 07 30 633 23", "81 07 30 639 23"),
    ("be.ogm_vcs", "210806819982", "210806819922"),
    ("be.ssn", "98.47.28-995.67", "98.47.28-995.27"),
    ("be.vat", "BE403001346", "BE403501346"),
    ("bg.egn", "7505020016", "7505320016"),
    ("bg.pnf", "2702 714 038", "2702 514 038"),
    ("bg.vat", "BG 436 239 732", "BG 436 239 731"),
    ("bic", "RNCBMD4X", "RNCBZD4X"),
    ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1K1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    ("br.cnpj", "17.080.689/0071-17", "17.080.681/0071-17"),
    ("br.cpf", "890.538.447-16", "790.538.447-16"),
    ("br.pis", "15881399866", "15881399867"),
    ("by.unp", "191728536", "191728136"),
    ("ca.bc_phn", "9698 686 142", "9691 686 142"),
    ("ca.bn", "859363400RC9080", "853363400RC9080"),
    ("ca.ohip", "9876530438", "9876930438"),
    ("ca.sin", "123-461-816", "123-481-816"),
    ("casrn", "3104-58-3", "0104-58-3"),
    ("cfi", "CFOGIX", "CEOGIX"),
    ("ch.esr", "32 29290 03000 19151 80002 79617", "32 29299 03000 19151 80002 79617"),
    ("ch.ssn", "756.9214.0582.12", "756.9214.0682.12"),
    ("ch.uid", "CHE-115.924.244", "CHE-815.924.244"),
    ("ch.vat", "CHE-102.456.096 MWST", "CHE-152.456.096 MWST"),
    ("cl.rut", "78439103-5", "78439183-5"),
    ("cn.ric", "360426199311113183", "360426799311113183"),
    ("cn.uscc", "91152201689690045M", "91152201689600045M"),
    ("co.nit", "605.314.580-3", "605.310.580-3"),
    ("cr.cpf", "113831383", "11383138?"),
    ("cr.cpj", "3-101-316705", "9-101-316705"),
    ("cr.cr", "172400898976", "372400898976"),
    ("cu.ni", "91021226528", "91821226528"),
    ("cusip", "83541M996", "73541M996"),
    ("cy.vat", "CY-68220897P", "UY-68220897P"),
    ("cz.bankaccount", "0506021802/0800", "0506021002/0800"),
    ("cz.dic", "110909924", "110989924"),
    ("cz.rc", "710319/9246", "110319/9246"),
    ("damm", "439812345671", "839812345671"),
    ("de.handelsregisternummer", "St. Ingbert HRA 61031", "St. Ingbert VRA 61031"),
    ("de.idnr", "1112945678 0", "1119945678 0"),
    ("de.kvnr", "A295889216", "A295899216"),
    ("de.leitweg", "09471135-GDEFD61817-97", "09471135-GJEFD61817-97"),
    ("de.personalausweis", "Y09677Y773", "Y09677Y774"),
    ("de.rvnr", "15 070649 C 103", "15 070649 C 104"),
    ("de.stnr", "25990069308", "2599006930?"),
    ("de.vat", "DE196695903", "DT196695903"),
    ("de.wkn", "A1D85Q", "O1D85Q"),
    ("dk.cpr", "2110619984", "9110619984"),
    ("dk.cvr", "DK 29175020", "DK 29375020"),
    ("do.cedula", "14817075360", "14817075361"),
    ("do.ncf", "A010080011500008541", "A010080016500008541"),
    ("do.rnc", "502819232", "502819237"),
    ("dz.nif", "416001050000001", "41600105000000?"),
    ("ean", "7501030371823", "7501030371853"),
    ("ec.ci", "0602510992", "0609510992"),
    ("ec.ruc", "2017300290001", "2017300990001"),
    ("ee.ik", "36805279609", "96805279609"),
    ("ee.kmkr", "EE 140 931 518", "EE 140 901 518"),
    ("ee.registrikood", "13355928", "13555928"),
    ("eg.tn", "575-779-499", "575-779-49?"),
    ("es.cae", "ES00020HD904A", "EP00020HD904A"),
    ("es.ccc", "4239-1234-56 1234567890", "4232-1234-56 1234567890"),
    ("es.cif", "J35556109", "J35554109"),
    ("es.cups", "ES 1238-923456785012-jy", "ES 1238-623456785012-jy"),
    ("es.dni", "61293227-K", "61293227-P"),
    ("es.iban", "ES77 1234-1234-12 3737426979", "ES77 1234-1254-12 3737426979"),
    ("es.nie", "x-2484439w", "x-2484339w"),
    ("es.nif", "X-5243265-R", "X-5243065-R"),
    ("es.nuss", "175666184691", "175666184692"),
    ("es.postal_code", "47595", "57595"),
    ("es.referenciacatastral", "640100100QE45D0001GA", "640105100QE45D0001GA"),
    ("eu.at_02", "ES2355047690558N", "CS2355047690558N"),
    ("eu.banknote", "E45370712262", "P45370712262"),
    ("eu.ecnumber", "307-297-9", "377-297-9"),
    ("eu.eic", "68XE-WERK-STERNP", "68XE-WJRK-STERNP"),
    ("eu.excise", "LU 19000937ABC", "LL 19000937ABC"),
    ("eu.oss", "IM3720005424", "VM3720005424"),
    ("eu.vat", "PL 9542742783", "PL 9542742743"),
    ("fi.alv", "FI 20779840", "FI 20779810"),
    ("fi.associationid", "7174", "717?"),
    ("fi.hetu", "131022X388M", "131822X388M"),
    ("fi.veronumero", "163456789122", "16345678912?"),
    ("fi.ytunnus", "6208815-9", "6202815-9"),
    ("figi", "BBG4019X4W48", "BBG4019X4W68"),
    ("fo.vn", "641652", "64165?"),
    ("fr.accise", "FR012902E1777", "FJ012902E1777"),
    ("fr.nif", "3723287600053", "3723207600053"),
    ("fr.nir", "745117872398795", "645117872398795"),
    ("fr.rcs", "RCS Nanry B323159715", "RCS Nanry B323859715"),
    ("fr.siren", "317 407 336", "317 467 336"),
    ("fr.siret", "314 901 323 60062", "314 901 323 60063"),
    ("fr.tva", "4Z123467177", "4Z123067177"),
    ("gb.chi", "2407858158", "2407858159"),
    ("gb.nhs", "943-470-6076", "943-670-6076"),
    ("gb.nino", "AB 16 34 36 C", "IB 16 34 36 C"),
    ("gb.sedol", "B99DS64", "B99DS63"),
    ("gb.upn", "B704200035501", "B704200035561"),
    ("gb.utr", "1955839691", "1055839691"),
    ("gb.vat", "GD138", "GC138"),
    ("gh.tin", "C000342166X", "C004342166X"),
    ("gn.nifp", "053101200", "013101200"),
    ("gr.amka", "21117083028", "21117783028"),
    ("gr.vat", "EL 764583981", "EL 764683981"),
    ("grid", "A99012GABC7172709M", "A98012GABC7172709M"),
    ("gs1_128", "(17)191119(01)38425876090024(37)1", "(17)192119(01)38425876090024(37)1"),
    ("gt.nit", "302443-1", "302443-6"),
    ("hk.hkid", "A591950(1)", "A591950(5)"),
    ("hr.oib", "HR 33392015561", "HR 73392015561"),
    ("hu.adoazonosito", "8188447293", "8188447294"),
    ("hu.anum", "HU-80826149", "HU-85826149"),
    ("hu.taj", "405576160", "405576161"),
    ("iban", "HU42 1177 3016 1110 1279 0707 2034", "HU42 1177 3016 1110 1279 0707 2030"),
    ("id.nik", "8171011708485001", "8171013708485001"),
    ("id.npwp", "02.679.257.2-101.000", "02.479.257.2-101.000"),
    ("ie.pps", "6433945F", "6433985F"),
    ("ie.vat", "1D14387I", "1D14287I"),
    ("il.hp", "511770745", "511790745"),
    ("il.idnr", "36377422", "36377425"),
    ("imei", "58647632-992275", "58647632-99227?"),
    ("imo", "IMO 9314533", "IMJ 9314533"),
    ("imsi", "502152100545623", "503152100545623"),
    ("in.aadhaar", "234120712346", "234120712306"),
    ("in.epic", "WKH1566553", "WKH0566553"),
    ("in.gstin", "27AAPFU0192F4ZV", "27AAPFU0192F4ZE"),
    ("in.pan", "ACUPA1024R", "ACUQA1024R"),
    ("in.vid", "2341234169280322", "2341234469280322"),
    ("is.kennitala", "7003853610", "7063853610"),
    ("is.vsk", "IS 02661", "JS 02661"),
    ("isan", "188166C7342888816F8A4474", "188166C7342888816X8A4474"),
    ("isbn", "978-90-345-3755-3", "978-90-345-3755-1"),
    ("isil", "GU-UkFxBQFL", "QU-UkFxBQFL"),
    ("isin", "CH9250502216", "CH9250802216"),
    ("ismn", "979-0-263162799", "979-0-243162799"),
    ("isni", "0020 0006 2281 956X", "0023 0006 2281 956X"),
    ("iso11649", "RF51SW5EZRUFBK", "RF51SW5EZBUFBK"),
    ("iso6346", "tolu4735417", "toqu4735417"),
    ("iso7064.mod_11_10", "502006673285", "502006676285"),
    ("iso7064.mod_11_2", "343X", "342X"),
    ("iso7064.mod_37_2", "G173489254324Y", "G174489254324Y"),
    ("iso7064.mod_37_36", "A51084GABC4318702M", "A51084GWBC4318702M"),
    ("iso7064.mod_97_10", "08686001256649585672563", "08686001256649585652563"),
    ("isrc", "US-SKG-11-22344", "UP-SKG-11-22344"),
    ("issn", "7032-1078", "7032-1048"),
    ("it.aic", "000363489", "000363089"),
    ("it.codicefiscale", "CNTCHR83T43D739D", "CGTCHR83T43D739D"),
    ("it.iva", "IT 90749110657", "IU 90749110657"),
    ("jp.cn", "3420979470622", "3420679470622"),
    ("jp.in", "6214 9823 1750", "6214 9923 1750"),
    ("ke.pin", "A010165509X", "G010165509X"),
    ("kr.arn", "850521-6488059", "850521-6488050"),
    ("kr.brn", "110-81-51014", "110-85-51014"),
    ("kr.rrn", "751129-4264929", "751129-4269929"),
    ("kz.iin", "870916368970", "870916368971"),
    ("lei", "617727J1EHPRYOKF5811", "617827J1EHPRYOKF5811"),
    ("li.peid", "2414179", "241417?"),
    ("loinc", "2543-7", "2543-6"),
    ("lt.asmens", "96813541706", "96813541701"),
    ("lt.pvm", "808197116", "808190116"),
    ("lu.matricule", "1990090969757", "1990090969758"),
    ("lu.tva", "LU 094 424 84", "LU 094 484 84"),
    ("luhn", "08631", "08661"),
    ("lv.pvn", "328373-05671", "328373-05631"),
    ("ma.ice", "015053578008905", "015053578008205"),
    ("mac", "D0-50-91-52-A2-A3", "D0-50-91-52-I2-A3"),
    ("mc.tva", "53 0000 02665", "53 0000 92665"),
    ("md.idno", "1007600519117", "1007600519217"),
    ("me.iban", "ME 2551 0020 0000 0623 4103", "ME 2751 0020 0000 0623 4103"),
    ("me.pib", "32512937", "22512937"),
    ("meid", "29355 87265 0070 3710", "99355 87265 0070 3710"),
    ("mk.edb", "0416313979450", "0416313979451"),
    ("mrz", "P<UTOMONTEIRO<<LUISA<FERNANDA<<<<<<<<<<<<<<<\nL136270101UTO9710186M2810261<<<<<<<<<<<<<<<8", "P<UTOMONTEIRO<<LUISA<FERNANDA<<<<<<<<<<<<<<<\nL136270101UTO9710186M2810261<<<<<<<<<<<<<<<9"),
    ("mt.vat", "MT 1167-8959", "MT 1267-8959"),
    ("mu.nid", "Y300706690045E", "Y300796690045E"),
    ("mx.clabe", "044809320819672731", "044809320819672732"),
    ("mx.curp", "TOMA880127HMNRRNO4", "TOMA880197HMNRRNO4"),
    ("mx.rfc", "AAC0903264F3", "AAC0923264F3"),
    ("my.nric", "770305-16-6274", "778305-16-6274"),
    ("mz.nuit", "616773968", "613773968"),
    ("nl.brin", "04NU 22", "04NU 2?"),
    ("nl.bsn", "1112.22.114", "1112.62.114"),
    ("nl.btw", "004498719B05", "054498719B05"),
    ("nl.identiteitskaartnummer", "XR 1792R1 8", "XR 1792O1 8"),
    ("nl.onderwijsnummer", "1012.79.341", "1016.79.341"),
    ("nl.postcode", "2009 DI", "0009 DI"),
    ("no.fodselsnummer", "21116041690", "21116041790"),
    ("no.iban", "NO9886011147927", "NO9886011145927"),
    ("no.kontonr", "0000.4486007", "0000.4482007"),
    ("no.mva", "898 772 780 MVA", "898 702 780 MVA"),
    ("no.orgnr", "988 043 176", "988 043 177"),
    ("nz.bankaccount", "11-7894-0141532-01", "11-7894-0741532-01"),
    ("nz.ird", "NZ 19-286-576", "NZ 79-286-576"),
    ("nz.nhi", "ALU18KZ", "ALU18KA"),
    ("pe.cui", "25738746-7", "25738446-7"),
    ("pe.ruc", "20406203027", "20406203087"),
    ("pk.cnic", "42192-0397540-8", "42192-0397540-0"),
    ("pl.dowod", "AHY678486", "AHY678487"),
    ("pl.nip", "PL 8567346698", "PL 8567346697"),
    ("pl.pesel", "44051831356", "44051841356"),
    ("pl.regon", "362538868", "369538868"),
    ("pt.cc", "409110814ZZ8", "409114814ZZ8"),
    ("pt.nib", "016488766344002978726", "016488766344002978727"),
    ("pt.nif", "PT 501 905 804", "PT 501 903 804"),
    ("pt.niss", "15347787687", "15347787688"),
    ("py.ruc", "50034958-4", "50084958-4"),
    ("ro.cf", "593 196 71", "593 116 71"),
    ("ro.cnp", "1630619022187", "1630619022181"),
    ("ro.cui", "RO 180 072 90", "RO 180 072 60"),
    ("ro.onrc", "J16/86/2001", "V16/86/2001"),
    ("rs.pib", "403774988", "403754988"),
    ("ru.inn", "1933522470", "1933512470"),
    ("ru.ogrn", "1022303479770", "1022303478770"),
    ("ru.snils", "17904571797", "17904571798"),
    ("se.orgnr", "1314567197", "1334567197"),
    ("se.personnummer", "9803250092", "9803750092"),
    ("se.postnummer", "238 05", "038 05"),
    ("se.vat", "SE 123456775601", "SE 123450775601"),
    ("sg.nric", "S1235511D", "S1265511D"),
    ("sg.uen", "66274415B", "66274495B"),
    ("si.ddv", "SI 8478 3931", "EI 8478 3931"),
    ("si.emso", "1508993400537", "1508990400537"),
    ("si.maticna", "5300231133", "5300221133"),
    ("sk.dph", "SK 302 215 46 19", "SJ 302 215 46 19"),
    ("sk.rc", "7103131410", "7133131410"),
    ("sm.coe", "024545", "824545"),
    ("sn.ninea", "007677604", "007677004"),
    ("snomed", "34421157", "34411157"),
    ("sv.nit", "0625-200217-104-0", "0625-700217-104-0"),
    ("th.moa", "0115555208901", "0115585208901"),
    ("th.pin", "2 7398 00504 80 0", "2 7394 00504 80 0"),
    ("th.tin", "2-80-0-517-06052-2", "2-80-0-511-06052-2"),
    ("tn.mf", "1165299H", "1165299U"),
    ("tr.tckimlik", "38352029158", "38352022158"),
    ("tr.vkn", "6600207450", "6600207457"),
    ("tw.nid", "J272671474", "J272671475"),
    ("tw.ubn", "84868032", "84868038"),
    ("ua.edrpou", "03494445", "03414445"),
    ("ua.rntrc", "2522662927", "0522662927"),
    ("us.atin", "163476759", "16347675?"),
    ("us.dea", "PB6284563", "PB6283563"),
    ("us.ein", "91-1136966", "96-1136966"),
    ("us.itin", "992-90-3466", "992-10-3466"),
    ("us.mbi", "9EG4-TE5-RK78", "0EG4-TE5-RK78"),
    ("us.npi", "1234567893", "1224567893"),
    ("us.ptin", "P-00634548", "C-00634548"),
    ("us.rtn", "111091526", "111691526"),
    ("us.ssn", "536-93-3593", "936-93-3593"),
    ("us.tin", "042129726", "04212972?"),
    ("uy.cedula", "1.833.577-2", "1.833.575-2"),
    ("uy.rut", "216100620018", "416100620018"),
    ("vatin", "EU191846589", "EU101846589"),
    ("ve.rif", "V542045040", "V542045340"),
    ("verhoeff", "1426210", "1326210"),
    ("vin", "6M2GDM6AXKP762741", "6M2GDM6AXKP762771"),
    ("vn.mst", "3900921087", "3900921086"),
    ("za.idnr", "9711167068082", "9716167068082"),
    ("za.tin", "0843075904", "0843075104"),
];
