// Fills the page: asks this service about every second, and shows what it says.
//
// What is shown comes from log lines and other services, so it is hostile: it becomes text, never HTML.
'use strict';

const root = document.body.dataset.path;
const $ = (id) => document.getElementById(id);
const PERIOD = 1000;
const MAX_SHOWN = 300;

// ---- building blocks

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Makes the children of `parent` those of `items`, and keeps elements that are there already: a person
// may be reading, selecting or focusing one of them.
function sync(parent, items, key, make, update) {
  const known = parent.known ?? (parent.known = new Map());
  const wanted = new Set();
  items.forEach((item, index) => {
    const id = key(item);
    wanted.add(id);
    let element = known.get(id);
    if (!element) {
      element = make(item);
      known.set(id, element);
    }
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
    update(element, item);
  });
  for (const [id, element] of known) {
    if (!wanted.has(id)) {
      element.remove();
      known.delete(id);
    }
  }
}

// ---- numbers as people read them

const three = (n) => (n >= 100 ? Math.round(n).toString() : Number(n.toPrecision(3)).toString());
function count(n) {
  if (n === null || n === undefined) return '–';
  const size = Math.abs(n);
  if (size >= 1e9) return `${three(n / 1e9)} G`;
  if (size >= 1e6) return `${three(n / 1e6)} M`;
  if (size >= 1e4) return `${three(n / 1e3)} k`;
  return Number.isInteger(n) ? n.toString() : Number(n.toPrecision(3)).toString();
}
const perSecond = (n) => `${n === 0 ? '0' : n < 0.1 ? n.toFixed(2) : n < 10 ? n.toFixed(1) : count(Math.round(n))}/s`;
function seconds(s) {
  if (s === null || s === undefined) return '–';
  if (s < 0) return `-${seconds(-s)}`;
  if (s === 0) return '0 s';
  if (s < 0.001) return `${three(s * 1e6)} µs`;
  if (s < 1) return `${three(s * 1e3)} ms`;
  if (s < 120) return `${three(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return s < 172800 ? `${three(s / 3600)} h` : `${Math.round(s / 86400)} d`;
}
function bytes(n) {
  if (n < 0) return `-${bytes(-n)}`;
  if (n < 1024) return `${n} B`;
  return n < 1048576 ? `${three(n / 1024)} KiB` : `${three(n / 1048576)} MiB`;
}
const share = (part, whole) => (whole > 0 ? `${three((100 * part) / whole)} %` : '0 %');
function inUnit(metric, n) {
  if (n === null || n === undefined) return '–';
  if (/_seconds$/.test(metric.name)) return seconds(n);
  if (/_bytes(_total)?$/.test(metric.name)) return bytes(n);
  if (/_ratio$/.test(metric.name)) return `${three(n * 100)} %`;
  return count(n);
}

// ---- curves

const SVG = 'http://www.w3.org/2000/svg';
function curve(points, floor) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'curve');
  svg.setAttribute('viewBox', '0 0 100 30');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  for (const kind of ['area', 'stroke']) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('class', kind);
    svg.append(path);
  }
  draw(svg, points, floor);
  return svg;
}

// Draws what is known: a gap stays a gap.
function draw(svg, points, floor = 0) {
  const known = (points ?? []).map((point) => (point === null ? null : Number(point)));
  const highest = Math.max(floor, ...known.filter((point) => point !== null), 0) || 1;
  const x = (at) => (known.length > 1 ? (100 * at) / (known.length - 1) : 0).toFixed(2);
  const y = (point) => (29 - 26 * Math.max(0, point / highest)).toFixed(2);
  let stroke = '';
  let area = '';
  let begun = null;
  const end = (at) => {
    if (begun !== null) area += `L${x(at)} 30L${x(begun)} 30Z`;
    begun = null;
  };
  known.forEach((point, at) => {
    if (point === null) return end(at - 1);
    const to = `${x(at)} ${y(point)}`;
    if (begun === null) {
      // A point alone is seen as a short line.
      stroke += `M${Math.max(0, x(at) - 0.6).toFixed(2)} ${y(point)}L${to}`;
      area += `M${to}`;
      begun = at;
    } else {
      stroke += `L${to}`;
      area += `L${to}`;
    }
  });
  end(known.length - 1);
  svg.firstChild.setAttribute('d', area);
  svg.lastChild.setAttribute('d', stroke);
}

function redraw(box, points, floor) {
  if (box.firstChild) draw(box.firstChild, points, floor);
  else box.append(curve(points, floor));
}

// ---- the numbers

function tile(id, big, unit, small, points, { floor = 0, alarm = false } = {}) {
  const box = $(id);
  const [value, note, chart] = [box.children[1], box.children[2], box.children[3]];
  if (!value.firstChild) value.append('', el('small'));
  value.firstChild.textContent = big;
  setText(value.lastChild, unit);
  setText(note, small);
  redraw(chart, points, floor);
  box.classList.toggle('alarm', alarm);
}

function tiles(routes) {
  const all = routes.total;
  tile('tile-rate', perSecond(all.rate).replace('/s', ''), 'per second', `${count(all.calls)} in all`, all.points, { floor: 1 });
  tile('tile-errors', count(all.failed), share(all.failed, all.calls),
    `${count(all.refused)} refused (4xx)`, all.failed_points, { floor: 1, alarm: all.failed > 0 });
  tile('tile-latency', seconds(all.p95), '', all.p95 === null ? 'no request' : `p50 ${seconds(all.p50)} · p99 ${seconds(all.p99)}`, all.p95_points);
  const flight = all.in_flight_points ?? [];
  tile('tile-flight', count(all.in_flight ?? 0), '', `highest seen: ${count(Math.max(0, ...flight))}`, flight, { floor: 2 });
}

const COLUMNS = ['calls', 'rate', 'errors', 'refused', 'p50', 'p95', 'p99'];
function table(id, data, first, refused) {
  const section = $(id);
  const rows = data.rows.filter((row) => row.key.every((part) => part !== ''));
  section.hidden = id !== 'routes' && rows.length === 0;
  const box = section.querySelector('.scroll');
  const empty = section.querySelector('.empty');
  if (empty) empty.hidden = rows.length > 0;
  box.hidden = rows.length === 0;
  const inFlight = rows.some((row) => row.in_flight !== null);
  const columns = [...COLUMNS.map((name) => (name === 'refused' ? refused : name)), ...(inFlight ? ['in flight'] : [])];
  if (box.columns !== columns.join()) {
    box.columns = columns.join();
    const head = [first, ...columns, ''].map((name) => el('th', { scope: 'col' }, name));
    box.replaceChildren(el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody')));
  }
  setText(box.querySelector('th:last-child'), `last ${seconds(state.window)}`);
  sync(box.querySelector('tbody'), rows, (row) => row.key.join('\n'), (row) => {
    const [only, method] = [...row.key].reverse();
    const name = el('th', { scope: 'row' }, method ? el('b', {}, method) : null, method ? ' ' : null, only);
    return el('tr', {}, name, ...columns.map(() => el('td')), el('td', {}, curve([])));
  }, (tr, row) => {
    const cells = [count(row.calls), perSecond(row.rate), count(row.failed), count(row.refused),
      seconds(row.p50), seconds(row.p95), seconds(row.p99), ...(inFlight ? [count(row.in_flight ?? 0)] : [])];
    cells.forEach((text, at) => {
      const td = tr.children[at + 1];
      setText(td, text);
      td.className = at === 2 && row.failed > 0 ? 'bad' : text === '0' || text === '–' || text === '0/s' ? 'zero' : '';
    });
    draw(tr.lastChild.firstChild, row.points);
  });
}

function list(id, items, key, make, update) {
  const section = $(id);
  sync(section.querySelector('ul'), items, key, make, update);
  const empty = section.querySelector('.empty');
  if (empty) empty.hidden = items.length > 0;
  return empty;
}

function checks(all) {
  list('checks', all, (check) => check.name,
    (check) => el('li', {}, el('span', {}, el('span', { class: 'dot' }), check.name), el('em')),
    (li, check) => {
      li.className = check.up === null ? '' : check.up ? 'up' : 'down';
      setText(li.lastChild, check.up === null ? 'not asked yet' : `${check.up ? 'up' : 'down'} · ${seconds(check.ms / 1000)}`);
    });
}

function dropped(all) {
  const lost = all.filter((one) => one.count > 0).sort((a, b) => b.count - a.count);
  const words = (one) => Object.values(one.labels).join(', ');
  const empty = list('dropped', lost, (one) => one.name + words(one),
    (one) => el('li', {}, el('span', { class: 'mono' }, one.name, ' ', el('em', {}, words(one))), el('strong')),
    (li, one) => setText(li.lastChild, count(one.count)));
  setText(empty, `Nothing was lost: ${all.length} counters say so.`);
}

function budget(data) {
  const rows = [
    ...data.registries.map((row) => ({ name: `metrics! ${row.name}`, used: row.series, of: row.budget })),
    ...data.families.map((row) => ({ name: row.name, used: row.series, of: row.budget })),
  ];
  list('budget', rows, (row) => row.name,
    (row) => el('li', {}, el('span', { class: 'mono' }, row.name), el('em'), el('progress', { 'aria-label': `Budget used by ${row.name}` })),
    (li, row) => {
      setText(li.children[1], `${count(row.used)} of ${count(row.of)}`);
      li.children[2].max = Math.max(1, row.of);
      li.children[2].value = row.used;
    });
  setText($('budget').querySelector('.note'), `${count(data.series)} series are scraped now, ${count(data.combinations)} of at most ${count(data.most)} combinations.`);
}

function valueOf(metric, one) {
  if (one.p50 !== undefined) return [one.p95 === null ? count(one.count) : inUnit(metric, one.p95), one.p95 === null ? 'observations' : `p95 · p50 ${inUnit(metric, one.p50)} · ${count(one.count)}`];
  if (one.total !== undefined) return [inUnit(metric, one.count), one.rate > 0 ? perSecond(one.rate) : `of ${inUnit(metric, one.total)}`];
  if (one.quantiles !== undefined) return [count(one.count), one.quantiles.map(([q, v]) => `p${three(q * 100)} ${inUnit(metric, v)}`).join(' · ')];
  return [inUnit(metric, one.value), ''];
}

function metrics(data) {
  for (const [box, families] of [['own', data.families.filter((it) => it.declared)], ['others', data.families.filter((it) => !it.declared)]]) {
    sync($(box), families, (metric) => metric.name, (metric) => el('article', { class: 'card metric' },
      el('h3', {}, metric.name), el('p', {}, metric.help), el('ul'), el('small', { class: 'note' })), (card, metric) => {
      const series = card.children[2];
      sync(series, metric.series, (one) => JSON.stringify(one.labels), (one) => el('li', {},
        el('span', { class: 'labels' }, Object.entries(one.labels).map(([name, value]) => `${name}=${value}`).join(' ') || metric.kind),
        el('span', { class: 'val' }, '', el('small')),
        el('span', { class: 'chart' })), (li, one) => {
        const [big, small] = valueOf(metric, one);
        const value = li.children[1];
        value.firstChild.textContent = big;
        setText(value.lastChild, small);
        const moved = (one.points ?? []).some((point) => point !== 0);
        li.children[2].hidden = !moved;
        if (moved) redraw(li.children[2], one.points);
      });
      setText(card.lastChild, metric.hidden > 0 ? `and ${count(metric.hidden)} more` : '');
    });
    if (box === 'own') $('metrics').querySelector('.empty').hidden = families.length > 0;
    else $('libraries').hidden = families.length === 0;
  }
}

function overview(data) {
  const { service, range } = data;
  state.window = range.window;
  tiles(data.routes);
  table('routes', data.routes, 'route', '4xx');
  table('tools', data.tools, 'tool', 'cancelled');
  table('operations', data.operations, 'operation', 'cancelled');
  checks(data.checks);
  dropped(data.dropped);
  budget(data.budget);
  metrics(data.metrics);
  const [covered, age] = [Math.round(range.seconds), Math.round(service.uptime)];
  setText($('covers'), covered >= age ? `all ${seconds(age)} since it started` : `the last ${seconds(covered)}; it started ${seconds(age)} ago`);
  const { lines, spans, numbers } = data.kept;
  const gone = lines.pushed_out + spans.pushed_out;
  const memory = lines.bytes + spans.bytes + numbers.bytes;
  setText($('kept'), `${count(lines.count)} lines and ${count(spans.count)} spans are kept, ${bytes(memory)} in all; `
    + (gone > 0 ? `${count(lines.pushed_out)} older lines and ${count(spans.pushed_out)} older spans made room.` : 'none has had to make room.')
    + (numbers.unfollowed > 0 ? ` ${count(numbers.unfollowed)} series are too many to be followed.` : ''));
}

// ---- lines and spans

const idButton = (id) => {
  if (!id) return el('span');
  const button = el('button', { type: 'button', class: 'idlink', title: `Show the request ${id}`, 'aria-label': `Timeline of ${id}` }, id);
  button.addEventListener('click', (event) => {
    event.preventDefault();
    find(id);
  });
  return button;
};

const OWN = new Set(['timestamp', 'level', 'target', 'message', 'service', 'environment', 'correlation_id', 'request_id', 'trace_id', 'span_id', 'parent_span_id', 'linked_span_id']);
// What stands elsewhere on the row, or is of no use at a glance; all of it is there when it is opened.
const QUIET = new Set(['field_correlation_id', 'field_request_id', 'url.scheme', 'network.protocol.name', 'network.protocol.version', 'sample_rate', 'ttfb_ms', 'bytes_out', 'server.port', 'http.request.method', 'http.route', 'method', 'route', 'tool']);
const FIRST = ['status', 'http.response.status_code', 'error', 'outcome', 'error.type', 'error_code', 'duration_ms'];
const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
function inShort(fields, without = OWN) {
  const shown = Object.entries(fields ?? {}).filter(([name]) => !without.has(name) && !QUIET.has(name));
  const rank = ([name]) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  shown.sort((a, b) => rank(a) - rank(b));
  return shown.map(([name, value]) => `${name}=${text(value)}`).join(' ').slice(0, 300);
}

function details(fields) {
  const all = Object.entries(fields).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, text(value))]);
  return el('dl', {}, ...all);
}

function entry(at, level, message, short, id, fields) {
  const summary = el('summary', {},
    el('time', {}, at), el('span', { class: `lv ${level}` }, level),
    el('span', { class: 'msg' }, message, short ? el('i', {}, short) : null), idButton(id));
  const box = el('details', {}, summary);
  // Most are never opened.
  box.addEventListener('toggle', () => { if (box.open && box.children.length === 1) box.append(details(fields)); });
  return el('li', {}, box);
}

const lineEntry = (line) => entry(String(line.timestamp).slice(11, 23), String(line.level), text(line.message ?? ''), [line.route && `${text(line.method)} ${text(line.route)}`, inShort(line)].filter(Boolean).join(' '), line.correlation_id, line);
function spanEntry(span) {
  const at = new Date(span.start / 1000).toISOString().slice(11, 23);
  const { fields, ...rest } = span;
  return entry(at, span.failed ? 'ERROR' : 'INFO', `${span.name} · ${seconds(span.duration / 1e6)}`, inShort(fields, new Set()), span.correlation_id, { ...rest, ...fields });
}

function showRecent(kind, data, make) {
  const box = $(kind);
  box.prepend(...data.records.map(make).reverse());
  while (box.children.length > MAX_SHOWN) box.lastChild.remove();
  state.after[kind] = data.last;
}

// ---- one request

async function find(id) {
  if (location.hash !== `#id=${id}`) history.replaceState(null, '', `#id=${id}`);
  $('id').value = id;
  let data;
  try {
    data = await ask(`timeline?id=${encodeURIComponent(id)}`);
  } catch (error) {
    data = { id, rows: [], services: [], silent: [], whole: true, wrong: error.status === 400 };
  }
  timeline(data);
}

