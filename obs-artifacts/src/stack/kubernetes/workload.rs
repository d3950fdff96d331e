//! What runs one service: a Deployment, its Service, and a volume if it keeps data.

use serde_json::{Value, json};

use super::super::compose::USER;
use super::super::host;
use super::{labels, secret_name};
use crate::system::{Service, System};

/// How long a service has to stop; `OBS_SHUTDOWN_TIMEOUT`.
const SHUTDOWN_S: u32 = 25;

/// Over and above that, before the kubelet kills it.
const GRACE_S: u32 = 10;

pub(super) fn of(system: &System, service: &Service) -> Vec<Value> {
    let mut objects = vec![deployment(system, service), endpoint(system, service)];
    if service.data.is_some() {
        objects.push(claim(system, service));
    }
    objects
}

fn deployment(system: &System, service: &Service) -> Value {
    let labels = labels(system, service);
    // A volume that one pod writes to has to be let go before the next one starts.
    let strategy = if service.data.is_some() {
        json!({ "type": "Recreate" })
    } else {
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } })
    };
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": host(service.name()), "labels": labels },
        "spec": {
            "replicas": 1,
            "strategy": strategy,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": pod(system, service) },
        },
    })
}

fn pod(system: &System, service: &Service) -> Value {
    let mut volumes = vec![json!({ "name": "tmp", "emptyDir": { "sizeLimit": "64Mi" } })];
    if service.data.is_some() {
        let claim = json!({ "claimName": data_name(service) });
        volumes.push(json!({ "name": "data", "persistentVolumeClaim": claim }));
    }
    json!({
        "automountServiceAccountToken": false,
        // Otherwise every Service of the namespace puts variables into the pod.
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": SHUTDOWN_S + GRACE_S,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [container(system, service)],
        "volumes": volumes,
    })
}

fn container(system: &System, service: &Service) -> Value {
    let mut mounts = vec![json!({ "name": "tmp", "mountPath": "/tmp" })];
    if let Some(path) = &service.data {
        mounts.push(json!({ "name": "data", "mountPath": path }));
    }
    // Kubernetes would take `$(NAME)` for a reference.
    let arguments = service.arguments.iter().map(|it| it.replace("$(", "$$("));
    let arguments: Vec<String> = arguments.collect();
    json!({
        "name": host(service.name()),
        "image": system.image,
        "args": arguments,
        "env": variables(system, service),
        "ports": [{ "name": "http", "containerPort": service.port }],
        "resources": {
            "requests": { "cpu": "100m", "memory": "128Mi" },
            "limits": { "memory": "512Mi" },
        },
        "startupProbe": probe("/startup", 1, 60),
        "readinessProbe": probe("/ready", 5, 2),
        // Says that the process lives, and nothing about what it depends on.
        "livenessProbe": probe("/health", 10, 3),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": mounts,
    })
}

fn variables(system: &System, service: &Service) -> Vec<Value> {
    let field = |name: &str, path: &str| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } });
    let token = json!({ "name": secret_name(system), "key": "tokens" });
    let mut variables = vec![
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        // The label that the kustomization sets, and that the scrape takes, too.
        field("OBS_ENV", "metadata.labels['environment']"),
        json!({ "name": "OBS_METRICS_TOKEN", "valueFrom": { "secretKeyRef": token } }),
        json!({ "name": "OBS_SHUTDOWN_TIMEOUT", "value": format!("{SHUTDOWN_S}s") }),
        json!({ "name": "LOG_FORMAT", "value": "json" }),
        json!({
            "name": "OTEL_EXPORTER_OTLP_ENDPOINT",
            "valueFrom": {
                "configMapKeyRef": {
                    "name": "telemetry", "key": "OTEL_EXPORTER_OTLP_ENDPOINT", "optional": true,
                },
            },
        }),
        json!({
            "name": "OTEL_RESOURCE_ATTRIBUTES",
            "value": "k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME)",
        }),
    ];
    let own = service.variables.iter();
    variables.extend(
        own.map(|(name, value)| json!({ "name": name, "value": value.replace("$(", "$$(") })),
    );
    variables
}

fn probe(path: &str, period: u32, failures: u32) -> Value {
    json!({
        "httpGet": { "path": path, "port": "http" },
        "periodSeconds": period,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    })
}

fn endpoint(system: &System, service: &Service) -> Value {
    let labels = labels(system, service);
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": host(service.name()), "labels": labels },
        "spec": {
            "selector": labels,
            "ports": [{ "name": "http", "port": service.port, "targetPort": "http" }],
        },
    })
}

fn claim(system: &System, service: &Service) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": data_name(service), "labels": labels(system, service) },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
        },
    })
}

fn data_name(service: &Service) -> String {
    format!("{}-data", host(service.name()))
}
