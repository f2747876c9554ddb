//! International value added tax number.
//!
//! A two-letter country code and the number that country uses for value added or sales tax.

use crate::validators;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let text = number.trim();
    let (Some(code), Some(rest)) = (text.get(..2), text.get(2..)) else { return false };
    let code = code.to_ascii_lowercase();
    // Greece and Northern Ireland have codes of their own for this number.
    let country = match code.as_str() {
        "el" => "gr",
        "xi" => "gb",
        other => other,
    };
    NUMBERS.iter().filter(|name| name.split('.').next() == Some(country)).any(|name| {
        validators::by_name(name).is_some_and(|v| {
            // Some countries write their code as part of the number, some twice, some not at all.
            (v.check)(rest) || (v.check)(text)
        })
    })
}

/// The tax number of each country that can be asked; several where a country has several.
#[rustfmt::skip]
const NUMBERS: &[&str] = &[
    "al.nipt", "ar.cuit", "at.uid", "au.abn", "az.voen", "be.vat", "bg.vat", "br.cnpj", "br.cpf", "by.unp", "ca.bn",
    "ch.vat", "cl.rut", "cn.uscc", "co.nit", "cr.cpj", "cy.vat", "cz.dic", "de.vat", "dk.cvr", "do.rnc", "dz.nif",
    "ec.ruc", "ee.kmkr", "eg.tn", "es.nif", "eu.oss", "fi.alv", "fo.vn", "fr.tva", "gb.vat", "gh.tin", "gn.nifp",
    "gr.vat", "gt.nit", "hr.oib", "hu.anum", "id.npwp", "ie.vat", "il.hp", "in.gstin", "is.vsk", "it.iva", "jp.cn",
    "ke.pin", "kr.brn", "li.peid", "lt.pvm", "lu.tva", "lv.pvn", "ma.ice", "mc.tva", "md.idno", "me.pib", "mk.edb",
    "mt.vat", "mu.nid", "mx.rfc", "mz.nuit", "nl.btw", "no.mva", "nz.ird", "pe.ruc", "pl.nip", "pt.nif", "py.ruc",
    "ro.cf", "rs.pib", "ru.inn", "se.vat", "sg.uen", "si.ddv", "sk.dph", "sm.coe", "sn.ninea", "sv.nit", "th.tin",
    "tn.mf", "tr.vkn", "tw.ubn", "ua.edrpou", "uy.rut", "ve.rif", "vn.mst", "za.tin",
];
