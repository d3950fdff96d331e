//! Sentry: one issue per failure, one root transaction per request.
