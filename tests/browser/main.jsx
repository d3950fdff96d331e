// First, so that nothing happens unseen.
import { API } from './instrument.js';
import * as Sentry from '@sentry/react';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';

/** Asks the service, and keeps the id by which its people find the request again. */
async function ask(path, options) {
  const response = await fetch(`${API}${path}`, options);
  return {
    ok: response.ok,
    correlationId: response.headers.get('X-Correlation-ID'),
    requestId: response.headers.get('X-Request-ID'),
    body: await response.json(),
  };
}

function Answer({ name, answer }) {
  if (!answer) {
    return null;
  }
  return (
    <p id={name} data-request-id={answer.requestId}>
      {answer.ok ? answer.body.join(', ') : `That failed: ${answer.body.code}.`} Reference:{' '}
      <code>{answer.correlationId}</code>
    </p>
  );
}

function Shop() {
  const [orders, setOrders] = useState();
  const [placed, setPlaced] = useState();
  useEffect(() => {
    ask('/orders').then(setOrders);
  }, []);
  const place = () =>
    ask('/orders', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ item: 'anvil' }),
    }).then(setPlaced);
  return (
    <>
      <Answer name="orders" answer={orders} />
      <button onClick={place}>Order an anvil</button>
      <Answer name="placed" answer={placed} />
    </>
  );
}

createRoot(document.getElementById('root'), {
  onUncaughtError: Sentry.reactErrorHandler(),
  onCaughtError: Sentry.reactErrorHandler(),
  onRecoverableError: Sentry.reactErrorHandler(),
}).render(<Shop />);
