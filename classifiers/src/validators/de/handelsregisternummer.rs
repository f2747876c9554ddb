//! German company register number (Handelsregisternummer).
//!
//! The court that keeps the register, its division (HRA, HRB, PR, GnR, VR or GsR), a number and sometimes a letter.
//! There is no check digit.

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let number = number.trim();
    let division = DIVISIONS.iter().find_map(|d| number.find(d).map(|at| (at, d.len())));
    let Some((at, len)) = division else { return false };
    let (before, after) = (&number[..at], &number[at + len..]);
    let after = after.trim_start();
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (serial, tail) = (&after[..end], after[end..].trim());
    // The court stands before the division or, less often, after the number; then no letter can follow.
    let (court, suffix) = if before.trim().is_empty() { (tail, "") } else { (before, tail) };
    (1..=6).contains(&serial.len())
        && suffix.len() <= 3
        && suffix.bytes().all(|b| b.is_ascii_uppercase())
        && is_court(court)
}

const DIVISIONS: [&str; 6] = ["HRA ", "HRB ", "PR ", "GnR ", "VR ", "GsR "];

/// Whether the name, without its bracketed part, is that of a register court.
fn is_court(name: &str) -> bool {
    let name = name.trim();
    let name = name.split(['(', ',']).next().unwrap_or(name);
    let name = name.strip_prefix("Amtsgericht ").unwrap_or(name);
    let mut plain = [0u8; 40];
    let mut len = 0;
    for c in name.chars().filter(|c| c.is_alphabetic()) {
        let Some(slot) = plain.get_mut(len) else { return false };
        *slot = match c {
            'Ä' | 'ä' => b'a',
            'Ö' | 'ö' => b'o',
            'Ü' | 'ü' => b'u',
            'ß' => b's',
            c if c.is_ascii() => c.to_ascii_lowercase() as u8,
            _ => return false,
        };
        len += 1;
    }
    let plain = &plain[..len];
    COURTS.split(' ').any(|court| court.as_bytes() == plain)
}

/// Courts that keep registers, or kept them until districts were merged, without blanks, dots and umlaut marks.
const COURTS: &str = "aachen altenburg altona amberg ansbach apolda arnsberg arnstadt arnstadtzweigstelleilmenau \
                      aschaffenburg augsburg aurich badhersfeld badhomburg badhomburgvdh badhomburgvdhohe badkreuznach \
                      badoeynhausen badsalzungen bamberg bayreuth berlin berlincharlottenburg bielefeld bochum bonn \
                      braunschweig bremen bremerhaven charlottenburg chemnitz coburg coesfeld cottbus darmstadt \
                      deggendorf dortmund dresden duisburg duren dusseldorf eisenach erfurt eschwege essen esslingen \
                      flensburg frankfurt frankfurtammain frankfurtmain frankfurtoder freiburg freiburgimbreisgau \
                      friedberg fritzlar fulda furth gelsenkirchen gera giessen gottingen gotha greiz gutersloh hagen \
                      hamburg hamm hanau hannover heilbronn hildburghausen hildesheim hof homburg ingolstadt iserlohn \
                      jena kaiserslautern kassel kempten kiel kleve koblenz koln konigstein korbach krefeld landau \
                      landshut langenfeld lebach leipzig lemgo limburg lubeck ludwigshafen ludwigshafenarhein \
                      ludwigshafenamrhein luneburg mainz mannheim marburg meiningen memmingen merzig \
                      monchengladbach montabaur muhlhausen munchen munster neubrandenburg neunkirchen neuruppin neuss \
                      nordhausen nurnberg offenbach offenbachammain oldenburg osnabruck ottweiler paderborn passau \
                      pinneberg poessneck poneck potsdam recklinghausen regensburg rostock rudolstadt saarbrucken \
                      saarlouis schweinfurt schwerin siegburg siegen sommerda sondershausen sonneberg \
                      stadthagen stadtroda steinfurt stendal stingbert stralsund straubing stuttgart suhl tostedt \
                      traunstein trier ulm volklingen walsrode weidenidopf weiden weimar wetzlar wiesbaden wittlich \
                      wuppertal wurzburg zweibrucken";