function timeline(data) {
  const section = $('timeline');
  const failed = data.rows.some((row) => row.failed || row.line?.level === 'ERROR');
  const about = $('timeline-about');
  const tags = data.services.map((name, at) => el('span', { class: `tag s${at % 5}` }, el('span', { class: 'swatch' }), name));
  about.replaceChildren(el('code', {}, data.id));
  if (data.rows.length > 0) {
    const begun = new Date(data.start / 1000).toISOString().replace('T', ' ').slice(0, 23);
    about.append(` began ${begun} UTC, took ${seconds(data.duration / 1e6)}, `, el('strong', { class: failed ? 'bad' : 'good' }, failed ? 'failed' : 'succeeded'), el('br'), ...tags);
  } else if (data.wrong) {
    about.append(' is no correlation id: they have 1 to 128 letters, digits and . _ ~ -');
  } else {
    about.append(' is unknown here: the request has not ended, or is too old, or its lines were not logged.');
  }
  const notes = [...data.silent.map(({ name, why }) => `${name} did not say what it knows: ${why}.`), ...(data.whole ? [] : ['There is more than is shown.'])];
  $('timeline-notes').hidden = notes.length === 0;
  setText($('timeline-notes'), notes.join(' '));
  $('timeline-rows').replaceChildren(...data.rows.map((row) => step(row, Math.max(1, data.duration))));
  section.hidden = false;
  $('timeline-title').focus({ preventScroll: true });
  section.scrollIntoView({ block: 'nearest' });
}

