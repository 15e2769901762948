// SPDX-License-Identifier: Apache-2.0
// The page of `braille-dataset review`. What comes from the data set is only ever set as text.
'use strict';

const T = STRINGS[document.documentElement.lang.startsWith('zh') ? 'zh' : 'en'];
const $ = (id) => document.getElementById(id);

let place = null;     // what the server said of where we are: {at, total, open, next_open, item}
let item = null;      // place.item
let busy = false;     // a request is under way: keys wait
let opened = null;    // the button whose form is open
let encodeTimer = 0;
let rectTimer = 0;

// ---- words ----

const words = (cells) => T.cellsWords(cells.map(T.dots));
const glyphs = (cells) => cells.map((c) => String.fromCodePoint(0x2800 + (c === '0' ? 0 : [...c].reduce((s, d) => s | 1 << (d - 1), 0)))).join('');
const px = (v) => (Math.round(v * 10) / 10).toString();
const share = (v) => (Math.round(v * 100) / 100).toString();
const verdictOf = (v) => T.verdicts[v] || v;

// The other picture of a duplicate, or ''.
function twinOf(rule) {
  const twin = /^the same print as (.+)$/.exec(rule || '');
  return twin ? twin[1] : '';
}

function ruleOf(rule) {
  return twinOf(rule) ? T.samePrint(twinOf(rule)) : T.rules[rule] || rule;
}

function labelOf(it) {
  return it.new_label ? {text: it.new_label.text, cells: it.new_label.cells} : {text: it.text || '', cells: it.cells};
}

// Both lists count from their own leftmost column. Where the first columns are other ones (cut off, or too many),
// that hides what agrees: move the measured ones to where most of them meet an expected one.
function align(it) {
  const near = 0.3 * (it.pitch || 10), want = [0, ...it.expected], got = [0, ...it.measured];
  const met = (by) => got.filter((m) => want.some((e) => Math.abs(m + by - e) <= near)).length;
  let best = {by: 0, met: met(0)};
  for (const e of want)
    for (const m of got)
      if (met(e - m) > best.met)
        best = {by: e - m, met: met(e - m)};
  return {want, got: got.map((m) => m + best.by), by: best.by};
}

// Side by side; one that has no partner stands alone.
function pairs(it) {
  const {want, got} = align(it), reach = 0.5 * (it.pitch || 10), out = [];
  if (!it.expected.length && !it.measured.length)
    return out;
  let e = 0, m = 0;
  while (e < want.length || m < got.length) {
    if (want[e] !== undefined && got[m] !== undefined && Math.abs(want[e] - got[m]) <= reach) {
      out.push({want: want[e], got: got[m], off: got[m] - want[e]});
      e++, m++;
    } else if (got[m] === undefined || want[e] < got[m]) {
      out.push({want: want[e]});
      e++;
    } else {
      out.push({got: got[m]});
      m++;
    }
  }
  return out;
}

function cellName(cell, n) {
  return cell < 0 ? T.cellBefore(-cell) : cell >= n ? T.cellBehind(cell - n + 1) : T.cellHere(cell + 1);
}

// What does not agree, a sentence each.
function dotSentences(it) {
  const out = [];
  for (const d of it.dots || []) {
    if (d.kind === 'missing')
      out.push(d.dot ? T.dotMissing(d.dot, d.cell + 1) : T.dotMissingAt());
    else if (d.kind === 'extra')
      out.push(d.dot ? T.dotExtraOn(d.dot, d.cell, cellName(d.cell, it.cells.length))
        : T.dotExtra(px(d.at ? d.at[0] : 0), px(d.at ? d.at[1] : 0), T.edges[d.edge]));
    else if (d.dot && it.pitch && d.off > 0.2 * it.pitch)
      out.push(T.dotOff(d.dot, d.cell + 1, px(d.off)));
  }
  return out;
}

function seenWords(it) {
  if (!it.seen || it.seen.cells.join() === it.cells.join())
    return '';
  const reads = /^[⠀-⣿]*$/.test(it.seen.reads) ? '' : it.seen.reads;
  return T.saySeen(words(it.seen.cells), reads);
}

