import * as Sentry from '@sentry/react';

// The service that the page calls, on an origin of its own.
export const API = import.meta.env.VITE_API;

Sentry.init({
  dsn: import.meta.env.VITE_SENTRY_DSN,
  environment: import.meta.env.MODE,
  integrations: [Sentry.browserTracingIntegration()],
  // The share of visits that are recorded, here and in every service that a visit reaches.
  tracesSampleRate: 1.0,
  // Who gets `sentry-trace` and `baggage`: without this, the page's own origin alone. The slash
  // ends the name of the host, because a text matches the beginning of a longer one as well.
  tracePropagationTargets: [`${API}/`],
});
