// Visits a console with a browser: reads what it shows, follows a request, and takes pictures.
//
// visit_console.cjs BROWSER ADDRESS ID FOLDER

const { join } = require('node:path');
const { chromium } = require('playwright-core');

const [executablePath, address, id, folder] = process.argv.slice(2);

async function main() {
  const browser = await chromium.launch({
    executablePath,
    args: [
      // It visits this machine and nothing else, and as root it has no sandbox.
      '--no-sandbox',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--hide-scrollbars',
    ],
  });
  const said = [];
  const asked = new Set();
  const visit = async (options, path = '') => {
    const page = await browser.newPage({ reducedMotion: 'reduce', ...options });
    page.setDefaultTimeout(15_000);
    page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('dialog', (dialog) => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('request', (request) => asked.add(request.url().replace(/\?.*/, '')));
    const begun = Date.now();
    await page.goto(`${address}/console${path}`);
    await page.locator('#state.on').waitFor();
    return { page, took: Date.now() - begun };
  };
  const picture = (page, name, fullPage = false) => page.screenshot({ path: join(folder, `${name}.png`), fullPage });
  const width = (page) => page.evaluate(() => document.documentElement.scrollWidth);
  const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const rows = (page, table) => page.locator(`#${table} tbody tr`).evaluateAll((all) => all.map((row) => [...row.children].slice(0, -1).map((cell) => cell.innerText.trim())));
  const seen = { said, pictures: [] };
  try {
    const wide = { viewport: { width: 1280, height: 860 } };
    const { page, took } = await visit({ ...wide, colorScheme: 'light' });
    seen.took = took;
    seen.title = await page.title();
    seen.routes = await rows(page, 'routes');
    seen.operations = await rows(page, 'operations');
    seen.tiles = await page.locator('.tile .big').allInnerTexts();
    seen.metrics = Object.fromEntries(await page.locator('#own .metric').evaluateAll((all) => all.map((card) => [
      card.querySelector('h3').innerText,
      [...card.querySelectorAll('li')].map((one) => `${one.querySelector('.labels').innerText} ${one.querySelector('.val').firstChild.textContent}`),
    ])));
    seen.checks = await page.locator('#checks li').allInnerTexts();
    seen.dropped = await page.locator('#dropped').innerText();
    seen.budget = await page.locator('#budget').innerText();
    seen.lines = await page.locator('#lines summary .msg').allInnerTexts();
    seen.markup = await page.locator('#lines b, #lines img, #timeline img').count();
    seen.light = await ground(page);
    await picture(page, 'light');
    // By the keyboard alone.
    await page.locator('#level').selectOption('ERROR');
    await page.waitForFunction(() => document.querySelectorAll('#lines .lv').length > 0 && [...document.querySelectorAll('#lines .lv')].every((it) => it.innerText === 'ERROR'));
    seen.errors = await page.locator('#lines summary .msg').allInnerTexts();
    await page.locator('#id').focus();
    await page.keyboard.type(id);
    await page.keyboard.press('Enter');
    await page.locator('#timeline .step').first().waitFor();
    seen.steps = await page.locator('#timeline .step').evaluateAll((all) => all.map((step) => ({
      kind: step.classList.contains('line') ? 'line' : 'span',
      failed: step.classList.contains('failed'),
      service: [...step.classList].find((name) => /^s[0-9]$/.test(name)),
      depth: parseInt(step.querySelector('.name').style.paddingLeft, 10) / 16,
      text: step.querySelector('.name').innerText.replace(/\s+/g, ' ').trim(),
      left: parseFloat(step.querySelector('.seg').style.left),
      width: parseFloat(step.querySelector('.seg').style.width || '0'),
    })));
    seen.about = await page.locator('#timeline-about').innerText();
    seen.notes = await page.locator('#timeline-notes').innerText();
    seen.focused = await page.evaluate(() => document.activeElement.id);
    await page.evaluate(() => scrollTo(0, 0));
    await picture(page, 'timeline');
    // Nothing is asked while it is paused.
    await page.locator('#pause').click();
    await page.waitForTimeout(50);
    let polls = 0;
    page.on('request', () => { polls += 1; });
    await page.waitForTimeout(2_500);
    seen.polls_when_paused = polls;
    await page.close();

    const dark = (await visit({ ...wide, colorScheme: 'dark' })).page;
    seen.dark = await ground(dark);
    await picture(dark, 'dark');
    await dark.close();

    const small = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1, colorScheme: 'light', isMobile: true, hasTouch: true };
    const phone = (await visit(small)).page;
    seen.phone_width = await width(phone);
    await picture(phone, 'phone');
    seen.phone_lines = await phone.locator('#lines summary').count();
    await phone.close();
    // The address alone leads to the request.
    const linked = (await visit(small, `#id=${id}`)).page;
    await linked.locator('#timeline .step').first().waitFor();
    seen.linked_width = await width(linked);
    await linked.close();

    seen.asked = [...asked];
    console.log(JSON.stringify(seen));
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
