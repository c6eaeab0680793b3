//! A broker's settings in layers, as Kafka's `DynamicBrokerConfig` has them (KIP-226): what it was started with, over
//! that what all brokers were given while they ran, over that what this one was given.
//!
//! ```text
//!   own (/config/brokers/N)  >  of all (/config/brokers/<default>)  >  static (--set, --pace)  >  Kafka's default
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Definition, SettingError, Settings, TABLE};

/// Settings by Kafka's names, as text: what stands in a znode under `/config`.
pub type Overrides = BTreeMap<String, String>;

/// A layer that can be changed while brokers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What all brokers were given.
    AllBrokers,
    /// What one broker was given.
    Own,
}

/// A place where a setting has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name that it has there.
    pub name: &'static str,
    /// Its value there.
    pub value: String,
    /// Which place.
    pub source: Source,
}

/// Which place: Kafka's `ConfigSource`, without topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A layer.
    Layer(Layer),
    /// What the broker was started with.
    Static,
    /// Kafka's default.
    Default,
}

/// The settings of one broker, as they are now and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerSettings {
    started: Arc<Settings>,
    all_brokers: Overrides,
    own: Overrides,
    now: Arc<Settings>,
}

impl BrokerSettings {
    /// What a broker is started with.
    pub fn new(started: Arc<Settings>) -> Self {
        let (all_brokers, own, now) = (Overrides::new(), Overrides::new(), Arc::clone(&started));
        Self { started, all_brokers, own, now }
    }

    /// What holds now.
    pub fn now(&self) -> &Arc<Settings> {
        &self.now
    }

    /// What stands in a layer.
    pub fn layer(&self, layer: Layer) -> &Overrides {
        match layer {
            Layer::AllBrokers => &self.all_brokers,
            Layer::Own => &self.own,
        }
    }

    /// Replaces a layer. What in it is no valid value of a dynamic setting is passed over: another program may have
    /// written it to ZooKeeper. Returns whether anything holds now that did not.
    pub fn set_layer(&mut self, layer: Layer, overrides: Overrides) -> bool {
        match layer {
            Layer::AllBrokers => self.all_brokers = overrides,
            Layer::Own => self.own = overrides,
        }
        let mut now = Settings::clone(&self.started);
        for (name, text) in self.all_brokers.iter().chain(&self.own) {
            if definition(name).is_some_and(Definition::is_dynamic) {
                // An error leaves what held, as Kafka does with what it cannot read.
                let _ = now.set(name, text);
            }
        }
        let changed = now != *self.now;
        if changed {
            self.now = Arc::new(now);
        }
        changed
    }

    /// Where a setting has a value, that in force first: Kafka's `ConfigHelper.configSynonyms`.
    ///
    /// One whose default stands under another name, and that nothing sets, has none.
    pub fn places(&self, row: &Definition) -> Vec<Place> {
        let mut places = Vec::new();
        for layer in [Layer::Own, Layer::AllBrokers] {
            if let Some(value) = self.layer(layer).get(row.name) {
                places.push(Place { name: row.name, value: value.clone(), source: Source::Layer(layer) });
            }
        }
        let default = Settings::default().get(row.name).unwrap_or_default();
        let started = self.started.get(row.name).unwrap_or_default();
        if started != default {
            places.push(Place { name: row.name, value: started, source: Source::Static });
        }
        match row.otherwise {
            None => places.push(Place { name: row.name, value: default, source: Source::Default }),
            Some((name, value)) if !places.is_empty() => {
                places.push(Place { name, value: value.to_owned(), source: Source::Default });
            }
            Some(_) => {}
        }
        places
    }
}

/// Why settings of brokers cannot be changed, in Kafka's words where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// No setting has this name, or none that the lab has: Kafka would take it for one of a plug-in.
    #[error("{0} is not a broker config of kscope: {1}; see docs/settings.md")]
    Unknown(String, &'static str),
    /// They hold from a broker's start to its end.
    #[error("Cannot update these configs dynamically: Set({0})")]
    NotDynamic(String),
    /// A value is none of its type or out of range, or the setting has one value only.
    #[error("{}", .0.in_kafkas_words())]
    Value(SettingError),
}