function step(row, whole) {
  const { line } = row;
  const segment = el('span', { class: 'seg' });
  segment.style.left = `${Math.min(100, (100 * row.at) / whole)}%`;
  if (!line) segment.style.width = `${Math.min(100, (100 * row.duration) / whole)}%`;
  const head = line
    ? [el('span', { class: `lv ${text(line.level)}` }, text(line.level)), text(line.message ?? ''), inShort(line)]
    : [el('span', { class: 'swatch' }), text(row.name ?? ''), inShort(row.fields, new Set())];
  const name = el('span', { class: 'name' }, head[0], el('span', { class: 'text' }, head[1], ' ', el('span', { class: 'extra' }, head[2])));
  name.style.paddingLeft = `${Math.min(row.depth, 12) * 16}px`;
  const took = line ? `+${seconds(row.at / 1e6)}` : seconds(row.duration / 1e6);
  const box = el('details', {}, el('summary', {}, name, el('span', { class: 'lane' }, segment), el('span', { class: 'took' }, took)));
  const all = line ?? { target: row.target, began: `+${seconds(row.at / 1e6)}`, took: seconds(row.duration / 1e6), ...row.fields };
  box.addEventListener('toggle', () => { if (box.open && box.children.length === 1) box.append(details(all)); });
  return el('li', { class: `step s${row.service % 5} ${line ? `line ${text(line.level)}` : 'span'}${row.failed ? ' failed' : ''}` }, box);
}

