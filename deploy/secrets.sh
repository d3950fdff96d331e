#!/bin/sh
# Generated from the declarations by `cargo run -p traceo -- artifacts .`; edits are lost.
#
# Makes the files that compose.yaml mounts, and leaves alone what is there.
#
#   SLACK_WEBHOOK_URL=https://.. ALERT_EMAIL_TO=team@example.com sh secrets.sh
#
# Pages go to SLACK_CHANNEL (#alerts) of the webhook, warnings to ALERT_EMAIL_TO, as if from
# ALERT_EMAIL_FROM. To change one of them, remove its file and run this again.
set -eu
cd "$(dirname "$0")"

# Containers run as other users than you: they must be able to read the files. Whoever else uses
# this machine is kept out by the folder that all of this lies in.
umask 022
chmod go-rwx .
mkdir -p secrets prometheus/secrets alertmanager/secrets

if ! [ -s secrets/metrics-tokens ]; then
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >secrets/metrics-tokens
    # Prometheus sends one token; the services may know two while it is changed.
    cp secrets/metrics-tokens prometheus/secrets/metrics-token
fi

if ! [ -s alertmanager/secrets/slack-url ]; then
    if [ -z "${SLACK_WEBHOOK_URL:-}" ]; then
        echo 'SLACK_WEBHOOK_URL is not set: pages are shown by Alertmanager, and reach nobody.' >&2
        # The port named "discard": what is sent there is counted as failed, which an alert can see.
        SLACK_WEBHOOK_URL=http://127.0.0.1:9/
    fi
    printf %s "$SLACK_WEBHOOK_URL" >alertmanager/secrets/slack-url
fi

if ! [ -s alertmanager/secrets/receivers.tmpl ]; then
    if [ -z "${ALERT_EMAIL_TO:-}" ]; then
        echo 'ALERT_EMAIL_TO is not set: warnings are shown by Alertmanager, and reach nobody.' >&2
    fi
    printf '{{ define "%s" }}%s{{ end }}\n' \
        page.channel "${SLACK_CHANNEL:-#alerts}" \
        warning.to "${ALERT_EMAIL_TO:-nobody@localhost}" \
        mail.from "${ALERT_EMAIL_FROM:-alertmanager@localhost}" \
        >alertmanager/secrets/receivers.tmpl
fi
