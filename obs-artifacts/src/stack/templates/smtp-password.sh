
if ! [ -s alertmanager/secrets/smtp-password ]; then
    if [ -z "${SMTP_PASSWORD:-}" ]; then
        echo 'SMTP_PASSWORD is not set: the mail server will refuse warnings.' >&2
    fi
    printf %s "${SMTP_PASSWORD:-}" >alertmanager/secrets/smtp-password
fi