// ---- asking

const state = { range: '300', level: 'INFO', after: { lines: 0, spans: 0 }, paused: false, window: 300, timer: 0, asking: null };

async function ask(what, signal) {
  const response = await fetch(`${root}/api/${what}`, { signal, headers: { accept: 'application/json' } });
  if (!response.ok) throw Object.assign(new Error(`status ${response.status}`), { status: response.status });
  return response.json();
}

function say(word, mood) {
  setText($('state'), word);
  $('state').className = `state ${mood}`;
}

async function poll() {
  clearTimeout(state.timer);
  state.asking?.abort();
  if (state.paused || document.hidden) return say(state.paused ? 'paused' : 'waiting', '');
  const asking = new AbortController();
  state.asking = asking;
  const patience = setTimeout(() => asking.abort(), 10_000);
  try {
    const { lines, spans } = state.after;
    const [numbers, recent] = await Promise.all([
      ask(`overview?range=${state.range}`, asking.signal),
      ask(`recent?lines=${lines}&spans=${spans}&level=${state.level}`, asking.signal),
    ]);
    if (state.asking !== asking) return;
    overview(numbers);
    // A service that began anew counts anew.
    if (recent.lines.last < lines) return restart();
    showRecent('lines', recent.lines, lineEntry);
    showRecent('spans', recent.spans, spanEntry);
    quiet();
    say('live', 'on');
  } catch {
    if (state.asking !== asking) return;
    say('no answer', 'off');
  } finally {
    clearTimeout(patience);
  }
  if (state.asking === asking) state.timer = setTimeout(poll, PERIOD);
}

