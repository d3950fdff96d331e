// Visits the shop with a browser: looks at its orders, places one, and tells what the page showed.
//
// visit_page.cjs BROWSER ADDRESS

const { chromium } = require('playwright-core');

const [executablePath, address] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({
    executablePath,
    args: [
      // It visits this machine and nothing else, and as root it has no sandbox.
      '--no-sandbox',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      '--disable-gpu',
      '--disable-dev-shm-usage',
    ],
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  const said = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  const preflights = [];
  const protocol = await page.context().newCDPSession(page);
  await protocol.send('Network.enable');
  protocol.on('Network.responseReceived', ({ type, response }) => {
    if (type === 'Preflight') {
      preflights.push({ address: response.url, status: response.status });
    }
  });
  const shown = async (name) => {
    const answer = page.locator(`#${name}`);
    return {
      text: await answer.innerText(),
      correlation_id: await answer.locator('code').innerText(),
      request_id: await answer.getAttribute('data-request-id'),
    };
  };
  try {
    // The spans of opening the page are sent when nothing has happened for a while.
    const sent = page.waitForResponse((response) => {
      const body = response.request().postData() ?? '';
      return response.url().includes('/envelope/') && body.includes('"http.client"');
    });
    await page.goto(address);
    const orders = await shown('orders');
    await sent;
    await page.getByRole('button').click();
    const placed = await shown('placed');
    console.log(JSON.stringify({ orders, placed, said, preflights }));
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