function stateWords(it) {
  const out = [];
  if (it.outcome !== 'undecided')
    out.push(T.state[it.outcome]);
  if (it.new_label)
    out.push(T.stateLabel(it.new_label.text, words(it.new_label.cells)));
  if (it.new_rect)
    out.push(T.stateRect(it.new_rect));
  return out.join(', ');
}

function distanceWords(it) {
  const list = pairs(it), by = align(it).by, out = [];
  if (!list.length)
    return '';
  const numbers = (key) => list.filter((p) => p[key] !== undefined && Math.abs(p[key]) > 0.001).map((p) => px(p[key])).join(', ') || T.none;
  out.push(T.sayDistances(numbers('want'), numbers('got')));
  if (Math.abs(by) > 0.001)
    out.push(by < 0 ? T.sayBefore(px(-by)) : T.sayBehind(px(by)));
  const met = list.filter((p) => p.off !== undefined);
  const worst = met.reduce((w, p) => Math.abs(p.off) > Math.abs(w.off) ? p : w, {off: 0});
  if (met.length > 1 && it.pitch)
    out.push(T.sayWorst(px(Math.abs(worst.off)), share(Math.abs(worst.off) / it.pitch), px(worst.want || 0)));
  return out.join(' ');
}

// Everything that somebody who does not see the pictures needs, in the order of use.
function itemWords() {
  const it = item, out = [T.sayItem(place.at + 1, place.total, it.id)];
  out.push(T.sayLabel(it.text || T.none, T.codes[it.code] || it.code || T.none, it.cells.length, words(it.cells)));
  if (it.reads !== null)
    out.push(T.sayReads(it.reads || T.nothing));
  if (it.broken)
    out.push(T.sayBroken(it.broken));
  if (it.verdict)
    out.push(T.sayVerdict(verdictOf(it.verdict), T.edges[it.edge]));
  if (it.rule)
    out.push(T.sayRule(ruleOf(it.rule)));
  if (it.doubt)
    out.push(T.sayDoubt(Math.round(it.doubt * 100)));
  out.push(distanceWords(it));
  if (it.n_dots)
    out.push(T.sayCounts(it.n_dots.agrees, it.n_dots.agrees + it.n_dots.missing), ...dotSentences(it).slice(0, 8));
  out.push(seenWords(it));
  if (stateWords(it))
    out.push(T.sayState(stateWords(it)));
  if (it.note)
    out.push(T.sayNote(it.note));
  return out.filter(Boolean).join(' ');
}

// ---- telling ----

function say(text) {
  const live = $('live');
  live.textContent = live.textContent === text ? text + '\u00a0' : text; // the same words again are said again
}

function tell(text) {
  $('message').textContent = text;
  $('message').hidden = !text;
  $('trouble').hidden = true;
}

function complain(text) {
  $('trouble').textContent = text;
  $('trouble').hidden = false;
  $('message').hidden = true;
}

function make(name, text, attributes = {}) {
  const node = document.createElement(name);
  if (text)
    node.textContent = text;
  for (const [key, value] of Object.entries(attributes))
    node.setAttribute(key, value);
  return node;
}

// ---- the server ----

// The answer, or null after the person was told why not. `refused` gets what the program refuses in its own words.
async function ask(path, body, refused) {
  let answer, json = {};
  try {
    answer = await fetch(path, body ? {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)} : {});
    json = await answer.json();
  } catch (e) {
    complain(T.gone);
    return null;
  }
  if (answer.ok)
    return json;
  const error = json.error || {code: 'failed', text: ''};
  if (refused && error.code === 'input')
    refused(error.text);
  else
    complain(T.errors[error.code] || `${T.failed}: ${error.text}`);
  return null;
}

async function work(action) {
  if (busy)
    return;
  busy = true;
  document.body.setAttribute('aria-busy', 'true');
  try {
    await action();
  } finally {
    busy = false;
    document.body.removeAttribute('aria-busy');
  }
}

// ---- showing ----

function fact(list, name, ...what) {
  const value = make('dd');
  value.append(...what);
  list.append(make('dt', name), value);
}

