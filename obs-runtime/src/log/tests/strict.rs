//! A reader of JSON lines that takes nothing but one flat object with each key once.

use std::fmt;
use std::ops::Index;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use crate::log::line::MAX_LINE;

/// The keys and values of a line, in their order.
#[derive(Debug)]
pub(super) struct Object(pub(super) Vec<(String, Value)>);

impl Object {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(known, _)| known == key)?;
        Some(value)
    }

    pub(super) fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(key, _)| key.as_str()).collect()
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self[key].as_str().unwrap()
    }
}

impl Index<&str> for Object {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key)
            .unwrap_or_else(|| panic!("no {key} in {self:?}"))
    }
}

pub(super) fn parse(line: &str) -> Object {
    assert!(line.len() < MAX_LINE, "a line of {} bytes", line.len() + 1);
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object(Vec::new());
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if object.get(&key).is_some() {
                        return Err(Error::custom(format!("{key} twice")));
                    }
                    if value.is_object() || value.is_array() {
                        return Err(Error::custom(format!("{key} is not flat")));
                    }
                    object.0.push((key, value));
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}
