#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of braille-dataset review in headless Chromium: by keyboard alone, and as a screen reader gets it."""
import base64
import os
import pathlib
import shutil
import tempfile
import time

from harness import folder, jsonl, main, need, require, skip
from reviewed import Server, make_set

CHROMIUM, DRIVER = (shutil.which(name) for name in ('chromium', 'chromedriver'))

CONTRAST = '''
const rgb = (s) => (s.match(/[\\d.]+/g) || []).map(Number);
const lum = (c) => [0.2126, 0.7152, 0.0722].reduce((s, k, i) => { const v = c[i] / 255; return s + k * (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); }, 0);
function ground(e) { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; }
const out = [];
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  if (!own || !e.getClientRects().length || e.closest('.unseen, .skip') || e.disabled) continue;
  const s = getComputedStyle(e), a = lum(rgb(s.color)), b = lum(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) out.push(`${e.tagName} ${e.id} ${e.className} ${ratio.toFixed(2)}`);
}
return [out, document.querySelectorAll('body *').length];'''


class Page:
    """Chromium with the page of a server open."""

    def __init__(self, server, query='', width=1280, height=900, accept='en', dark=False, still=False):
        webdriver = need('selenium.webdriver')
        self.keys = need('selenium.webdriver.common.keys').Keys
        self.home = tempfile.mkdtemp(prefix='brailled-chromium-')
        o = webdriver.ChromeOptions()
        o.binary_location = CHROMIUM
        for a in ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run',
                  f'--user-data-dir={self.home}', f'--window-size={width},{height}', f'--accept-lang={accept}'):
            o.add_argument(a)
        o.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(options=o, service=webdriver.ChromeService(DRIVER))
        self.cdp('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.cdp('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'},
                                                         {'name': 'prefers-reduced-motion', 'value': 'reduce' if still else 'no-preference'}])
        self.driver.get(server.url + query)
        self.settle()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.home, ignore_errors=True)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def js(self, code):
        return self.driver.execute_script(code)

    def until(self, code, what='', seconds=20):
        end = time.monotonic() + seconds
        while not self.js(f'return {code}'):
            require(time.monotonic() < end, 'waited in vain for', what or code, '; the page says:', self.live())
            time.sleep(0.02)

    def settle(self):
        self.until("(place === null ? document.getElementById('finished').hidden === false : true) && !busy && "
                   "[...document.images].every((i) => i.complete)", 'the page to be at rest')

    def press(self, *keys):
        """Keys to whatever has the focus, one after the other."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
            self.settle()

    def focus(self):
        """The id of what has the focus."""
        return self.js("const e = document.activeElement; return e === document.body ? '(body)' : e.id || e.tagName + '.' + e.className")

    def tab_to(self, ident, most=60):
        for _ in range(most):
            if self.focus() == ident:
                return
            self.press(self.keys.TAB)
        require(False, 'Tab does not come to', ident)

    def live(self):
        return self.js("return document.getElementById('live').textContent")

    def text(self, ident):
        return self.js(f"return document.getElementById('{ident}').innerText")

    def item(self):
        return self.js("return item && item.id")

    def tree(self):
        """(role, name, properties) of all that a screen reader is given."""
        nodes = self.cdp('Accessibility.getFullAXTree')['nodes']
        return [(n['role']['value'], n.get('name', {}).get('value', ''), {p['name']: p['value'].get('value') for p in n.get('properties', [])})
                for n in nodes if not n.get('ignored')]

    def errors(self, *expected):
        """What the console holds, without lines that have one of these parts."""
        return [x['message'] for x in self.driver.get_log('browser') if not any(e in x['message'] for e in expected)]

    def shot(self, name):
        """A picture of the whole page, for people; only where REVIEW_SHOTS names a folder."""
        where = os.environ.get('REVIEW_SHOTS')
        if not where:
            return
        time.sleep(0.3)
        size = self.js('return [innerWidth, document.documentElement.scrollHeight]')
        data = self.cdp('Page.captureScreenshot', captureBeyondViewport=True, clip={'x': 0, 'y': 0, 'width': size[0], 'height': size[1], 'scale': 1})
        pathlib.Path(where, f'{name}.png').write_bytes(base64.b64decode(data['data']))


def need_browser():
    need('selenium')
    if CHROMIUM and DRIVER:
        return
    require(os.environ.get('NEED_PACKAGES') != '1', 'chromium or chromedriver is missing')
    skip('NO CHROMIUM: the page was NOT tested; install chromium and chromium-driver')


def dots(cells):
    return '; '.join(('dots ' if len(c) > 1 else 'dot ') + ' '.join(c) for c in cells)


def keyboard():
    """From the first picture to the last without a mouse: every action, what is said, where the focus is, what is stored."""
    need_browser()
    with folder() as tmp:
        records = {r['id']: r for r in make_set(tmp / 'set')}
        unsure = [x['id'] for x in jsonl(tmp / 'set/clean.jsonl') if x['verdict'] == 'unsure']
        with Server(tmp / 'set', '--reviewer', 'anna') as s, Page(s) as p:
            k = p.keys
            require(p.item() == unsure[0] and p.focus() == 'item-title', p.item(), p.focus())
            said, r = p.live(), records[unsure[0]]
            for part in (f'1 of {len(unsure)}', r['id'], f'Label {r["text"]},', dots(r['cells']), 'Verdict: unsure', 'Rule: a dot of the label is not there',
                         'expected ', 'measured ', 'Doubt 40 percent', f'of cell {len(r["cells"])} is not there'):
                require(part in said, repr(part), 'is not said:', said)
            p.press('a')
            require(p.item() == unsure[1], 'after accept', p.item())
            said, r = p.live(), records[unsure[1]]
            require(said.startswith(f'Accepted: {unsure[0]}. {len(unsure) - 1} remain. Picture 2 of {len(unsure)}: {r["id"]}.'), said)
            require('Not in the label: dot 2, 1 cell after the last.' in said and 'Verdict: unsure, on the right' in said, said)
            require(p.text('message') == f'Accepted: {unsure[0]}. {len(unsure) - 1} remain.', p.text('message'))
            # relabel: refused with the encoder's words, then by text
            p.press('l')
            require(p.focus() == 'label-text', p.focus())
            p.press(k.CONTROL + 'a', 'xyzzy')
            p.until("document.getElementById('label-preview').textContent", 'the preview')
            require('xyzzy' in p.text('label-preview') and 'cannot be written' in p.live(), p.live())
            p.press(k.ENTER)
            require('cannot be written' in p.text('label-error') and p.focus() == 'label-text' and p.item() == unsure[1], p.text('label-error'))
            require(p.js("return document.getElementById('label-text').getAttribute('aria-invalid')") == 'true')
            p.shot('refused')
            p.press(k.CONTROL + 'a', 'ni3')
            p.until("document.getElementById('label-preview').textContent.startsWith('ni3')", 'the preview')
            require(p.live() == 'ni3 is written dots 1 3 4 5; dots 2 4; dot 3.', p.live())
            p.press(k.ENTER)
            require(p.live().startswith(f'New label of {unsure[1]}: ni3, dots 1 3 4 5; dots 2 4; dot 3.') and p.item() == unsure[2], p.live())
            require(p.focus() == 'item-title', 'after a form closes:', p.focus())
            # by dots; Escape leaves without a change and gives the focus back
            p.press('l', k.ESCAPE)
            require(p.focus() == 'relabel' and p.live() == 'Closed without a change.' and p.item() == unsure[2], p.focus(), p.live())
            p.press('l', k.TAB, '3456 12 145')
            require(p.js("return document.getElementById('label-text').value") == '', 'two labels at once')
            p.press(k.ENTER)
            require('New label' in p.live() and ': 24,' in p.live(), p.live())
            # recrop: number fields, the frame's arrow keys, the suggestion
            require(p.item() == unsure[3])
            p.press('c')
            require(p.focus() == 'rect-x', p.focus())
            p.press(k.CONTROL + 'a', '9999', k.ENTER)
            require('must lie inside' in p.text('rect-error') and p.item() == unsure[3] and p.focus() == 'rect-x', p.text('rect-error'))
            p.press(k.CONTROL + 'a', '0')
            p.tab_to('frame')
            width, height = records[unsure[3]]['width'], records[unsure[3]]['height']
            p.press(*[k.SHIFT + k.ARROW_LEFT] * 4, *[k.SHIFT + k.ARROW_UP] * 3, k.ARROW_RIGHT, k.ARROW_RIGHT, k.ARROW_DOWN)
            rect = [2, 1, width - 4, height - 3]
            require(p.js('return readRect()') == rect, p.js('return readRect()'), rect)
            p.until("document.getElementById('live').textContent.includes('2 from the left, 1 from the top')", 'the rectangle in words')
            require(p.js("return [document.getElementById('cutout').width > 0, document.getElementById('frame').getAttribute('aria-label')]")
                    == [True, f'Frame: 2 from the left, 1 from the top, {rect[2]} wide, {rect[3]} high'])
            p.press(k.ARROW_RIGHT, k.ARROW_RIGHT, k.ARROW_RIGHT)  # no further than the picture goes
            require(p.js('return readRect()')[0] == 4)
            p.press(k.ARROW_LEFT, k.ARROW_LEFT)
            p.shot('recrop')
            p.press('a')
            require(p.item() == unsure[3], 'a key in the frame decided')
            p.tab_to('rect-x', 80)
            p.press(k.ENTER)
            require(p.live().startswith(f'Cut anew: {unsure[3]}.') and p.item() == unsure[4], p.live())
            # note, reject, undo, next, previous, say again
            p.press('o', 'smudged, ask Li', k.TAB, k.ENTER)
            require(p.item() == unsure[4] and 'Note: smudged, ask Li.' in p.live() and p.focus() == 'item-title', p.live())
            p.press('r')
            require(p.live().startswith(f'Rejected: {unsure[4]}.'), p.live())
            p.press('u')
            require(p.item() == unsure[4] and p.live().startswith(f'Taken back: rejected, {unsure[4]}.'), p.live())
            p.press('p')
            require(p.item() == unsure[3] and 'So far: kept, cut to' in p.live(), p.live())
            p.press('n', 'n')
            require(p.item() == unsure[5], p.item())
            before = p.live()
            p.press('s')
            require(p.live() != before and p.live().strip() == before.strip(), 'not said again')
            p.press('x', 'q', k.ARROW_DOWN, 'p')
            require(p.item() == unsure[4])
            p.press('p', 'p', 'p', 'p', 'p')
            require(p.item() == unsure[0] and p.live().strip() == 'This is the first picture.', p.live())
            # help: opens, takes the focus, closes, gives it back
            p.tab_to('accept')
            p.press('?')
            require(p.js("return document.getElementById('help').open") and p.focus() == 'help-close', p.focus())
            p.press('a', k.ESCAPE)
            require(not p.js("return document.getElementById('help').open") and p.focus() == 'accept' and p.item() == unsure[0], 'the help')
            # single keys can be switched off
            p.tab_to('keys')
            p.press(k.SPACE)
            p.tab_to('accept')
            p.press('n')
            require(p.item() == unsure[0], 'a key that is switched off')
            p.press(k.ENTER)  # the button still works, and the focus stays on it
            require(p.item() == unsure[4] and p.focus() == 'accept', p.item(), p.focus())
            p.tab_to('keys')
            p.press(k.SPACE)
            # to the end
            p.tab_to('accept')
            for n in range(len(unsure)):
                if p.item() is None:
                    break
                p.press('a')
            require(p.item() is None and 'Every picture in this queue is decided' in p.live() and p.focus() == 'finished-title', p.live(), p.focus())
            p.shot('finished')
            p.press('u')
            require(p.item() == unsure[-1] and p.focus() == 'item-title', p.item(), p.focus())
            p.press('r')
            p.tab_to('finished-end')
            p.press(k.ENTER)
            require(p.focus() == 'end-now' and 'All are decided' in p.text('end-words'), p.focus())
            p.press(k.ENTER)
            p.until("document.getElementById('finished-title').textContent === 'The review has ended'", 'the end')
            require(s.process.wait(10) == 0 and p.focus() == 'finished-title')
            errors = p.errors('422 (Unprocessable')  # the browser notes each refusal that the test asked for
            require(not errors, 'the console:', errors)
        done = [(x['action'], x['id']) for x in jsonl(tmp / 'set/review.jsonl')]
        require(done[:7] == [('accept', unsure[0]), ('relabel', unsure[1]), ('relabel', unsure[2]), ('recrop', unsure[3]), ('note', unsure[4]),
                             ('reject', unsure[4]), ('undo', unsure[4])], done)
        lines = jsonl(tmp / 'set/review.jsonl')
        require(lines[1]['text'] == 'ni3' and lines[2]['cells'] == ['3456', '12', '145'] and lines[3]['rect'] == rect, lines[:4])
        require(lines[4]['note'] == 'smudged, ask Li' and done[-1] == ('reject', unsure[-1]), lines[4], done[-1])


def reader():
    """What a screen reader gets: landmarks, one main and one h1, a name for everything, what changes is spoken."""
    need_browser()
    with folder() as tmp:
        make_set(tmp / 'set')
        with Server(tmp / 'set', '--all') as s, Page(s) as p:
            def look(state):
                nodes = p.tree()
                roles = [r for r, _, _ in nodes]
                for role in ('main', 'banner', 'contentinfo'):
                    require(roles.count(role) == 1, state, role, roles.count(role))
                levels = [(x.get('level'), name) for role, name, x in nodes if role == 'heading']
                require([n for n, _ in levels].count(1) == 1 and all(name for _, name in levels), state, levels)
                require(all(b - a <= 1 for (a, _), (b, _) in zip(levels, levels[1:])), 'a level is left out:', levels)
                seen = 0
                for role, name, _ in nodes:
                    if role in ('button', 'link', 'textbox', 'spinbutton', 'checkbox', 'image', 'application', 'group', 'form', 'dialog', 'progressbar',
                                'table', 'Canvas', 'progressIndicator', 'ProgressIndicator', 'img', 'region'):
                        seen += 1
                        require(name.strip(), state, role, 'has no name')
                require(seen >= 12, state, seen)
                require(any(role == 'status' and x.get('live') == 'polite' for role, _, x in nodes), 'no live region')
                return nodes
            nodes = look('item')
            names = [name for role, name, _ in nodes if role == 'button']
            for want in ('Accept', 'Reject', 'New label', 'Cut anew', 'Note', 'Undo', 'Previous', 'Next', 'Say again', 'Done', 'Keys'):
                require(any(n.startswith(want) for n in names), want, names)
            images = [name for role, name, _ in nodes if role in ('image', 'img')]
            require(any('Braille that should show' in n and 'dots' in n for n in images), images)
            headers = [name for role, name, _ in nodes if role == 'columnheader']
            require(headers == ['No.', 'Expected', 'Measured', 'Off by', 'In words'], headers)
            # in the order of Tab: what is to be seen, from the top to the bottom, and round again
            order = []
            for _ in range(40):
                p.press(p.keys.TAB)
                if p.focus() == '(body)' or p.focus() in order:
                    break
                order.append(p.focus())
            buttons = ['accept', 'reject', 'relabel', 'recrop', 'note', 'undo', 'previous', 'next', 'repeat']
            require([o for o in order if o in buttons] == buttons and 'keys' in order, order)
            for key, form in (('l', 'relabel'), ('c', 'recrop'), ('o', 'note')):
                p.press(key)
                require(p.js(f"return document.getElementById('{form}').getAttribute('aria-expanded')") == 'true')
                look(form)
                p.press(p.keys.ESCAPE)
            p.press('?')
            require(any(role == 'dialog' and name == 'Keys' for role, name, _ in p.tree()), 'the help is no dialog')
            p.press(p.keys.ESCAPE)
            # what comes from the set is text, never markup
            p.until("document.querySelectorAll('#facts b').length === 0")
            twins = []
            for _ in range(p.js('return place.total') - 1):
                p.press('n')
                said = p.live()
                require(p.item() in said and 'Label ' in said and 'Verdict: ' in said and 'undefined' not in said and 'NaN' not in said, said)
                if 'Verdict: duplicate' in said:
                    require('the same print as n0001' in said and p.js("return document.getElementById('twin').naturalWidth > 0"), said)
                    twins = ['The other picture: n0001' in [name for role, name, _ in p.tree() if role in ('image', 'img')]]
                    require(twins[-1], 'the other picture has no name')
                if 'doubt <b>' in said:
                    require('doubt <b>&amp;</b>' in p.text('facts'), p.text('facts'))
            require('undefined' not in p.text('item') and twins and not p.errors(), p.errors())


def looks():
    """Contrast, both schemes, both languages, 200 and 400 per cent: nothing is cut off, nothing too faint."""
    need_browser()
    with folder() as tmp:
        make_set(tmp / 'set')
        with Server(tmp / 'set', '--verdict', 'unsure,over') as s:
            for name, arguments in (('light', {}), ('dark', {'dark': True, 'still': True}), ('half', {'width': 640}), ('narrow', {'width': 320}),
                                    ('chinese', {'accept': 'zh-CN,zh;q=0.9,en;q=0.5'}), ('chinese-narrow-dark', {'query': '?lang=zh', 'width': 320, 'dark': True})):
                with Page(s, **arguments) as p:
                    require(p.js('return document.documentElement.lang') == ('zh-Hans' if 'chinese' in name else 'en'), name)
                    p.press('n')
                    states = ['', 'c', 'l', 'o', '?']
                    for state in states:
                        if state:
                            p.press(state)
                        if state == 'l':
                            p.press(p.keys.CONTROL + 'a', p.keys.DELETE, p.keys.ENTER)
                        faint, seen = p.js(CONTRAST)
                        require(seen > 80 and not faint, name, state, faint)
                        wide = p.js('return [document.documentElement.scrollWidth, innerWidth]')
                        require(wide[0] <= wide[1], name, state, 'has to be scrolled sideways:', wide)
                        p.shot(f'{name}{"-" + {"?": "help"}.get(state, state) if state else ""}')
                        if state:
                            p.press(p.keys.ESCAPE)
                    small = p.js("return [...document.querySelectorAll('button, input, a')].filter((e) => e.getClientRects().length && !e.closest('.skip')"
                                 " && Math.min(e.getBoundingClientRect().width, e.getBoundingClientRect().height) < 24"
                                 " && e.type !== 'checkbox').map((e) => e.id)")
                    require(not [x for x in small if x != 'language'], 'too small to hit:', small)
                    if arguments.get('still'):
                        require(p.js("return getComputedStyle(document.getElementById('accept')).transitionDuration") == '0s', 'it moves')
                    require(not p.errors(), p.errors())
            with Page(s, '?lang=zh', accept='en') as p:
                require(p.js('return document.documentElement.lang') == 'zh-Hans' and '判定' in p.live(), p.live())
                p.tab_to('language')
                p.press(p.keys.ENTER)
                p.until("document.documentElement.lang === 'en'", 'the other language')
                p.settle()
                differ = p.js("const shape = (o) => JSON.stringify(Object.entries(o).filter(([k]) => k !== 'rules').map(([k, v]) => [k, typeof v, v && typeof v "
                              "=== 'object' && !Array.isArray(v) ? Object.keys(v) : typeof v === 'function' ? v.length : Array.isArray(v) ? v.length : 0])"
                              ".sort()); return [shape(STRINGS.en), shape(STRINGS.zh)]")
                require(differ[0] == differ[1], 'the two languages have other strings')


def gone():
    """The server is killed under the page: the page says so and does not claim a decision; started again, all is there."""
    need_browser()
    with folder() as tmp:
        make_set(tmp / 'set')
        with Server(tmp / 'set') as s, Page(s) as p:
            first = p.item()
            p.press('a')
            second = p.item()
            s.process.kill()
            s.process.wait()
            p.press('a')
            require('does not answer' in p.text('trouble') and p.item() == second, p.text('trouble'))
            require(any(role == 'alert' and x.get('live') == 'assertive' for role, _, x in p.tree()), 'trouble is not spoken')
            require(p.focus() == 'item-title', p.focus())
        with Server(tmp / 'set') as s, Page(s) as p:
            require(p.item() == second, p.item())
            p.press('u')
            require(p.item() == first and 'Taken back: accepted' in p.live(), p.live())
        require([(x['action'], x['id']) for x in jsonl(tmp / 'set/review.jsonl')] == [('accept', first), ('undo', first)])
        with Server(tmp / 'set', '--verdict', 'broken') as s, Page(s) as p:
            require('There is nothing to review' in p.live() and p.focus() == 'finished-title', p.live())
            p.press('n', 'p', 'a', 's', 'u')
            require('There is nothing to undo' in p.text('trouble') and not p.errors('422 (', '404 ('), p.text('trouble'))


if __name__ == '__main__':
    main({'keyboard': keyboard, 'reader': reader, 'looks': looks, 'gone': gone})
