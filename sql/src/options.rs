//! Settings of a session: the two times that all views and functions take where they are not given one.

use crate::time;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};
use lineward_store::graph::AsOf;
use std::any::Any;
use std::sync::Weak;

/// `SET lineward.as_of = '...'` and `SET lineward.recorded_as_of = '...'`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LinewardOptions {
    as_of: AsOf,
    shown: [Option<String>; 2],
    hides_beginning: bool,
}

/// Names of the settings, with what they mean.
pub(crate) const SETTINGS: [(&str, &str); 2] = [
    ("as_of", "views and functions show what was true at this time; empty for the present"),
    ("recorded_as_of", "views and functions show what was known at this time; empty for all that is known"),
];

impl LinewardOptions {
    /// Settings with these times.
    pub fn at(as_of: AsOf) -> Self {
        Self { as_of, ..Self::default() }
    }

    /// The times of a configuration.
    pub fn as_of(config: &ConfigOptions) -> AsOf {
        config.extensions.get::<Self>().map(|options| options.as_of).unwrap_or_default()
    }

    /// Whether it is not told since when the store knows anything.
    pub fn hides_beginning(config: &ConfigOptions) -> bool {
        config.extensions.get::<Self>().is_some_and(|options| options.hides_beginning)
    }
}

impl ConfigExtension for LinewardOptions {
    const PREFIX: &'static str = "lineward";
}

impl ExtensionOptions for LinewardOptions {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let Some(at) = SETTINGS.iter().position(|(name, _)| *name == key) else {
            let names = SETTINGS.map(|(name, _)| format!("`lineward.{name}`")).join(" and ");
            return Err(DataFusionError::Plan(format!("no setting `lineward.{key}`; there are {names}")));
        };
        let text = value.trim();
        let time = match text {
            "" | "now" | "default" | "DEFAULT" => None,
            text => Some(time::parse(&format!("lineward.{key}"), text)?),
        };
        *[&mut self.as_of.valid, &mut self.as_of.recorded][at] = time;
        self.shown[at] = time.map(|_| text.to_owned());
        Ok(())
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        let entry = |(at, (name, description)): (usize, (&str, &'static str))| ConfigEntry {
            key: format!("lineward.{name}"),
            value: self.shown[at].clone(),
            description,
        };
        SETTINGS.into_iter().enumerate().map(entry).collect()
    }
}

/// An extension of a session's configuration: what whoever runs a query keeps for as long as it runs. Work of a query that
/// cannot be stopped holds on to it until it is done, so that it counts for as long as it takes.
pub struct WhileRunning(pub Weak<dyn Any + Send + Sync>);

/// An extension of a session's configuration: whoever asks does not see all rows, and is not told since when the store
/// knows anything. A question about an earlier time has the answer then that one about a time without visible rows has.
#[derive(Debug)]
pub struct WithoutBeginning;

/// Makes a session one of somebody who does not see all rows: its views and functions of rows do not tell since when the
/// store knows anything, as those under [`WithoutBeginning`].
pub fn hide_beginning(config: &mut ConfigOptions) {
    if let Some(options) = config.extensions.get_mut::<LinewardOptions>() {
        options.hides_beginning = true;
    }
}
