//! Checksum validators for identity, tax, health, bank and other numbers.
//!
//! One file per number, named as the field names it (`es.dni`, `gb.nhs`, `iban`), each with one function that
//! takes the number as written and says whether its shape, dates and check digits are right. A validator does
//! not find numbers in text and does not ask whether a number was ever issued. Detectors call them by name.

use std::cmp::Ordering;

pub mod ad;
pub mod al;
pub mod ar;
pub mod at;
pub mod au;
pub mod az;
mod bank;
pub mod be;
pub mod bg;
pub mod bic;
pub mod bitcoin;
pub mod br;
pub mod by;
pub mod ca;
pub mod casrn;
pub mod cfi;
pub mod ch;
pub mod cl;
pub mod cn;
pub mod co;
mod countries;
pub mod cr;
pub mod cu;
pub mod cusip;
pub mod cy;
pub mod cz;
pub mod damm;
pub mod de;
mod digits;
pub mod dk;
pub mod do_;
pub mod dz;
pub mod ean;
pub mod ec;
pub mod ee;
pub mod eg;
pub mod es;
pub mod eu;
pub mod fi;
pub mod figi;
pub mod fo;
pub mod fr;
pub mod gb;
pub mod gh;
pub mod gn;
pub mod gr;
pub mod grid;
pub mod gs1_128;
pub mod gt;
pub mod hk;
pub mod hr;
pub mod hu;
pub mod iban;
pub mod id;
pub mod ie;
pub mod il;
pub mod imei;
pub mod imo;
pub mod imsi;
pub mod in_;
pub mod is;
pub mod isan;
pub mod isbn;
pub mod isil;
pub mod isin;
pub mod ismn;
pub mod isni;
pub mod iso11649;
pub mod iso6346;
pub mod iso7064;
pub mod isrc;
pub mod issn;
pub mod it;
pub mod jp;
pub mod ke;
pub mod kr;
pub mod kz;
pub mod lei;
pub mod li;
pub mod loinc;
pub mod lt;
pub mod lu;
pub mod luhn;
pub mod lv;
pub mod ma;
pub mod mac;
pub mod mc;
pub mod md;
pub mod me;
pub mod meid;
pub mod mk;
pub mod mrz;
pub mod mt;
pub mod mu;
pub mod mx;
pub mod my;
pub mod mz;
pub mod nl;
pub mod no;
pub mod nz;
pub mod pe;
pub mod pk;
pub mod pl;
pub mod pt;
pub mod py;
pub mod ro;
pub mod rs;
pub mod ru;
pub mod se;
pub mod sg;
mod sha256;
pub mod si;
pub mod sk;
pub mod sm;
pub mod sn;
pub mod snomed;
pub mod sv;
#[cfg(test)]
mod tests;
pub mod th;
pub mod tn;
pub mod tr;
pub mod tw;
pub mod ua;
pub mod us;
pub mod uy;
pub mod vatin;
pub mod ve;
pub mod verhoeff;
pub mod vin;
pub mod vn;
pub mod za;

/// A checksum validator.
#[derive(Debug, Clone, Copy)]
pub struct Validator {
    /// The dotted name, `COUNTRY.NUMBER` or the bare name of an international number.
    pub name: &'static str,
    /// What the number is, in words.
    pub title: &'static str,
    /// The lower-case ISO 3166 code (or `eu`) of the country that issues it; `None` for international numbers.
    pub country: Option<&'static str>,
    /// Whether a number, as written, is valid. Never panics, whatever the text.
    pub check: fn(&str) -> bool,
}

/// Every validator, sorted by name.
pub fn all() -> &'static [Validator] {
    VALIDATORS
}

/// The validator called `name`. A trailing underscore of a part is ignored, so `in_.pan` finds `in.pan`.
pub fn by_name(name: &str) -> Option<&'static Validator> {
    let index = VALIDATORS.binary_search_by(|v| compare(v.name, name)).ok()?;
    VALIDATORS.get(index)
}

/// Orders a listed name against an asked one, with the trailing underscores of the asked parts left out.
fn compare(listed: &str, asked: &str) -> Ordering {
    let bytes = asked.as_bytes();
    let kept =
        bytes.iter().enumerate().filter(|&(i, &b)| b != b'_' || bytes.get(i + 1).is_some_and(|&next| next != b'.'));
    listed.bytes().cmp(kept.map(|(_, &b)| b))
}

