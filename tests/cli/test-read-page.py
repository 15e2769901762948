#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The html of braillectl read in headless Chromium: by keyboard, as a screen reader gets it, light, dark and narrow."""
import importlib
import os
import pathlib
import shutil
import tempfile
import time

from harness import folder, main, need_page, require, run, skip

CHROMIUM, DRIVER = (shutil.which(name) for name in ('chromium', 'chromedriver'))

CONTRAST = '''
const rgb = (s) => (s.match(/[\\d.]+/g) || []).map(Number);
const lum = (c) => [0.2126, 0.7152, 0.0722].reduce((s, k, i) => { const v = c[i] / 255; return s + k * (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); }, 0);
function ground(e) { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; }
const low = [];
let n = 0;
for (const e of document.querySelectorAll('body *:not(svg *, script)')) {
  if (![...e.childNodes].some((k) => k.nodeType === 3 && k.textContent.trim()) || !e.getClientRects().length) continue;
  const s = getComputedStyle(e), a = lum(rgb(s.color)), b = lum(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  n++;
  if (ratio < 4.5) low.push(`${e.tagName} ${e.className} ${ratio.toFixed(2)}`);
}
return [low, n];'''


def need_selenium():
    try:
        return importlib.import_module('selenium.webdriver'), importlib.import_module('selenium.webdriver.common.keys').Keys
    except ImportError as e:
        require(os.environ.get('NEED_PACKAGES') != '1', e)
        skip(f'NO PYTHON PACKAGE selenium ({e}): the page was NOT looked at; tests/run installs it, or meson -Dtest_python=PYTHON')


class Page:
    def __init__(self, path, width=1440, height=1000, dark=False):
        webdriver, self.keys = need_selenium()
        if not (CHROMIUM and DRIVER):
            require(os.environ.get('NEED_PACKAGES') != '1', 'chromium or chromedriver is missing')
            skip('NO CHROMIUM: the page was NOT looked at; install chromium and chromium-driver')
        self.home = tempfile.mkdtemp(prefix='brailled-chromium-')
        o = webdriver.ChromeOptions()
        o.binary_location = CHROMIUM
        for a in ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--hide-scrollbars',
                  f'--user-data-dir={self.home}', f'--window-size={width},{height}'):
            o.add_argument(a)
        o.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(options=o, service=webdriver.ChromeService(DRIVER))
        self.cdp('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.cdp('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        self.driver.get(pathlib.Path(path).as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.home, ignore_errors=True)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def js(self, code):
        return self.driver.execute_script(code)

    def press(self, key):
        self.driver.switch_to.active_element.send_keys(key)

    def hover(self, selector):
        """The pointer on the middle of an element; what it lies on answers."""
        x, y = self.js(f"const e = document.querySelector('{selector}'); e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
                       'return [b.x + b.width / 2, b.y + b.height / 2]')
        self.cdp('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)
        time.sleep(0.2)

    def lit(self):
        """Which rows and pieces are lit, in the table and in the picture."""
        return self.js("return [...document.querySelectorAll('.lit')].map((e) => e.tagName + e.dataset.line).sort()")

    def problems(self):
        return [x['message'] for x in self.driver.get_log('browser')]


def document(d, *words):
    out = os.path.join(d, 'page.html')
    run('read', '-q', need_page(), '--lang', 'en', '--doubt', '0.99995', '-o', out, *words)
    return out


def case_use():
    need_selenium()
    with folder() as d, Page(document(d)) as p:
        p.press(p.keys.TAB)
        require(p.js('return document.activeElement.className') == 'skip', 'Tab comes to the link past the picture first')
        p.press(p.keys.ENTER)
        require(p.js('return location.hash') == '#p1-text')
        for line in (1, 2, 3):
            p.press(p.keys.TAB)
            require(p.js('return document.activeElement.hash') == f'#p1-l{line}', line, p.js('return document.activeElement.outerHTML'))
            require(p.lit() == [f'TR{line}', f'g{line}'], p.lit())
        p.press(p.keys.ENTER)
        require(p.js("return document.querySelector('g.row:target').id") == 'p1-l3')
        # a syllable of the text and its cells; a row of the picture and its line
        p.hover('tr[data-line="5"] [data-piece]')
        require(p.lit() == ['TR5', 'g5'], p.lit())
        require(p.js("const k = document.querySelector('tr[data-line=\"5\"] [data-piece]').dataset.piece;"
                     "return [...document.querySelectorAll('.cell.now')].every((c) => c.dataset.piece === k) && document.querySelectorAll('.cell.now').length") >= 1)
        p.hover('#p1-l7 .cell .box')
        require(p.lit() == ['TR7', 'g7'], p.lit())
        # a doubtful cell: its link lights it up
        p.js("document.querySelector('.doubts a').focus()")
        require(p.js("const a = document.querySelector('.doubts a'), now = [...document.querySelectorAll('.cell.now')];"
                     'return now.some((c) => c.id === a.hash.slice(1))'), 'the doubtful cell is not lit')
        # the overlay lies on the picture, and can be put away
        same = p.js("const a = document.querySelector('.sheet img').getBoundingClientRect(), b = document.querySelector('.sheet svg').getBoundingClientRect();"
                    "return ['x', 'y', 'width', 'height'].map((k) => Math.abs(a[k] - b[k]))")
        require(max(same) < 0.6, same)
        hidden = "return document.querySelector('.sheet .dots').getClientRects().length === 0"
        require(not p.js(hidden))
        p.js("document.getElementById('show-dots').click()")
        require(p.js(hidden), 'the dots are still there')
        require(p.problems() == [], p.problems())


def case_reader():
    need_selenium()
    with folder() as d, Page(document(d)) as p:
        nodes = [n for n in p.cdp('Accessibility.getFullAXTree')['nodes'] if not n.get('ignored')]
        tree = [(n['role']['value'], n.get('name', {}).get('value', '')) for n in nodes]
        roles = [role for role, _ in tree]
        for role in ('banner', 'main', 'contentinfo', 'table', 'columnheader', 'rowheader', 'list'):
            require(role in roles, role, 'is not in', sorted(set(roles)))
        images = [name for role, name in tree if role in ('image', 'img')]
        require(len(images) == 2 and all(images), images)
        require([name for role, name in tree if role == 'heading'][:3] == ['sample-page.png', 'Page 1: sample-page.png', 'Text'], tree[:20])
        said = ' '.join(name for role, name in tree if role == 'StaticText')
        require('(doubtful)' in said and 'below the threshold' in said, 'what is doubtful is told by looks alone')
        links = [name for role, name in tree if role == 'link']
        require(all(links) and any(name.startswith('Line 1, cell ') for name in links), links[:40])
        boxes = [name for role, name in tree if role == 'checkbox']
        require(boxes == ['dots', 'reading', 'cells', 'large picture'], boxes)


def case_looks():
    need_selenium()
    with folder() as d:
        out = document(d)
        for width, dark in ((1440, False), (1440, True), (400, False), (320, True)):
            with Page(out, width=width, dark=dark) as p:
                low, n = p.js(CONTRAST)
                require(n > 150 and not low, width, dark, 'too little contrast:', low[:5])
                wide = p.js('return [document.documentElement.scrollWidth, innerWidth]')
                require(wide[0] <= wide[1], 'wider than the window:', wide)
                require(p.problems() == [], p.problems())


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