function showFacts() {
  const list = $('facts'), it = item;
  list.replaceChildren();
  fact(list, T.factLabel, make('span', it.text || T.none, {class: 'label', lang: 'zh-Hans'}));
  const cells = make('span', glyphs(it.cells), {class: 'glyphs', 'aria-hidden': 'true'});
  fact(list, T.factCells, cells, make('br'), words(it.cells));
  if (it.reads !== null)
    fact(list, T.factReads, it.reads || T.nothing);
  fact(list, T.factCode, T.codes[it.code] || it.code || T.none);
  if (it.verdict)
    fact(list, T.factVerdict, make('span', verdictOf(it.verdict), {class: 'verdict'}), it.edge ? ` ${T.edges[it.edge] || it.edge}` : '');
  if (it.rule)
    fact(list, T.factRule, T.lang === 'en' || ruleOf(it.rule) !== it.rule ? ruleOf(it.rule) : make('span', it.rule, {lang: 'en'}));
  if (it.doubt !== null && it.doubt !== undefined)
    fact(list, T.factDoubt, T.percent(Math.round(it.doubt * 100)));
  fact(list, T.factSize, T.size(it.width, it.height, Math.round(it.dpi)) + (T.sides[it.page_side] ? `, ${T.sides[it.page_side]}` : ''));
  if (it.source)
    fact(list, T.factSource, it.source);
  fact(list, T.factState, stateWords(it) || T.state.undecided);
  if (it.note)
    fact(list, T.factNote, it.note);
}

// Small pictures are enlarged, so that two stand side by side in their column.
function enlarge(img) {
  img.width = Math.max(img.naturalWidth, Math.min(4 * img.naturalWidth, 350));
}

function showPictures() {
  const it = item, label = labelOf(it), n = it.n_dots || {agrees: 0, missing: 0, extra: 0};
  $('picture').alt = T.altPicture(label.text || T.none, words(label.cells));
  $('picture').parentElement.hidden = Boolean(it.broken);
  $('broken').hidden = !it.broken;
  $('broken').textContent = it.broken ? T.sayBroken(it.broken) : '';
  if (!it.broken)
    $('picture').src = `picture?id=${encodeURIComponent(it.id)}`;
  $('drawing-figure').hidden = !it.drawing;
  $('drawing').alt = T.altDrawing(n.agrees, n.agrees + n.missing, n.extra);
  if (it.drawing)
    $('drawing').src = `drawing?id=${encodeURIComponent(it.id)}`;
  const twin = twinOf(it.rule);
  $('twin-figure').hidden = !twin;
  $('twin').alt = $('twin-caption').textContent = twin ? T.twin(twin) : '';
  if (twin)
    $('twin').src = `picture?id=${encodeURIComponent(twin)}`;
}

function showDistances() {
  const rows = pairs(item), body = $('distances').tBodies[0];
  body.replaceChildren();
  $('distances').hidden = !rows.length;
  $('distances-words').textContent = !rows.length ? T.noDistances
    : item.pitch ? T.pitchWords(px(item.pitch), px(item.cell || 0), share(item.skew || 0)) : '';
  rows.forEach((p, i) => {
    const off = p.off === undefined ? 1 : Math.abs(p.off) / (item.pitch || 10);
    const judged = p.got === undefined ? T.rowMissing : p.want === undefined ? T.rowExtra : off <= 0.2 ? T.rowAgrees : T.rowOff(share(off));
    const row = make('tr', '', off > 0.2 ? {class: 'off'} : {});
    row.append(make('th', String(i + 1), {scope: 'row'}), make('td', p.want === undefined ? '–' : px(p.want)), make('td', p.got === undefined ? '–' : px(p.got)),
      make('td', p.off === undefined ? '–' : (p.off > 0 ? '+' : '') + px(p.off)), make('td', judged));
    body.append(row);
  });
}

function showDots() {
  const sentences = dotSentences(item), n = item.n_dots;
  const any = n && n.agrees + n.missing + n.extra > 0;
  const counts = any ? T.sayCounts(n.agrees, n.agrees + n.missing) : '';
  $('dots-words').textContent = [!any ? T.noDots : sentences.length ? counts : T.allAgree, seenWords(item)].filter(Boolean).join(' ');
  $('dots').replaceChildren(...sentences.map((s) => make('li', s)));
  $('dots').hidden = !sentences.length;
}

