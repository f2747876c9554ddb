//! `lineward token`: who may ask a server.

use crate::output;
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use lineward_server::tokens;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `lineward token`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
A token is shown once, when it is made; the file keeps an argon2id hash of it. Servers whose
`auth.tokens` names the file take notice of new and revoked tokens by themselves. Clients give the
token as the password of PostgreSQL, or as the bearer token of HTTP and Flight SQL.

Examples:
  lineward token create ann --role reader --days 90
  lineward token list
  lineward token revoke 3f9c02d17a4e

Exit codes: 0 done, 2 an error.")]
pub(crate) struct TokenArgs {
    /// File of tokens
    #[arg(long, value_name = "FILE", default_value = "lineward-tokens.json", global = true)]
    tokens: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and show it once
    Create {
        /// Who it is for: the name in the audit log
        name: String,
        /// Role it gives: admin, reader or one of the configuration; may be given again
        #[arg(long = "role", value_name = "ROLE", required = true)]
        roles: Vec<String>,
        /// Days until it ends; never unless given
        #[arg(long, value_name = "COUNT")]
        days: Option<u32>,
    },
    /// List tokens
    List {
        /// Print one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token by its id
    Revoke {
        /// Its id, as the list shows it
        id: String,
    },
}

pub(crate) fn run(args: TokenArgs) -> anyhow::Result<ExitCode> {
    let mut out = output::stdout();
    match args.action {
        Action::Create { name, roles, days } => {
            if name.trim().is_empty() {
                bail!("the name is empty; name the person or program that the token is for");
            }
            let expires_at = days.map(|days| now() + i64::from(days) * 86_400);
            let issued = tokens::create(&args.tokens, &name, &roles, expires_at)?;
            output::complain(format_args!("token {} for `{}`; it is not shown again", issued.token.id, name));
            writeln!(out, "{}", issued.secret)?;
        }
        Action::List { json } => {
            for token in tokens::list(&args.tokens)? {
                match json {
                    true => writeln!(out, "{}", as_json(&token))?,
                    false => writeln!(out, "{}", as_line(&token))?,
                }
            }
        }
        Action::Revoke { id } => {
            let token = tokens::revoke(&args.tokens, &id)?;
            writeln!(out, "revoked {} of `{}`", token.id, token.name)?;
        }
    }
    out.flush().context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(token: &tokens::Token) -> serde_json::Value {
    serde_json::json!({
        "id": token.id, "name": token.name, "roles": token.roles, "created_at": time(token.created_at),
        "expires_at": token.expires_at.map(time), "revoked_at": token.revoked_at.map(time),
    })
}

fn as_line(token: &tokens::Token) -> String {
    let state = match (token.revoked_at, token.expires_at) {
        (Some(at), _) => format!("revoked {}", time(at)),
        (None, Some(at)) if at <= now() => format!("expired {}", time(at)),
        (None, Some(at)) => format!("until {}", time(at)),
        (None, None) => "no end".to_owned(),
    };
    format!("{}  {}  {}  {state}", token.id, output::printable(&token.name), token.roles.join(","))
}

fn time(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .map_or_else(String::new, |t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
