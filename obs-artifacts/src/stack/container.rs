//! One container of the stack: what all of them have in common.

use serde_json::{Map, Value, json};

/// A container that cannot write where no volume is, gains no privilege, has a limit to its memory,
/// and is asked whether it is well.
#[derive(Debug)]
pub(super) struct Container(Map<String, Value>);

impl Container {
    /// Begins one whose health is an address that answers with success.
    ///
    /// The images have no client in common, and some have no shell: what asks comes from the
    /// container `prepare`.
    pub(super) fn new(image: &str, memory: &str, healthy: &str) -> Self {
        let ask = [
            "CMD",
            "/probe/busybox",
            "wget",
            "-q",
            "-T",
            "4",
            "-O",
            "/dev/null",
            healthy,
        ];
        let value = json!({
            "image": image,
            "restart": "unless-stopped",
            "mem_limit": memory,
            "read_only": true,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "tmpfs": ["/tmp"],
            "depends_on": { "prepare": { "condition": "service_completed_successfully" } },
            "healthcheck": {
                "test": ask, "interval": "10s", "timeout": "5s", "retries": 3, "start_period": "30s",
            },
            "logging": {
                "driver": "json-file", "options": { "max-size": "10m", "max-file": "3" },
            },
            "volumes": ["probe:/probe:ro"],
        });
        match value {
            Value::Object(fields) => Self(fields),
            _ => Self(Map::new()),
        }
    }

    pub(super) fn with(mut self, field: &str, value: Value) -> Self {
        self.0.insert(field.to_owned(), value);
        self
    }

    pub(super) fn command(self, words: &[&str]) -> Self {
        self.with("command", json!(words))
    }

    /// Publishes ports to this machine alone.
    pub(super) fn ports(self, ports: &[u16]) -> Self {
        let ports = ports.iter();
        let ports: Vec<String> = ports
            .map(|port| format!("127.0.0.1:{port}:{port}"))
            .collect();
        self.with("ports", json!(ports))
    }

    pub(super) fn volumes(mut self, volumes: &[&str]) -> Self {
        if let Some(Value::Array(all)) = self.0.get_mut("volumes") {
            all.extend(volumes.iter().copied().map(Value::from));
        }
        self
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