function historyWords(h) {
  let what = T.actions[h.action] || h.action;
  if (h.text)
    what += ` ${h.text}`;
  if (h.rect)
    what += ` (${T.stateRect(h.rect)})`;
  if (h.note)
    what += ` “${h.note}”`;
  return what;
}

function showHistory() {
  $('history-none').hidden = item.history.length > 0;
  $('history').hidden = !item.history.length;
  $('history').replaceChildren(...item.history.map((h) => {
    const what = historyWords(h), when = new Date(h.time);
    const line = make('li', T.historyLine(what, h.reviewer, isNaN(when) ? h.time : when.toLocaleString(T.lang)), h.undone ? {class: 'undone'} : {});
    if (h.undone) {
      line.append(` (${T.takenBack})`);
    } else {
      const button = make('button', T.undo, {type: 'button', 'aria-label': T.undoThis(what)});
      button.addEventListener('click', () => undo(h.n));
      line.append(button);
    }
    return line;
  }));
}

function showPlace() {
  const at = item ? place.at + 1 : place.total;
  $('progress').textContent = T.progress(at, place.total, place.open);
  $('bar').max = Math.max(1, place.total);
  $('bar').value = place.total - place.open;
  $('bar').setAttribute('aria-label', T.progress(at, place.total, place.open));
  document.title = item ? `${T.itemTitle(place.at + 1, place.total, item.id)} – ${T.title}` : T.title;
}

function showFinished() {
  $('finished-title').textContent = place.total ? T.finished : T.empty;
  $('finished-words').textContent = place.total ? T.finishedWords(place.total) : T.emptyWords;
  $('finished-look').hidden = !place.total;
}

// Show what the server sent. The focus stays where it is as long as that is still to be seen.
function show(answer, before) {
  place = answer;
  item = answer.item || null;
  closeForm(false);
  $('item').hidden = !item;
  $('finished').hidden = Boolean(item);
  showPlace();
  if (item) {
    $('item-title').textContent = T.itemTitle(place.at + 1, place.total, item.id);
    showFacts();
    showPictures();
    showDistances();
    showDots();
    showHistory();
  } else {
    showFinished();
  }
  const now = item ? itemWords() : `${$('finished-title').textContent}. ${$('finished-words').textContent}`;
  say([before, now].filter(Boolean).join(' '));
  keepFocus();
}

function keepFocus() {
  const here = document.activeElement;
  if (here && here !== document.body && here.isConnected && here.getClientRects().length)
    return;
  (item ? $('item-title') : $('finished-title')).focus();
}

// ---- moving and deciding ----

async function go(query) {
  await work(async () => {
    const answer = await ask(`item?${query}`);
    if (answer) {
      tell('');
      show(answer, '');
    }
  });
}

function step(by) {
  if (!item)
    return go(`at=${by > 0 ? 0 : Math.max(0, place.total - 1)}`);
  const at = place.at + by;
  if (at < 0 || at >= place.total) {
    tell(at < 0 ? T.first : T.last);
    say(at < 0 ? T.first : T.last);
    return null;
  }
  return go(`at=${at}`);
}

function didWords(did) {
  const detail = {text: did.text, words: did.cells ? words(did.cells) : '', name: T.actions[did.undone] || did.undone};
  return T.did[did.action](did.id, detail);
}

function after(answer) {
  const text = `${didWords(answer.did)} ${T.remain(answer.open)}.`;
  tell(text);
  show(answer, text);
}

async function decide(decision, refused) {
  if (!item)
    return;
  await work(async () => {
    const answer = await ask('decide', {id: item.id, ...decision}, refused);
    if (answer)
      after(answer);
  });
}

async function undo(n) {
  await work(async () => {
    const answer = await ask('undo', {at: item ? place.at : place.total, ...(n ? {n} : {})});
    if (answer)
      after(answer);
    else
      keepFocus();
  });
}

// ---- forms ----

const forms = {relabel: 'relabel-form', recrop: 'recrop-form', note: 'note-form'};

function openForm(name) {
  if (!item)
    return;
  closeForm(false);
  opened = name;
  $(name).setAttribute('aria-expanded', 'true');
  $(forms[name]).hidden = false;
  ({relabel: startRelabel, recrop: startRecrop, note: startNote})[name]();
}

