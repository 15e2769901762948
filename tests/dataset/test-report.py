#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset report: figures that are those of the files, in a page that stands alone and can be heard."""
import collections
import html.parser
import json
import subprocess

import harness
import sets
from harness import DATASET, folder, jsonl, require, run

COUNTS = {'number': 30, 'spell': 20, 'punctuation': 10}
VOID = {'meta', 'img', 'br', 'link', 'hr', 'line', 'path', 'circle', 'rect'}


class Page(html.parser.HTMLParser):
    """Balanced tags, text, and what a screen reader needs."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.tables, self.ids, self.links, self.words = [], [], [], [], [], []
        self.tags, self.svg = collections.Counter(), []
        self.feed(text)
        require(not self.open, 'not closed:', self.open)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if tag == 'img':
            self.images.append(a)
        if tag == 'svg':
            self.svg.append(a)
        if 'id' in a:
            self.ids.append(a['id'])
        if tag == 'a':
            self.links.append(a['href'])
        if tag == 'th':
            require(a.get('scope') in ('row', 'col'), 'a head without scope')
        require(not any(k.startswith('on') for k in a) and tag != 'script', 'a script')

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        require(self.open and self.open[-1] == tag, 'closed', tag, 'in', self.open[-3:])
        self.open.pop()

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return ' '.join(' '.join(self.words).split())


def cleaned(where, records, dpi=200):
    """clean.jsonl and truth.jsonl as `clean` and `generate` write them, with known figures."""
    truth, lines = [], []
    (where / 'clean').mkdir()
    for i, r in enumerate(records):
        fault = ('over', 'left') if i % 10 == 3 else ('cut', 'below') if i % 10 == 7 else ('none', None)
        verdict = {3: 'over', 7: 'under'}.get(i % 10, 'clean')
        if i == 13:
            verdict = 'clean'  # one that was missed
        if i == 0:
            verdict = 'unsure'  # and one that was thrown out for nothing
        truth.append({'id': r['id'], 'fault': fault[0], 'edge': fault[1], 'n_dots': 1, 'dots': []})
        if verdict != 'clean':
            (where / f'clean/{r["id"]}.png').write_bytes((where / r['image']).read_bytes())
        xs = sorted({c * sets.CELL + k * sets.PITCH for c, cell in enumerate(r['cells']) for k, _ in sets.dots_of(cell)})
        expected = [x - xs[0] for x in xs[1:]]
        lines.append({'id': r['id'], 'verdict': verdict, 'side': fault[1], 'expected': expected, 'measured': [e + 1 for e in expected],
                      'pitch': 20.0, 'cell': 48.0, 'skew': 0.0, 'rule': 'because <of> & "that"', 'doubt': 0.25, 'dots': [],
                      'picture': None if verdict == 'clean' else f'clean/{r["id"]}.png'})
    sets.write(where, truth, 'truth.jsonl')
    sets.write(where, lines, 'clean.jsonl')


def case_figures():
    with folder() as d:
        records = sets.make(d / 'set', COUNTS)
        cleaned(d / 'set', records)
        run('split', d / 'set')
        before = sets.checksums(d / 'set')
        s = run('report', d / 'set', '--json', '--expect', 'set:number=30,spell=21').json['sets'][0]
        require(sets.checksums(d / 'set') == before, 'the set was changed')
        require(s['name'] == 'set' and s['pictures'] == 60 and s['types'] == COUNTS, s)
        require(s['splits'] == {'train': {'number': 24, 'spell': 16, 'punctuation': 8}, 'test': {'number': 6, 'spell': 4, 'punctuation': 2}}, s)
        require(s['checksums'] == {'right': 60} and s['bad'] == [], s)
        require(s['more_than_expected'] == {'number': 0, 'spell': -1}, s)
        c = s['clean']
        require(sum(sum(v.values()) for v in c['verdicts'].values()) == 60 and list(c['verdicts'])[0] == 'clean', c['verdicts'])
        f = s['faults']
        require(f['none'] == {'pictures': 48, 'called clean': 47, 'rejected': 1, 'unsure': 1}, f)
        require(f['over, left'] == {'pictures': 6, 'rejected': 5, 'called clean': 1, 'named': 5, 'edge named': 5}, f)
        require(f['cut, below'] == {'pictures': 6, 'rejected': 6, 'named': 6, 'edge named': 6}, f)
        mm = 25.4 / 200
        require(abs(c['pitch']['median'] - 20 * mm) < 0.011, c['pitch'])
        told = sum(bool(line['measured']) for line in jsonl(d / 'set/clean.jsonl'))  # a sign of one column tells no pitch
        require(30 < told < 60 and c['pitch']['n'] == told == c['cell']['n'], c['pitch'], told)
        require(abs(c['cell']['median'] - 48 * mm) < 0.011, c['cell'])
        require(abs(c['off']['median'] - 0.05) < 0.006, c['off'])
        d1 = c['distances']['number']['d1']
        require(sum(d1['counts']) == d1['n'] == c['verdicts']['clean']['number'], d1)
        require(set(c['rejected']) == {'over', 'under', 'unsure'})
        require('redrawn' not in s, s)
        sets.write(d / 'set', [dict(t, **({'redrawn': 2} if i < 3 else {})) for i, t in enumerate(jsonl(d / 'set/truth.jsonl'))], 'truth.jsonl')
        s = run('report', d / 'set', '--json', '-o', d / 'r.html').json['sets'][0]
        require(s['redrawn'] == 6 and 'Not a measure of cleaning: 6 drawings' in Page((d / 'r.html').read_text()).text, s)
        require(s['lists']['manifest.jsonl'] == before['manifest.jsonl'], s['lists'])


def case_page():
    with folder() as d:
        records = sets.make(d / 'BIT', COUNTS)
        cleaned(d / 'BIT', records)
        run('augment', d / 'BIT', '-o', d / 'BIT-DA')
        run('report', d, '-o', d / 'report.html', '--title', 'A <family> & "more"', '--expect', 'BIT:number=31')
        text = (d / 'report.html').read_text()
        page = Page(text)
        require(len(text) < 10e6 and '&lt;family&gt; &amp;' in text and '<family>' not in text)
        require('because <of> & "that"' in page.text, 'the rule is not there')
        require(page.tags['main'] == page.tags['h1'] == page.tags['header'] == 1 and page.tags['caption'] == page.tags['table'])
        require(all(i.get('alt') and i['src'].startswith('data:image/jpeg;base64,') for i in page.images) and len(page.images) > 40)
        labels = {r['text'] for r in records}
        require(all(i['alt'].split(',')[0] in labels for i in page.images), 'an alt text without label')
        require(any('turn-180' in i['alt'] for i in page.images) and any('background' in i['alt'] for i in page.images))
        require(all(s.get('role') == 'img' and 'median' in s['aria-label'] for s in page.svg) and len(page.svg) >= 5)
        require(len(page.ids) == len(set(page.ids)) and all(h[0] == '#' and h[1:] in page.ids for h in page.links), 'a dead link')
        require('−1 number' in page.text and '60 pictures' in page.text and '120 pictures' in page.text)
        # nothing is fetched from elsewhere, and twice the same bytes
        require('http://' not in text and 'https://' not in text and str(d) not in text, 'an outside address')
        run('report', d, '-o', d / 'report.html', code=73, says='--force')
        run('report', d, '-o', d / 'report.html', '--title', 'A <family> & "more"', '--expect', 'BIT:number=31', '--force')
        require((d / 'report.html').read_text() == text, 'not the same twice')


def case_broken():
    """Pictures that are gone or changed are counted and named; broken lists are one clear line."""
    with folder() as d:
        records = sets.make(d / 'set', COUNTS)
        (d / 'set' / records[0]['image']).unlink()
        (d / 'set' / records[1]['image']).write_bytes(b'else')
        s = run('report', d / 'set', '-o', d / 'r.html', '--json', '--samples', 100).json['sets'][0]
        require(s['checksums'] == {'right': 58, 'wrong': 1, 'missing': 1}, s['checksums'])
        require({b['id'] for b in s['bad']} == {'n0000', 'n0001'}, s['bad'])
        page = Page((d / 'r.html').read_text())
        require('cannot be read' in page.text and '2 wrong or missing' in page.text)
        (d / 'set/clean.jsonl').write_text('{"id": "n0002", "verdict": "odd"}\n{"id": 3}\n{"id": "nobody", "verdict": "clean"}\n')
        c = run('report', d / 'set', '--json').json['sets'][0]['clean']
        require(c['verdicts'] == {'no verdict we know': {'number': 1}} and c['unknown'] == 2, c)
        (d / 'set/clean.jsonl').write_text('[]\n')
        run('report', d / 'set', '--json', code=65, says='clean.jsonl')
        run('report', d / 'none', '--json', code=66)
        run('report', d / 'set', '-o', d / 'none/r.html', code=65)
        (d / 'set/clean.jsonl').unlink()
        run('report', d / 'set', '-o', d / 'none/r.html', code=73)
        for words in ([], [d / 'set'], [d / 'set', '--json', '--expect', 'set'], [d / 'set', '--json', '--expect', 'set:n='],
                      [d / 'set', '--json', '--samples', '-1']):
            p = subprocess.run([str(DATASET), 'report', *map(str, words)], capture_output=True, text=True)
            require(p.returncode == 64 and p.stderr, words, p.returncode)


def case_long():
    """A label as long as a page is cut between two characters; nobody's words break the page."""
    with folder() as d:
        records = sets.make(d / 'set', COUNTS)
        long, odd = '⠓⠜' * 3000, '"><script>alert(1)</script>&amp;'
        records[0]['text'], records[1]['text'], records[2]['text'] = long, odd, None
        sets.write(d / 'set', records)
        line = {'verdict': 'over', 'side': odd, 'expected': [20], 'measured': [], 'pitch': 20, 'cell': 48, 'rule': odd, 'doubt': 0.1, 'picture': None}
        sets.write(d / 'set', [dict(line, id=r['id']) for r in records[:3]], 'clean.jsonl')
        run('report', d / 'set', '-o', d / 'r.html', '--samples', 100)
        text = (d / 'r.html').read_text()  # which is UTF-8 throughout
        page = Page(text)
        require('⠓⠜' * 40 + '…' in page.text and '⠓⠜' * 41 not in page.text, 'a long label is not cut')
        require('<script>' not in text and odd in page.text and all(len(i['alt']) < 300 for i in page.images))
        require(any(i['alt'].startswith('no label') for i in page.images), 'a picture without words')


def case_large():
    """What does not fit into the page is linked."""
    with folder() as d:
        records = sets.make(d / 'set', {'number': 3})
        import random
        lot, rows = random.Random(1), []
        for _ in range(130):
            rows.append(bytes(lot.randrange(256) for _ in range(260 * 3)))
        more = []
        for i in range(200):
            data = sets.png([bytes((v + i) % 256 for v in r) for r in rows[i % 100:] + rows[:i % 100]], 3)
            (d / f'set/images/x{i}.png').write_bytes(data)
            more.append(dict(records[0], id=f'x{i}', image=f'images/x{i}.png', sha256=None))
        sets.write(d / 'set', records + more)
        run('report', d / 'set', '-o', d / 'r.html', '--samples', 200)
        page = Page((d / 'r.html').read_text())
        linked = [i['src'] for i in page.images if not i['src'].startswith('data:')]
        require((d / 'r.html').stat().st_size < 10e6, 'too large')
        require(linked and all((d / s).exists() for s in linked), len(page.images), linked[:1])


if __name__ == '__main__':
    harness.main({n[5:]: f for n, f in list(globals().items()) if n.startswith('case_')})
