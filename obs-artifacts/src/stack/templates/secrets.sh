#
# Makes the secrets that compose.yaml mounts, each in a file, and leaves alone what is there.
#
#   sh secrets.sh                           the token for /metrics
#   SLACK_URL=https://.. sh secrets.sh      where pages go, too; SLACK_CHANNEL names the channel
#   ALERT_EMAIL_TO=a@b.c sh secrets.sh      where warnings go, from ALERT_EMAIL_FROM
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
if [ -n "${SLACK_URL:-}" ]; then
    printf %s "$SLACK_URL" >alertmanager/secrets/slack-url
elif ! [ -e alertmanager/secrets/slack-url ]; then
    echo 'No SLACK_URL: pages are shown by Alertmanager, and sent to nobody.' >&2
    # Port 9 is that of "discard", where nobody listens: a page that is not sent is counted as failed.
    printf %s 'http://127.0.0.1:9/' >alertmanager/secrets/slack-url
fi

# Who hears of an alert: Alertmanager reads templates, and no variables.
receivers=alertmanager/secrets/receivers.tmpl
if ! [ -e $receivers ] || [ -n "${ALERT_EMAIL_TO:-}${ALERT_EMAIL_FROM:-}${SLACK_CHANNEL:-}" ]; then
    cat >$receivers <<EOF
{{ define "page.channel" }}${SLACK_CHANNEL:-#alerts}{{ end }}
{{ define "warning.to" }}${ALERT_EMAIL_TO:-alerts@localhost}{{ end }}
{{ define "mail.from" }}${ALERT_EMAIL_FROM:-alertmanager@localhost}{{ end }}
EOF
fi