function closeForm(aloud) {
  if (!opened)
    return;
  const name = opened;
  opened = null;
  clearTimeout(encodeTimer);
  clearTimeout(rectTimer);
  const inside = $(forms[name]).contains(document.activeElement);
  $(name).setAttribute('aria-expanded', 'false');
  $(forms[name]).hidden = true;
  if (aloud) {
    say(T.closed);
    $(name).focus();
  } else if (inside) {
    $('item-title').focus();
  }
}

function fault(field, where, text) {
  const first = Array.isArray(field) ? field[0] : field;
  for (const f of [field].flat())
    f.setAttribute('aria-invalid', text ? 'true' : 'false');
  $(where).textContent = text;
  if (text)
    first.focus();
}

function refusal(text) {
  return `${T.labelRefused}: ${text}`;
}

function startRelabel() {
  const label = labelOf(item);
  $('label-text').value = label.text;
  $('label-dots').value = '';
  $('label-preview').textContent = '';
  fault([$('label-text'), $('label-dots')], 'label-error', '');
  $('label-text').focus();
  $('label-text').select();
}

// What the label looks like, a moment after the last key.
function previewLabel(field) {
  clearTimeout(encodeTimer);
  fault([$('label-text'), $('label-dots')], 'label-error', '');
  const other = field === 'text' ? 'dots' : 'text', value = $(`label-${field}`).value.trim();
  if (value)
    $(`label-${other}`).value = '';
  $('label-preview').textContent = '';
  if (value)
    encodeTimer = setTimeout(() => encode(field, value), 350);
}

async function encode(field, value) {
  const id = item.id;
  const show = (text) => {
    if (opened !== 'relabel' || !item || item.id !== id || $(`label-${field}`).value.trim() !== value)
      return;
    $('label-preview').textContent = text;
    say(text);
  };
  const answer = await ask(`encode?id=${encodeURIComponent(id)}&${field}=${encodeURIComponent(value)}`);
  if (answer && answer.refused)
    show(refusal(answer.refused));
  else if (answer)
    show((field === 'text' ? T.preview : T.previewDots)(answer.text, words(answer.cells)));
}

function saveLabel() {
  clearTimeout(encodeTimer);
  const text = $('label-text').value.trim(), dots = $('label-dots').value.trim();
  const fields = [$('label-text'), $('label-dots')];
  if (!text === !dots) {
    fault(fields, 'label-error', text ? T.oneLabel : T.needLabel);
    return;
  }
  decide(text ? {action: 'relabel', text} : {action: 'relabel', dots}, (why) => {
    $('label-preview').textContent = '';
    fault(dots ? $('label-dots') : $('label-text'), 'label-error', refusal(why));
  });
}

function startNote() {
  $('note-text').value = item.note || '';
  fault($('note-text'), 'note-error', '');
  $('note-text').focus();
}

function saveNote() {
  const note = $('note-text').value.trim();
  if (!note)
    fault($('note-text'), 'note-error', T.needNote);
  else
    decide({action: 'note', note}, (why) => fault($('note-text'), 'note-error', why));
}

// ---- the rectangle ----

const rectFields = ['rect-x', 'rect-y', 'rect-w', 'rect-h'].map($);
const whole = () => [0, 0, item.width, item.height];
let scale = 1;        // pixels of the frame's canvas a pixel of the picture
let dragFrom = null;

function readRect() {
  const r = rectFields.map((f) => /^\d+$/.test(f.value.trim()) ? Number(f.value) : NaN);
  return r.some(isNaN) || r[2] < 1 || r[3] < 1 || r[0] + r[2] > item.width || r[1] + r[3] > item.height ? null : r;
}

function setRect(r, aloud) {
  const w = Math.max(1, Math.min(r[2], item.width)), h = Math.max(1, Math.min(r[3], item.height));
  const x = Math.max(0, Math.min(r[0], item.width - w)), y = Math.max(0, Math.min(r[1], item.height - h));
  [x, y, w, h].forEach((v, i) => { rectFields[i].value = v; });
  drawRect(aloud);
}