/// Checks what a layer is to be.
pub fn check(overrides: &Overrides) -> Result<(), LayerError> {
    if let Some(name) = overrides.keys().find(|name| definition(name).is_none()) {
        let why = super::refused::broker(name).unwrap_or("nothing here would go by it");
        return Err(LayerError::Unknown(name.clone(), why));
    }
    let fixed = |name: &String| definition(name).is_some_and(|row| !row.is_dynamic());
    let fixed: BTreeSet<&str> = overrides.keys().filter(|name| fixed(name)).map(String::as_str).collect();
    if !fixed.is_empty() {
        return Err(LayerError::NotDynamic(fixed.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let mut settings = Settings::default();
    for (name, text) in overrides {
        settings.set(name, text).map_err(LayerError::Value)?;
    }
    Ok(())
}

/// The row of a broker setting.
pub fn definition(name: &str) -> Option<&'static Definition> {
    TABLE.iter().find(|row| row.name == name && !row.is_of_zookeeper())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(pairs: &[(&str, &str)]) -> Overrides {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn places(settings: &BrokerSettings, name: &str) -> Vec<(&'static str, String, Source)> {
        let places = settings.places(definition(name).unwrap());
        places.into_iter().map(|place| (place.name, place.value, place.source)).collect()
    }

    #[test]
    fn the_own_value_comes_before_that_of_all_and_that_before_what_it_was_started_with() {
        let started = Settings { min_insync_replicas: 2, ..Settings::default() };
        let mut settings = BrokerSettings::new(Arc::new(started));
        assert_eq!(settings.now().min_insync_replicas, 2);
        assert!(settings.set_layer(Layer::AllBrokers, overrides(&[("min.insync.replicas", "3")])));
        assert!(settings.set_layer(Layer::Own, overrides(&[("min.insync.replicas", "4")])));
        assert_eq!(settings.now().min_insync_replicas, 4);
        let sources: Vec<(String, Source)> =
            places(&settings, "min.insync.replicas").into_iter().map(|(_, value, source)| (value, source)).collect();
        let expected = [
            ("4", Source::Layer(Layer::Own)),
            ("3", Source::Layer(Layer::AllBrokers)),
            ("2", Source::Static),
            ("1", Source::Default),
        ];
        assert_eq!(sources, expected.map(|(value, source)| (value.to_owned(), source)));
        assert!(settings.set_layer(Layer::Own, Overrides::new()));
        assert_eq!(settings.now().min_insync_replicas, 3, "what goes leaves what is below");
        assert!(!settings.set_layer(Layer::Own, Overrides::new()), "nothing changed");
    }

    #[test]
    fn a_layer_changes_what_is_dynamic_and_valid_only() {
        let mut settings = BrokerSettings::new(Arc::default());
        let odd = [("num.partitions", "7"), ("min.insync.replicas", "x"), ("what.is.this", "1")];
        assert!(!settings.set_layer(Layer::AllBrokers, overrides(&odd)));
        assert_eq!(**settings.now(), Settings::default());
    }

    #[test]
    fn a_default_under_another_name_shows_only_below_a_value() {
        let mut settings = BrokerSettings::new(Arc::default());
        assert!(places(&settings, "log.roll.ms").is_empty(), "as a real 3.9 answers");
        settings.set_layer(Layer::AllBrokers, overrides(&[("log.roll.ms", "60000")]));
        let expected = [
            ("log.roll.ms", "60000".to_owned(), Source::Layer(Layer::AllBrokers)),
            ("log.roll.hours", "168".to_owned(), Source::Default),
        ];
        assert_eq!(places(&settings, "log.roll.ms"), expected);
    }

    #[test]
    fn what_is_wrong_is_said_in_kafkas_words() {
        let said = |pairs: &[(&str, &str)]| check(&overrides(pairs)).unwrap_err().to_string();
        let fixed = said(&[("num.partitions", "3"), ("min.insync.replicas", "2"), ("fetch.max.bytes", "9999")]);
        assert_eq!(fixed, "Cannot update these configs dynamically: Set(fetch.max.bytes, num.partitions)");
        let low = said(&[("min.insync.replicas", "0")]);
        assert_eq!(low, "Invalid value 0 for configuration min.insync.replicas: Value must be at least 1");
        let text = said(&[("min.insync.replicas", "two")]);
        assert_eq!(text, "Invalid value two for configuration min.insync.replicas: Not a number of type INT");
        assert!(said(&[("foo.bar", "1")]).contains("foo.bar"));
        assert!(said(&[("tickTime", "1")]).contains("not a broker config"));
        assert_eq!(check(&overrides(&[("min.insync.replicas", "2")])), Ok(()));
    }
}