const fn number(
    name: &'static str,
    title: &'static str,
    country: Option<&'static str>,
    check: fn(&str) -> bool,
) -> Validator {
    Validator { name, title, country, check }
}

#[rustfmt::skip]
const VALIDATORS: &[Validator] = &[
    number("ad.nrt", "Andorran tax number (NRT)", Some("ad"), ad::nrt::is_valid),
    number("al.nipt", "Albanian tax number (NIPT)", Some("al"), al::nipt::is_valid),
    number("ar.cbu", "Argentine bank account number (CBU)", Some("ar"), ar::cbu::is_valid),
    number("ar.cuit", "Argentine tax number (CUIT, CUIL)", Some("ar"), ar::cuit::is_valid),
    number("ar.dni", "Argentine national identity number (DNI)", Some("ar"), ar::dni::is_valid),
    number("at.businessid", "Austrian company register number (Firmenbuchnummer)", Some("at"), at::businessid::is_valid),
    number("at.tin", "Austrian tax number (Abgabenkontonummer)", Some("at"), at::tin::is_valid),
    number("at.uid", "Austrian VAT number (UID)", Some("at"), at::uid::is_valid),
    number("at.vnr", "Austrian social insurance number (VNR)", Some("at"), at::vnr::is_valid),
    number("au.abn", "Australian business number (ABN)", Some("au"), au::abn::is_valid),
    number("au.acn", "Australian company number (ACN)", Some("au"), au::acn::is_valid),
    number("au.medicare", "Australian Medicare card number", Some("au"), au::medicare::is_valid),
    number("au.tfn", "Australian tax file number (TFN)", Some("au"), au::tfn::is_valid),
    number("az.voen", "Azerbaijani tax number (VÖEN)", Some("az"), az::voen::is_valid),
    number("be.bis", "Belgian BIS number (people outside the national register)", Some("be"), be::bis::is_valid),
    number("be.eid", "Belgian identity card number", Some("be"), be::eid::is_valid),
    number("be.iban", "Belgian IBAN", Some("be"), be::iban::is_valid),
    number("be.nn", "Belgian national number (NISS, numéro national)", Some("be"), be::nn::is_valid),
    number("be.ogm_vcs", "Belgian structured payment reference (OGM, VCS)", Some("be"), be::ogm_vcs::is_valid),
    number("be.ssn", "Belgian social security number", Some("be"), be::ssn::is_valid),
    number("be.vat", "Belgian enterprise and VAT number", Some("be"), be::vat::is_valid),
    number("bg.egn", "Bulgarian personal number (EGN)", Some("bg"), bg::egn::is_valid),
    number("bg.pnf", "Bulgarian personal number of a foreigner (PNF)", Some("bg"), bg::pnf::is_valid),
    number("bg.vat", "Bulgarian VAT number", Some("bg"), bg::vat::is_valid),
    number("bic", "Business identifier code (ISO 9362, SWIFT code)", None, bic::is_valid),
    number("bitcoin", "Bitcoin address", None, bitcoin::is_valid),
    number("br.cnpj", "Brazilian company number (CNPJ)", Some("br"), br::cnpj::is_valid),
    number("br.cpf", "Brazilian personal tax number (CPF)", Some("br"), br::cpf::is_valid),
    number("br.pis", "Brazilian social integration number (PIS, PASEP, NIS)", Some("br"), br::pis::is_valid),
    number("by.unp", "Belarusian payer's number (UNP)", Some("by"), by::unp::is_valid),
    number("ca.bc_phn", "British Columbia personal health number (PHN)", Some("ca"), ca::bc_phn::is_valid),
    number("ca.bn", "Canadian business number (BN)", Some("ca"), ca::bn::is_valid),
    number("ca.ohip", "Ontario health card number (OHIP)", Some("ca"), ca::ohip::is_valid),
    number("ca.sin", "Canadian social insurance number (SIN)", Some("ca"), ca::sin::is_valid),
    number("casrn", "Chemical Abstracts Service registry number", None, casrn::is_valid),
    number("cfi", "Classification of financial instruments (ISO 10962)", None, cfi::is_valid),
    number("ch.esr", "Swiss payment reference (ESR, QR reference)", Some("ch"), ch::esr::is_valid),
    number("ch.ssn", "Swiss social security number (AHV, AVS)", Some("ch"), ch::ssn::is_valid),
    number("ch.uid", "Swiss enterprise identifier (UID)", Some("ch"), ch::uid::is_valid),
    number("ch.vat", "Swiss VAT number", Some("ch"), ch::vat::is_valid),
    number("cl.rut", "Chilean tax and identity number (RUT, RUN)", Some("cl"), cl::rut::is_valid),
    number("cn.ric", "Chinese resident identity card number", Some("cn"), cn::ric::is_valid),
    number("cn.uscc", "Chinese unified social credit code", Some("cn"), cn::uscc::is_valid),
    number("co.nit", "Colombian tax number (NIT)", Some("co"), co::nit::is_valid),
    number("cr.cpf", "Costa Rican identity card number (CPF)", Some("cr"), cr::cpf::is_valid),
    number("cr.cpj", "Costa Rican company number (CPJ)", Some("cr"), cr::cpj::is_valid),
    number("cr.cr", "Costa Rican foreign resident number (DIMEX)", Some("cr"), cr::cr::is_valid),
    number("cu.ni", "Cuban identity card number", Some("cu"), cu::ni::is_valid),
    number("cusip", "CUSIP number (North American securities)", None, cusip::is_valid),
    number("cy.vat", "Cypriot VAT number", Some("cy"), cy::vat::is_valid),
    number("cz.bankaccount", "Czech bank account number", Some("cz"), cz::bankaccount::is_valid),
    number("cz.dic", "Czech VAT number (DIČ)", Some("cz"), cz::dic::is_valid),
    number("cz.rc", "Czech birth number (rodné číslo)", Some("cz"), cz::rc::is_valid),
    number("damm", "Damm check digit", None, damm::is_valid),
    number("de.handelsregisternummer", "German company register number (Handelsregisternummer)", Some("de"), de::handelsregisternummer::is_valid),
    number("de.idnr", "German tax identification number (IdNr)", Some("de"), de::idnr::is_valid),
    number("de.kvnr", "German health insurance number (KVNR)", Some("de"), de::kvnr::is_valid),
    number("de.leitweg", "German e-invoicing routing identifier (Leitweg-ID)", Some("de"), de::leitweg::is_valid),
    number("de.personalausweis", "German identity card or passport number (Seriennummer)", Some("de"), de::personalausweis::is_valid),
    number("de.rvnr", "German pension insurance number (RVNR)", Some("de"), de::rvnr::is_valid),
    number("de.stnr", "German tax office number (Steuernummer)", Some("de"), de::stnr::is_valid),
    number("de.vat", "German VAT number (Ust ID-Nr.)", Some("de"), de::vat::is_valid),
    number("de.wkn", "German securities number (WKN)", Some("de"), de::wkn::is_valid),
    number("dk.cpr", "Danish personal number (CPR)", Some("dk"), dk::cpr::is_valid),
    number("dk.cvr", "Danish company number (CVR)", Some("dk"), dk::cvr::is_valid),
    number("do.cedula", "Dominican identity number (cédula)", Some("do"), do_::cedula::is_valid),
    number("do.ncf", "Dominican receipt number (NCF)", Some("do"), do_::ncf::is_valid),
    number("do.rnc", "Dominican tax number (RNC)", Some("do"), do_::rnc::is_valid),
    number("dz.nif", "Algerian tax number (NIF)", Some("dz"), dz::nif::is_valid),
    number("ean", "International article number (EAN, UPC, GTIN)", None, ean::is_valid),
    number("ec.ci", "Ecuadorian identity card number (CI)", Some("ec"), ec::ci::is_valid),
    number("ec.ruc", "Ecuadorian tax number (RUC)", Some("ec"), ec::ruc::is_valid),
    number("ee.ik", "Estonian personal code (isikukood)", Some("ee"), ee::ik::is_valid),
    number("ee.kmkr", "Estonian VAT number (KMKR)", Some("ee"), ee::kmkr::is_valid),
    number("ee.registrikood", "Estonian organisation registration code", Some("ee"), ee::registrikood::is_valid),
    number("eg.tn", "Egyptian tax registration number", Some("eg"), eg::tn::is_valid),
    number("es.cae", "Spanish excise establishment code (CAE)", Some("es"), es::cae::is_valid),
    number("es.ccc", "Spanish bank account number (CCC)", Some("es"), es::ccc::is_valid),
    number("es.cif", "Spanish company tax number (CIF)", Some("es"), es::cif::is_valid),
    number("es.cups", "Spanish supply point code (CUPS)", Some("es"), es::cups::is_valid),
    number("es.dni", "Spanish national identity number (DNI)", Some("es"), es::dni::is_valid),
    number("es.iban", "Spanish IBAN", Some("es"), es::iban::is_valid),
    number("es.nie", "Spanish foreigner's identity number (NIE)", Some("es"), es::nie::is_valid),
    number("es.nif", "Spanish tax number (NIF)", Some("es"), es::nif::is_valid),
    number("es.nuss", "Spanish social security number (NUSS, NAF)", Some("es"), es::nuss::is_valid),
    number("es.postal_code", "Spanish postal code", Some("es"), es::postal_code::is_valid),
    number("es.referenciacatastral", "Spanish cadastral reference", Some("es"), es::referenciacatastral::is_valid),
    number("eu.at_02", "SEPA creditor identifier (AT-02)", Some("eu"), eu::at_02::is_valid),
    number("eu.banknote", "Euro banknote serial number", Some("eu"), eu::banknote::is_valid),
    number("eu.ecnumber", "European Community number (EINECS, ELINCS)", Some("eu"), eu::ecnumber::is_valid),
    number("eu.eic", "European energy identification code (EIC)", Some("eu"), eu::eic::is_valid),
    number("eu.excise", "European excise number (SEED)", Some("eu"), eu::excise::is_valid),
    number("eu.oss", "European one-stop shop VAT number (OSS, IOSS)", Some("eu"), eu::oss::is_valid),
    number("eu.vat", "European Union VAT number", Some("eu"), eu::vat::is_valid),
    number("fi.alv", "Finnish VAT number (ALV)", Some("fi"), fi::alv::is_valid),
    number("fi.associationid", "Finnish association registry number", Some("fi"), fi::associationid::is_valid),
    number("fi.hetu", "Finnish personal identity code (HETU)", Some("fi"), fi::hetu::is_valid),
    number("fi.veronumero", "Finnish individual tax number (veronumero)", Some("fi"), fi::veronumero::is_valid),
    number("fi.ytunnus", "Finnish business identifier (Y-tunnus)", Some("fi"), fi::ytunnus::is_valid),
    number("figi", "Financial instrument global identifier", None, figi::is_valid),
    number("fo.vn", "Faroese company number (V-tal)", Some("fo"), fo::vn::is_valid),
    number("fr.accise", "French excise number", Some("fr"), fr::accise::is_valid),
    number("fr.nif", "French tax number (NIF)", Some("fr"), fr::nif::is_valid),
    number("fr.nir", "French social security number (NIR, INSEE number)", Some("fr"), fr::nir::is_valid),
    number("fr.rcs", "French trade register number (RCS)", Some("fr"), fr::rcs::is_valid),
    number("fr.siren", "French company number (SIREN)", Some("fr"), fr::siren::is_valid),
    number("fr.siret", "French establishment number (SIRET)", Some("fr"), fr::siret::is_valid),
    number("fr.tva", "French VAT number", Some("fr"), fr::tva::is_valid),
    number("gb.chi", "Scottish community health index number (CHI)", Some("gb"), gb::chi::is_valid),
    number("gb.nhs", "United Kingdom NHS number", Some("gb"), gb::nhs::is_valid),
    number("gb.nino", "United Kingdom national insurance number (NINO)", Some("gb"), gb::nino::is_valid),
    number("gb.sedol", "SEDOL number (London Stock Exchange)", Some("gb"), gb::sedol::is_valid),
    number("gb.upn", "English unique pupil number (UPN)", Some("gb"), gb::upn::is_valid),
    number("gb.utr", "United Kingdom unique taxpayer reference (UTR)", Some("gb"), gb::utr::is_valid),
    number("gb.vat", "United Kingdom VAT number", Some("gb"), gb::vat::is_valid),
    number("gh.tin", "Ghanaian taxpayer identification number (TIN)", Some("gh"), gh::tin::is_valid),
    number("gn.nifp", "Guinean permanent tax number (NIFp)", Some("gn"), gn::nifp::is_valid),
    number("gr.amka", "Greek social security number (AMKA)", Some("gr"), gr::amka::is_valid),
    number("gr.vat", "Greek tax and VAT number (AFM)", Some("gr"), gr::vat::is_valid),
    number("grid", "Global release identifier (recorded music)", None, grid::is_valid),
    number("gs1_128", "GS1-128 element string", None, gs1_128::is_valid),
    number("gt.nit", "Guatemalan tax number (NIT)", Some("gt"), gt::nit::is_valid),
    number("hk.hkid", "Hong Kong identity card number (HKID)", Some("hk"), hk::hkid::is_valid),
    number("hr.oib", "Croatian personal identification number (OIB)", Some("hr"), hr::oib::is_valid),
    number("hu.adoazonosito", "Hungarian tax identification number of a person (adóazonosító jel)", Some("hu"), hu::adoazonosito::is_valid),
    number("hu.anum", "Hungarian tax number (adószám)", Some("hu"), hu::anum::is_valid),
    number("hu.taj", "Hungarian social security number (TAJ)", Some("hu"), hu::taj::is_valid),
    number("iban", "International bank account number (ISO 13616)", None, iban::is_valid),
    number("id.nik", "Indonesian identity card number (NIK)", Some("id"), id::nik::is_valid),
    number("id.npwp", "Indonesian tax number (NPWP)", Some("id"), id::npwp::is_valid),
    number("ie.pps", "Irish personal public service number (PPS)", Some("ie"), ie::pps::is_valid),
    number("ie.vat", "Irish VAT number", Some("ie"), ie::vat::is_valid),
    number("il.hp", "Israeli company number (mispar het-pe)", Some("il"), il::hp::is_valid),
    number("il.idnr", "Israeli identity number (mispar zehut)", Some("il"), il::idnr::is_valid),
    number("imei", "International mobile equipment identity (3GPP TS 23.003)", None, imei::is_valid),
    number("imo", "IMO ship identification number", None, imo::is_valid),
    number("imsi", "International mobile subscriber identity (ITU-T E.212)", None, imsi::is_valid),
    number("in.aadhaar", "Indian personal identity number (Aadhaar)", Some("in"), in_::aadhaar::is_valid),
    number("in.epic", "Indian voter identity number (EPIC)", Some("in"), in_::epic::is_valid),
    number("in.gstin", "Indian goods and services tax number (GSTIN)", Some("in"), in_::gstin::is_valid),
    number("in.pan", "Indian income tax number (PAN)", Some("in"), in_::pan::is_valid),
    number("in.vid", "Indian virtual identity number (VID)", Some("in"), in_::vid::is_valid),
    number("is.kennitala", "Icelandic identity number (kennitala)", Some("is"), is::kennitala::is_valid),
    number("is.vsk", "Icelandic VAT number (VSK)", Some("is"), is::vsk::is_valid),
    number("isan", "International standard audiovisual number (ISO 15706)", None, isan::is_valid),
    number("isbn", "International standard book number (ISO 2108)", None, isbn::is_valid),
    number("isil", "International standard identifier for libraries (ISO 15511)", None, isil::is_valid),
    number("isin", "International securities identification number (ISO 6166)", None, isin::is_valid),
    number("ismn", "International standard music number (ISO 10957)", None, ismn::is_valid),
    number("isni", "International standard name identifier (ISO 27729), also ORCID iD", None, isni::is_valid),
    number("iso11649", "Structured creditor reference (ISO 11649)", None, iso11649::is_valid),
    number("iso6346", "Freight container number (ISO 6346)", None, iso6346::is_valid),
    number("iso7064.mod_11_10", "ISO/IEC 7064 MOD 11,10 check digit", None, iso7064::mod_11_10::is_valid),
    number("iso7064.mod_11_2", "ISO/IEC 7064 MOD 11-2 check character", None, iso7064::mod_11_2::is_valid),
    number("iso7064.mod_37_2", "ISO/IEC 7064 MOD 37-2 check character", None, iso7064::mod_37_2::is_valid),
    number("iso7064.mod_37_36", "ISO/IEC 7064 MOD 37,36 check character", None, iso7064::mod_37_36::is_valid),
    number("iso7064.mod_97_10", "ISO/IEC 7064 MOD 97-10 check digits", None, iso7064::mod_97_10::is_valid),
    number("isrc", "International standard recording code (ISO 3901)", None, isrc::is_valid),
    number("issn", "International standard serial number (ISO 3297)", None, issn::is_valid),
    number("it.aic", "Italian medicine code (AIC)", Some("it"), it::aic::is_valid),
    number("it.codicefiscale", "Italian tax code (codice fiscale)", Some("it"), it::codicefiscale::is_valid),
    number("it.iva", "Italian VAT number (partita IVA)", Some("it"), it::iva::is_valid),
    number("jp.cn", "Japanese corporate number", Some("jp"), jp::cn::is_valid),
    number("jp.in", "Japanese individual number (My Number)", Some("jp"), jp::in_::is_valid),
    number("ke.pin", "Kenyan personal identification number (KRA PIN)", Some("ke"), ke::pin::is_valid),
    number("kr.arn", "Korean registration number of a foreigner (ARN, FRN)", Some("kr"), kr::arn::is_valid),
    number("kr.brn", "Korean business registration number (BRN)", Some("kr"), kr::brn::is_valid),
    number("kr.rrn", "Korean resident registration number (RRN)", Some("kr"), kr::rrn::is_valid),
    number("kz.iin", "Kazakh individual identification number (IIN)", Some("kz"), kz::iin::is_valid),
    number("lei", "Legal entity identifier (ISO 17442)", None, lei::is_valid),
    number("li.peid", "Liechtenstein personal identification number (PEID)", Some("li"), li::peid::is_valid),
    number("loinc", "LOINC code (clinical observations)", None, loinc::is_valid),
    number("lt.asmens", "Lithuanian personal code (asmens kodas)", Some("lt"), lt::asmens::is_valid),
    number("lt.pvm", "Lithuanian VAT number (PVM)", Some("lt"), lt::pvm::is_valid),
    number("lu.matricule", "Luxembourg national number (matricule)", Some("lu"), lu::matricule::is_valid),
    number("lu.tva", "Luxembourgish VAT number (TVA)", Some("lu"), lu::tva::is_valid),
    number("luhn", "Luhn check digit (ISO/IEC 7812-1 Annex B)", None, luhn::is_valid),
    number("lv.pvn", "Latvian VAT number and personal code (PVN)", Some("lv"), lv::pvn::is_valid),
    number("ma.ice", "Moroccan common company identifier (ICE)", Some("ma"), ma::ice::is_valid),
    number("mac", "MAC address (IEEE EUI-48)", None, mac::is_valid),
    number("mc.tva", "Monegasque VAT number", Some("mc"), mc::tva::is_valid),
    number("md.idno", "Moldovan company number (IDNO)", Some("md"), md::idno::is_valid),
    number("me.iban", "Montenegrin IBAN", Some("me"), me::iban::is_valid),
    number("me.pib", "Montenegrin tax number (PIB)", Some("me"), me::pib::is_valid),
    number("meid", "Mobile equipment identifier (3GPP2 S.R0048)", None, meid::is_valid),
    number("mk.edb", "North Macedonian tax number (EDB)", Some("mk"), mk::edb::is_valid),
    number("mrz", "Machine-readable zone of a travel document (ICAO Doc 9303)", None, mrz::is_valid),
    number("mt.vat", "Maltese VAT number", Some("mt"), mt::vat::is_valid),
    number("mu.nid", "Mauritian national identity number (NID)", Some("mu"), mu::nid::is_valid),
    number("mx.clabe", "Mexican bank account number (CLABE)", Some("mx"), mx::clabe::is_valid),
    number("mx.curp", "Mexican personal identity number (CURP)", Some("mx"), mx::curp::is_valid),
    number("mx.rfc", "Mexican tax number (RFC)", Some("mx"), mx::rfc::is_valid),
    number("my.nric", "Malaysian identity card number (NRIC)", Some("my"), my::nric::is_valid),
    number("mz.nuit", "Mozambican tax number (NUIT)", Some("mz"), mz::nuit::is_valid),
    number("nl.brin", "Dutch school number (BRIN)", Some("nl"), nl::brin::is_valid),
    number("nl.bsn", "Dutch citizen service number (BSN)", Some("nl"), nl::bsn::is_valid),
    number("nl.btw", "Dutch VAT number (btw-identificatienummer)", Some("nl"), nl::btw::is_valid),
    number("nl.identiteitskaartnummer", "Dutch identity card and passport number", Some("nl"), nl::identiteitskaartnummer::is_valid),
    number("nl.onderwijsnummer", "Dutch education number", Some("nl"), nl::onderwijsnummer::is_valid),
    number("nl.postcode", "Dutch postal code", Some("nl"), nl::postcode::is_valid),
    number("no.fodselsnummer", "Norwegian birth number (fødselsnummer)", Some("no"), no::fodselsnummer::is_valid),
    number("no.iban", "Norwegian IBAN", Some("no"), no::iban::is_valid),
    number("no.kontonr", "Norwegian bank account number", Some("no"), no::kontonr::is_valid),
    number("no.mva", "Norwegian VAT number (MVA)", Some("no"), no::mva::is_valid),
    number("no.orgnr", "Norwegian organisation number", Some("no"), no::orgnr::is_valid),
    number("nz.bankaccount", "New Zealand bank account number", Some("nz"), nz::bankaccount::is_valid),
    number("nz.ird", "New Zealand Inland Revenue number (IRD)", Some("nz"), nz::ird::is_valid),
    number("nz.nhi", "New Zealand national health index number (NHI)", Some("nz"), nz::nhi::is_valid),
    number("pe.cui", "Peruvian identity card number (CUI, DNI)", Some("pe"), pe::cui::is_valid),
    number("pe.ruc", "Peruvian tax number (RUC)", Some("pe"), pe::ruc::is_valid),
    number("pk.cnic", "Pakistani national identity card number (CNIC)", Some("pk"), pk::cnic::is_valid),
    number("pl.dowod", "Polish identity card number (dowód osobisty)", Some("pl"), pl::dowod::is_valid),
    number("pl.nip", "Polish tax number (NIP)", Some("pl"), pl::nip::is_valid),
    number("pl.pesel", "Polish personal number (PESEL)", Some("pl"), pl::pesel::is_valid),
    number("pl.regon", "Polish company number (REGON)", Some("pl"), pl::regon::is_valid),
    number("pt.cc", "Portuguese identity card number (cartão de cidadão)", Some("pt"), pt::cc::is_valid),
    number("pt.nib", "Portuguese bank account number (NIB)", Some("pt"), pt::nib::is_valid),
    number("pt.nif", "Portuguese tax number (NIF)", Some("pt"), pt::nif::is_valid),
    number("pt.niss", "Portuguese social security number (NISS)", Some("pt"), pt::niss::is_valid),
    number("py.ruc", "Paraguayan tax number (RUC)", Some("py"), py::ruc::is_valid),
    number("ro.cf", "Romanian VAT number (CF)", Some("ro"), ro::cf::is_valid),
    number("ro.cnp", "Romanian personal number (CNP)", Some("ro"), ro::cnp::is_valid),
    number("ro.cui", "Romanian company number (CUI)", Some("ro"), ro::cui::is_valid),
    number("ro.onrc", "Romanian trade register number (ONRC)", Some("ro"), ro::onrc::is_valid),
    number("rs.pib", "Serbian tax number (PIB)", Some("rs"), rs::pib::is_valid),
    number("ru.inn", "Russian tax number (INN)", Some("ru"), ru::inn::is_valid),
    number("ru.ogrn", "Russian registration number (OGRN, OGRNIP)", Some("ru"), ru::ogrn::is_valid),
    number("ru.snils", "Russian pension insurance number (SNILS)", Some("ru"), ru::snils::is_valid),
    number("se.orgnr", "Swedish organisation number", Some("se"), se::orgnr::is_valid),
    number("se.personnummer", "Swedish personal identity number", Some("se"), se::personnummer::is_valid),
    number("se.postnummer", "Swedish postal code", Some("se"), se::postnummer::is_valid),
    number("se.vat", "Swedish VAT number", Some("se"), se::vat::is_valid),
    number("sg.nric", "Singaporean identity number (NRIC, FIN)", Some("sg"), sg::nric::is_valid),
    number("sg.uen", "Singaporean unique entity number (UEN)", Some("sg"), sg::uen::is_valid),
    number("si.ddv", "Slovenian VAT number (DDV)", Some("si"), si::ddv::is_valid),
    number("si.emso", "Slovenian personal number (EMŠO)", Some("si"), si::emso::is_valid),
    number("si.maticna", "Slovenian company registration number (matična številka)", Some("si"), si::maticna::is_valid),
    number("sk.dph", "Slovak VAT number (IČ DPH)", Some("sk"), sk::dph::is_valid),
    number("sk.rc", "Slovak birth number (rodné číslo)", Some("sk"), sk::rc::is_valid),
    number("sm.coe", "San Marino operator number (COE)", Some("sm"), sm::coe::is_valid),
    number("sn.ninea", "Senegalese company number (NINEA)", Some("sn"), sn::ninea::is_valid),
    number("snomed", "SNOMED CT identifier", None, snomed::is_valid),
    number("sv.nit", "Salvadoran tax number (NIT)", Some("sv"), sv::nit::is_valid),
    number("th.moa", "Thai company number (memorandum of association)", Some("th"), th::moa::is_valid),
    number("th.pin", "Thai personal identity number (PIN)", Some("th"), th::pin::is_valid),
    number("th.tin", "Thai taxpayer identification number (TIN)", Some("th"), th::tin::is_valid),
    number("tn.mf", "Tunisian tax number (matricule fiscal)", Some("tn"), tn::mf::is_valid),
    number("tr.tckimlik", "Turkish personal identity number (T.C. kimlik no.)", Some("tr"), tr::tckimlik::is_valid),
    number("tr.vkn", "Turkish tax number (VKN)", Some("tr"), tr::vkn::is_valid),
    number("tw.nid", "Taiwanese identity number", Some("tw"), tw::nid::is_valid),
    number("tw.ubn", "Taiwanese unified business number (UBN)", Some("tw"), tw::ubn::is_valid),
    number("ua.edrpou", "Ukrainian company number (EDRPOU)", Some("ua"), ua::edrpou::is_valid),
    number("ua.rntrc", "Ukrainian personal tax number (RNTRC)", Some("ua"), ua::rntrc::is_valid),
    number("us.atin", "United States adoption taxpayer number (ATIN)", Some("us"), us::atin::is_valid),
    number("us.dea", "United States DEA registration number", Some("us"), us::dea::is_valid),
    number("us.ein", "United States employer number (EIN)", Some("us"), us::ein::is_valid),
    number("us.itin", "United States individual taxpayer number (ITIN)", Some("us"), us::itin::is_valid),
    number("us.mbi", "United States Medicare beneficiary identifier (MBI)", Some("us"), us::mbi::is_valid),
    number("us.npi", "United States national provider identifier (NPI)", Some("us"), us::npi::is_valid),
    number("us.ptin", "United States tax preparer number (PTIN)", Some("us"), us::ptin::is_valid),
    number("us.rtn", "United States bank routing number (ABA RTN)", Some("us"), us::rtn::is_valid),
    number("us.ssn", "United States social security number (SSN)", Some("us"), us::ssn::is_valid),
    number("us.tin", "United States taxpayer number (TIN)", Some("us"), us::tin::is_valid),
    number("uy.cedula", "Uruguayan identity card number (cédula de identidad)", Some("uy"), uy::cedula::is_valid),
    number("uy.rut", "Uruguayan tax number (RUT)", Some("uy"), uy::rut::is_valid),
    number("vatin", "International value added tax number", None, vatin::is_valid),
    number("ve.rif", "Venezuelan tax number (RIF)", Some("ve"), ve::rif::is_valid),
    number("verhoeff", "Verhoeff check digit", None, verhoeff::is_valid),
    number("vin", "Vehicle identification number (ISO 3779, check digit of 49 CFR 565)", None, vin::is_valid),
    number("vn.mst", "Vietnamese tax number (MST)", Some("vn"), vn::mst::is_valid),
    number("za.idnr", "South African identity number", Some("za"), za::idnr::is_valid),
    number("za.tin", "South African tax number (TIN)", Some("za"), za::tin::is_valid),
];