function startRecrop() {
  if (!item.width || item.broken) {
    closeForm(false);
    complain(T.sayBroken(item.broken || ''));
    return;
  }
  const s = item.suggestion;
  $('rect-suggestion').textContent = s ? T.rectSuggestion(s[2], s[3]) : T.rectNoSuggestion;
  $('rect-suggestion').disabled = !s;
  rectFields[0].max = rectFields[2].max = item.width;
  rectFields[1].max = rectFields[3].max = item.height;
  setRect(item.new_rect || whole(), false);
  rectFields[0].focus();
  rectFields[0].select();
}

function paint(canvas, r, times) {
  canvas.width = Math.max(1, Math.round(r[2] * times));
  canvas.height = Math.max(1, Math.round(r[3] * times));
  const c = canvas.getContext('2d');
  c.drawImage($('picture'), ...r, 0, 0, canvas.width, canvas.height);
  return c;
}

function drawRect(aloud) {
  const r = readRect();
  fault(rectFields, 'rect-error', '');
  if (!r)
    return;
  const text = T.rectWords(...r);
  $('frame').setAttribute('aria-label', T.frameName(text));
  $('cutout').setAttribute('aria-label', T.cutoutName(text));
  scale = Math.max(0.02, Math.min(4, 560 / item.width));
  const c = paint($('frame'), whole(), scale), [x, y, w, h] = r.map((v) => v * scale);
  c.fillStyle = 'rgb(0 0 0 / 0.5)';
  c.beginPath();
  c.rect(0, 0, $('frame').width, $('frame').height);
  c.rect(x, y, w, h);
  c.fill('evenodd');
  for (const [colour, dash] of [['#000', []], ['#fff', [5, 5]]]) { // to be seen on any ground
    c.strokeStyle = colour;
    c.lineWidth = 2;
    c.setLineDash(dash);
    c.strokeRect(x, y, w, h);
  }
  paint($('cutout'), r, Math.min(scale, 280 / r[2]));
  clearTimeout(rectTimer);
  if (aloud)
    rectTimer = setTimeout(() => say(text), 400);
}

function frameKey(event) {
  const arrow = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
  if (!arrow || event.altKey || event.metaKey)
    return;
  event.preventDefault();
  const [dx, dy] = arrow.map((v) => v * (event.ctrlKey ? 10 : 1)), r = readRect() || whole();
  if (event.shiftKey) // the right and lower edges move, up to the picture's
    setRect([r[0], r[1], Math.min(r[2] + dx, item.width - r[0]), Math.min(r[3] + dy, item.height - r[1])], true);
  else
    setRect([r[0] + dx, r[1] + dy, r[2], r[3]], true);
}

function pointerAt(event) {
  const box = $('frame').getBoundingClientRect();
  const at = [(event.clientX - box.left) / box.width * item.width, (event.clientY - box.top) / box.height * item.height];
  return [Math.max(0, Math.min(item.width, Math.round(at[0]))), Math.max(0, Math.min(item.height, Math.round(at[1])))];
}

function frameDrag(event) {
  if (!dragFrom)
    return;
  const [x, y] = pointerAt(event), w = Math.abs(x - dragFrom[0]), h = Math.abs(y - dragFrom[1]);
  if (w > 2 && h > 2)
    setRect([Math.min(x, dragFrom[0]), Math.min(y, dragFrom[1]), w, h], true);
}

function saveRect() {
  const rect = readRect();
  if (rect)
    decide({action: 'recrop', rect}, (why) => fault(rectFields[0], 'rect-error', why));
  else
    fault(rectFields, 'rect-error', T.rectBad(item.width, item.height));
}

// ---- the end, the help, the keys ----

function openEnd() {
  $('end-words').textContent = T.endWords(place ? place.open : 0);
  $('end').showModal();
}

async function endNow() {
  await work(async () => {
    const summary = await ask('end', {confirm: true});
    $('end').close();
    if (!summary)
      return;
    closeForm(false);
    item = null;
    $('item').hidden = true;
    $('finished').hidden = false;
    $('finished-title').textContent = T.ended;
    $('finished-words').textContent = T.endedWords(summary);
    for (const id of ['finished-end', 'finished-undo', 'finished-look', 'help-open', 'end-open'])
      $(id).hidden = true;
    $('language').hidden = true;
    place = null; // keys do nothing any more
    tell('');
    document.title = T.ended;
    $('finished-title').focus();
    say(`${T.ended}. ${T.endedWords(summary)}`);
  });
}