function quiet() {
  const shown = $('spans').hidden ? $('lines') : $('spans');
  $('quiet').hidden = shown.children.length > 0;
  shown.classList.toggle('none', shown.children.length === 0);
}

function restart() {
  for (const kind of ['lines', 'spans']) {
    state.after[kind] = 0;
    $(kind).replaceChildren();
  }
  poll();
}

// What somebody wrote into the address may be no encoding at all.
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fromHash() {
  const id = /^#id=(.+)$/.exec(location.hash)?.[1];
  if (id) find(unescaped(id));
}

$('find').addEventListener('submit', (event) => {
  event.preventDefault();
  const id = $('id').value.trim();
  if (id) find(id);
});
$('timeline-close').addEventListener('click', () => {
  $('timeline').hidden = true;
  history.replaceState(null, '', location.pathname);
  $('id').focus();
});
$('pause').addEventListener('click', () => {
  state.paused = !state.paused;
  $('pause').setAttribute('aria-pressed', String(state.paused));
  setText($('pause'), state.paused ? 'Go on' : 'Pause');
  poll();
});
for (const input of document.querySelectorAll('input[name=range]')) {
  input.addEventListener('change', () => { state.range = input.value; poll(); });
}
for (const input of document.querySelectorAll('input[name=what]')) {
  input.addEventListener('change', () => {
    $('lines').hidden = input.value !== 'lines';
    $('spans').hidden = input.value !== 'spans';
    quiet();
  });
}
$('level').addEventListener('change', () => {
  state.level = $('level').value;
  state.after.lines = 0;
  $('lines').replaceChildren();
  poll();
});
document.addEventListener('visibilitychange', poll);
window.addEventListener('hashchange', fromHash);
setText($('curl'), `curl -i ${location.origin}/`);
poll();
fromHash();