const commands = {
  a: () => decide({action: 'accept'}), r: () => decide({action: 'reject'}), l: () => openForm('relabel'), c: () => openForm('recrop'),
  o: () => openForm('note'), u: () => undo(), n: () => step(1), p: () => step(-1), s: () => item && say(itemWords()), '?': () => $('help').showModal(),
};

function onKey(event) {
  const field = event.target.closest('input, textarea, select');
  if (event.key === 'Escape' && opened && !document.querySelector('dialog[open]')) {
    event.preventDefault();
    closeForm(true);
    return;
  }
  if (!place || event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.isComposing)
    return;
  if ((field && field.type !== 'checkbox') || document.querySelector('dialog[open]') || !$('keys').checked)
    return;
  const command = commands[event.key] || commands[event.key.toLowerCase()];
  if (!command || event.target === $('frame'))
    return;
  event.preventDefault();
  command();
}

function fillTexts() {
  for (const node of document.querySelectorAll('[data-t]'))
    node.textContent = T[node.dataset.t];
  for (const node of document.querySelectorAll('[data-t-label]'))
    node.setAttribute('aria-label', T[node.dataset.tLabel]);
  $('language').textContent = T.otherName;
  $('language').href = `?lang=${T.otherLang}`;
  $('language').lang = STRINGS[T.otherLang].lang;
  $('language').hreflang = STRINGS[T.otherLang].lang;
  for (const [key, what] of T.keys) {
    const name = make('dt');
    name.append(make('kbd', key));
    $('help-keys').append(name, make('dd', what));
  }
}

function keepKeysChoice() { // for this tab only; where nothing may be kept, for this page
  try {
    $('keys').checked = sessionStorage.getItem('keys') !== 'off';
    $('keys').addEventListener('change', () => sessionStorage.setItem('keys', $('keys').checked ? 'on' : 'off'));
  } catch (e) {
    $('keys').checked = true;
  }
}

function listen() {
  const click = (id, action) => $(id).addEventListener('click', action);
  const submit = (id, action) => $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });
  for (const [id, key] of [['accept', 'a'], ['reject', 'r'], ['undo', 'u'], ['next', 'n'], ['previous', 'p'], ['repeat', 's'], ['help-open', '?'],
    ['finished-undo', 'u'], ['finished-look', 'n']])
    click(id, commands[key]);
  for (const name of Object.keys(forms)) {
    click(name, () => opened === name ? closeForm(true) : openForm(name));
    $(forms[name]).querySelector('.cancel').addEventListener('click', () => closeForm(true));
  }
  click('end-open', openEnd);
  click('finished-end', openEnd);
  click('end-now', endNow);
  click('end-close', () => $('end').close());
  click('help-close', () => $('help').close());
  submit('relabel-form', saveLabel);
  submit('recrop-form', saveRect);
  submit('note-form', saveNote);
  $('label-text').addEventListener('input', () => previewLabel('text'));
  $('label-dots').addEventListener('input', () => previewLabel('dots'));
  for (const field of rectFields)
    field.addEventListener('input', () => drawRect(true));
  click('rect-suggestion', () => setRect(item.suggestion, true));
  click('rect-whole', () => setRect(whole(), true));
  $('frame').addEventListener('keydown', frameKey);
  $('frame').addEventListener('pointerdown', (event) => {
    dragFrom = pointerAt(event);
    $('frame').setPointerCapture(event.pointerId);
  });
  $('frame').addEventListener('pointermove', frameDrag);
  $('frame').addEventListener('pointerup', () => { dragFrom = null; });
  $('picture').addEventListener('load', () => {
    enlarge($('picture'));
    if (opened === 'recrop')
      drawRect(false);
  });
  for (const id of ['drawing', 'twin'])
    $(id).addEventListener('load', () => enlarge($(id)));
  document.addEventListener('keydown', onKey);
}

fillTexts();
keepKeysChoice();
listen();
go('at=open');
