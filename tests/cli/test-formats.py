#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What braillectl read writes: every format against the JSON of the same page, files, names, full disks."""
import base64
import difflib
import html.parser
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import unicodedata
import xml.etree.ElementTree as ET

import reference
from harness import folder, main, need_page, png, require, run, skip

EVAL = os.environ['BRAILLE_EVAL']
ASCII = " A1B'K2L@CIF/MSP\"E3H9O6R^DJG>NTQ,*5<-U8V.%[$+X!&;:4\\0Z7(_?W]#Y)="  # NABCC in the order of Unicode braille
PEF, DC = '{http://www.daisy.org/ns/2008/pef}', '{http://purl.org/dc/elements/1.1/}'
SAMPLE_TEXT = pathlib.Path(__file__).parent.parent / 'data' / 'sample-page.txt'
NAMES = ('a<b>&"\'.png', 'two\nlines\t\x1b[31m.png', 'not-utf-8-\udcff\udc80.png', 'turned-\u202egnp.png', ']]>-->.png', '-- $(touch x).png')


def read(*words, **options):
    return run('read', '-q', *words, **options)


def grid(o):
    """{(row, column): dots} of a reading's JSON."""
    return {(c['row'], c['column']): c['dots'] for c in o['cells']}


def lines_of(text):
    """The same of lines of Unicode braille."""
    return {(r, c): ''.join(str(d + 1) for d in range(6) if ord(sign) - 0x2800 >> d & 1) for r, line in enumerate(text)
            for c, sign in enumerate(line) if sign != '\u2800'}


def case_plain():
    page = need_page()
    for side in ('recto', 'verso'):
        o = read(page, '--side', side, '--json').json
        brf = read(page, '--side', side, '--format', 'brf').out.decode('ascii')
        require(brf.endswith('\r\n\f') and brf.count('\f') == 1 and '\n' not in brf.replace('\r\n', ''), repr(brf[-50:]))
        rows = [''.join(chr(0x2800 + ASCII.index(sign)) for sign in line) for line in brf[:-3].split('\r\n')]
        require(lines_of(rows) == grid(o), 'brf has other cells')
        require(all(not line.endswith(' ') for line in brf[:-3].split('\r\n')), 'blank cells at the end of a line')
        text = read(page, '--side', side, '--format', 'unicode').text
        rows = {line['row']: shown for line, shown in zip(o['lines'], text.splitlines(), strict=True)}
        require(lines_of([rows.get(r, '') for r in range(max(rows) + 1)]) == grid(o), 'unicode has other cells')
        hanzi = read(page, '--side', side, '--format', 'hanzi').text
        require(hanzi.splitlines() == [line['hanzi'] for line in o['lines']], 'the JSON has other hanzi')
        want = re.sub('#.*|[ \n]', '', SAMPLE_TEXT.read_text(encoding='utf8').split('\n\n')[side == 'verso'])
        same = sum(b.size for b in difflib.SequenceMatcher(None, hanzi.replace('\n', ''), want, autojunk=False).get_matching_blocks())
        require(same > 0.9 * len(want), side, same, len(want), hanzi)
    for name in ('pinyin', 'hanzi', 'text', 'unicode', 'brf'):
        one = read(page, '--format', name).out
        two = read(page, page, '--format', name).out
        require(two == one + one if name == 'brf' else two == one + b'\f' + one, name, 'of two pages')
    two = read(page, page, '--json').text.splitlines()
    require(len(two) == 2 and json.loads(two[0])['cells'] == json.loads(two[1])['cells'])


def check_pef(text, n_pages):
    """The rules of PEF 2008-1 (its RELAX NG grammar): what is where, how often, of which characters."""
    root = ET.fromstring(text)
    head, body = root
    require(root.tag == PEF + 'pef' and root.attrib == {'version': '2008-1'} and (head.tag, body.tag) == (PEF + 'head', PEF + 'body'))
    require([e.tag for e in head] == [PEF + 'meta'] and not head.attrib and not body.attrib)
    meta = [(e.tag.removeprefix(DC), e.text) for e in head[0]]
    require(all(e.tag.startswith(DC) and e.text and not e.attrib and not len(e) for e in head[0]), meta)
    require([t for k, t in meta if k == 'format'] == ['application/x-pef+xml'] and sum(k == 'identifier' for k, _ in meta) == 1, meta)
    require({'title', 'date', 'language', 'source'} <= {k for k, _ in meta}, meta)
    pages = []
    for volume in body:
        require(volume.tag == PEF + 'volume' and set(volume.attrib) == {'cols', 'rows', 'rowgap', 'duplex'}, volume.attrib)
        cols, rows = int(volume.get('cols')), int(volume.get('rows'))
        require(cols > 0 and rows > 0 and int(volume.get('rowgap')) >= 0 and volume.get('duplex') in ('true', 'false'))
        require(len(volume) and all(s.tag == PEF + 'section' and len(s) and not s.attrib for s in volume))
        for page in (p for s in volume for p in s):
            require(page.tag == PEF + 'page' and not page.attrib and 0 < len(page) <= rows, 'rows of a page')
            require(all(r.tag == PEF + 'row' and not r.attrib and not len(r) for r in page))
            pages.append([r.text or '' for r in page])
            require(all(re.fullmatch('[\u2800-\u28ff]*', r) and len(r) <= cols for r in pages[-1]), pages[-1])
    require(len(pages) == n_pages, len(pages))
    blanks = [e for e in root.iter() if e.tag != PEF + 'row' and not e.tag.startswith(DC) and (e.text or '').strip()]
    require(not blanks, 'text where none may be')
    return dict(meta), pages


def case_sides():
    """Both sides are one answer: recto, then verso, in every format."""
    page = need_page()
    o, v, both = (read(page, '--side', side, '--json').json for side in ('recto', 'verso', 'both'))
    require(both['cells'] == o['cells'] + v['cells'] and both['lines'] == o['lines'] + v['lines'], 'both are not the one and the other')
    require(all(0 <= d['at'][0] < 1654 and 0 <= d['at'][1] < 2339 and 0 < d['p'] <= 1 for d in both['strays']), both['strays'])
    require([s['side'] for s in both['sides']] == ['recto', 'verso'] and all(s['text'] and 1 < s['nats'] < 4.3 for s in both['sides']), both['sides'])
    words = (page, '--side', 'both', '--format')
    for name in ('unicode', 'pinyin'):
        one, two = (read(page, '--side', side, '--format', name).text for side in ('recto', 'verso'))
        require(read(*words, name).text == one + '\f' + two, name)
    sides = [lines_of([''.join(chr(0x2800 + ASCII.index(sign)) for sign in line) for line in brf.split('\r\n')])
             for brf in read(*words, 'brf').out.decode('ascii').split('\f')[:-1]]
    require(sides == [grid(o), grid(v)], 'brf')
    require([lines_of(p) for p in check_pef(read(*words, 'pef').out, 2)[1]] == [grid(o), grid(v)], 'pef')
    html = read(*words, 'html', '--lang', 'en').text
    check_html(html, [o, v])
    require('front (recto)</h2>' in html and 'back (verso)</h2>' in html and '<nav aria-label="Pages">' in html)
    read(*words, 'dsbi', code=64, says='+verso.txt')


def case_scores():
    """What p is made of; --verbatim has no corrections, and an untouched page has none to make."""
    page = need_page()
    plain, scored = read(page, '--json').json, read(page, '--json', '--scores', '--verbatim').json
    require(plain['changes'] == [] and scored['changes'] == [] and 'blanks' not in plain and 'cosine' not in plain['cells'][0])
    require(grid(plain) == grid(scored) and len(scored['blanks']) > 20 and all(c['dots'] == '0' for c in scored['blanks']))
    for c in scored['cells'] + scored['blanks']:
        require(len(c['cosine']) == 16 and len(c['evidence']) == 6 and c['cosine'] == sorted(c['cosine'], key=lambda x: -x[1]), c)
        raised = [e for d, e in enumerate(c['evidence']) if str(d + 1) in c['dots']]
        require(not raised or max(raised) > 0, c)
    require(0.99 < plain['confidence'] <= 1 and min(c['p'] for c in plain['cells']) > 0.2, plain['confidence'])


def case_pef():
    page = need_page()
    o = read(page, '--json').json
    text = read(page, page, '--format', 'pef').out
    meta, pages = check_pef(text, 2)
    require(all(lines_of(p) == grid(o) for p in pages), 'pef has other cells')
    require(meta['title'] == 'sample-page.png' and '/' not in meta['source'], meta)
    again = read(page, page, '--format', 'pef', env=dict(os.environ, SOURCE_DATE_EPOCH='86400')).out
    require(check_pef(again, 2)[0] == {**meta, 'date': '1970-01-02'}, 'the day that was asked for')
    meta, _ = check_pef(read(page, '--format', 'pef', '--title', 'A & B <"> \x01').out, 1)
    require(meta['title'] == 'A & B <"> \ufffd', meta)


def evaluate(truth, reading, side):
    p = subprocess.run([EVAL, 'reading', str(truth), str(reading), '--json'], capture_output=True, text=True)
    require(p.returncode == 0, p.stderr)
    return json.loads(p.stdout)[side]


def turned_jpeg(jpeg, orientation):
    """A JPEG whose EXIF says how it is to be turned."""
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01' + bytes([0, orientation, 0, 0]) + b'\0\0\0\0'
    return jpeg[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + jpeg[2:]


def embedded(document):
    return base64.b64decode(re.search(r'src="data:image/jpeg;base64,([A-Za-z0-9+/=]+)"', document)[1])


def case_dsbi():
    """An annotation that braille-eval and the reference take for the reading itself, however the page lies."""
    page = need_page()
    o = read(page, '--json').json
    with folder() as d:
        d = pathlib.Path(d)
        jpeg = embedded(read(page, '--format', 'html').text)
        (d / 'page.png').write_bytes(pathlib.Path(page).read_bytes())
        (d / 'half.jpg').write_bytes(turned_jpeg(jpeg, 3))
        (d / 'right.jpg').write_bytes(turned_jpeg(jpeg, 6))
        (d / 'left.jpg').write_bytes(turned_jpeg(jpeg, 8))
        for name, turn, side in (('page.png', 0, 'recto'), ('page.png', 0, 'verso'), ('half.jpg', 180, 'recto'), ('right.jpg', 90, 'recto'),
                                 ('left.jpg', 270, 'recto')):
            words = (d / name, '--side', side)
            got = read(*words, '--json')
            (d / 'r.json').write_text(got.text)
            truth = d / f'x+{side}.txt'
            read(*words, '--format', 'dsbi', '-o', truth)
            score = evaluate(truth, d / 'r.json', side)
            n = len(got.json['cells'])
            require(got.json['page']['orientation'] == turn, name, got.json['page'])
            require(n > 100 and score['cell']['right'] == score['cell']['there'] == score['cell']['found'] == n, name, side, n, score)
            require(score['words']['right'] == score['words']['there'] and score['text']['errors'] == 0, score)
            size = got.json['page']['width'], got.json['page']['height']
            want = reference.score(reference.annotation(truth.read_text(), side == 'verso', *size), reference.reading(got.text, side))
            require(want == reference.counts(score), want, score)
            require(evaluate(truth, truth, side)['cell']['f1'] == 1)
            if turn:  # the same page: the same cells
                same = sum(grid(o).get(k) == v for k, v in grid(got.json).items())
                require(same > 0.97 * len(grid(o)), name, same, 'of', len(grid(o)))
        drawn = pathlib.Path(page).with_name('sample-page+recto.txt')
        require(evaluate(drawn, d / 'x+recto.txt', 'recto')['cell']['there'] > 200)
        read(page, page, '--format', 'dsbi', code=64, says='one page')


class Document(html.parser.HTMLParser):
    """Ids, links, headings, rows and what has no name."""
    VOID = {'meta', 'img', 'input', 'br', 'link'}

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.open, self.headings, self.rows, self.faults, self.doubts = [], [], [], [], [], [], [], []
        self.feed(text)
        self.close()
        require(not self.open, 'never closed:', self.open)
        require(len(set(self.ids)) == len(self.ids), 'an id is there twice')

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.tags.append((tag, a))
        require(len(a) == len(attrs), 'an attribute is there twice', attrs)
        if 'id' in a:
            self.ids.append(a['id'])
        self.links += [v for k, v in attrs if k in ('href', 'src', 'action', 'srcset', 'xlink:href')]
        if tag == 'img' and not a.get('alt', '').strip():
            self.faults.append('img without alt')
        if tag in ('h1', 'h2', 'h3'):
            self.headings.append(tag)
        if tag == 'tr' and 'data-line' in a:
            self.rows.append([int(a['data-line']), '', ''])
        if tag not in self.VOID:
            self.open.append((tag, a.get('class', '')))

    def handle_endtag(self, tag):
        require(self.open and self.open[-1][0] == tag, tag, 'closes', self.open[-1:])
        self.open.pop()

    def handle_data(self, data):
        inside = [c for _, c in self.open]
        if 'heard' in inside or 'sign' in inside:
            return
        for i, name in enumerate(('pinyin', 'braille')):
            if name in inside:
                self.rows[-1][1 + i] += data


def plain_pinyin(text):
    """hǎo -> hao3: tone marks back to digits."""
    tones = {'\u0304': '1', '\u0301': '2', '\u030c': '3', '\u0300': '4'}

    def syllable(m):
        word, tone = '', ''
        for sign in unicodedata.normalize('NFD', m[0]):
            tone += tones.get(sign, '')
            word += '' if sign in tones else 'v' if sign == '\u0308' else sign
        return word.replace('uv', 'v') + tone
    return re.sub('[^\\W\\d_]+', syllable, text)


def no_tones(text):
    """Letters, signs and how many of each tone: what is left when only the place of tone digits may differ."""
    text = re.sub("[\\s']", '', text)
    return re.sub('[1-4]', '', text), sorted(re.findall('[1-4]', text))


def check_html(text, readings, chinese=False):
    document = Document(text)
    require(not document.faults, document.faults)
    outside = [link for link in document.links if not link.startswith(('#', 'data:image/jpeg;base64,'))]
    require(not outside and '://' not in text and 'url(' not in text, 'a link leads outside', outside)
    lost = [link for link in document.links if link.startswith('#') and link[1:] not in document.ids]
    require(not lost, 'links to nothing', lost[:5])
    require(document.tags[0] == ('html', {'lang': 'zh-CN' if chinese else 'en'}), document.tags[0])
    require(document.headings[0] == 'h1' and document.headings.count('h1') == 1 and document.headings.count('h2') == len(readings))
    names = [t for t, _ in document.tags]
    require(names.count('main') == names.count('header') == names.count('footer') == 1 and names.count('img') == len(readings))
    require(sum(a.get('role') == 'img' and bool(a.get('aria-label')) for t, a in document.tags if t == 'svg') == len(readings))
    require(all(a.get('scope') for t, a in document.tags if t == 'th'), 'a heading cell without scope')
    cells = [(t, a) for t, a in document.tags if t == 'g' and a.get('class', '').startswith('cell') and 'id' in a]
    require(len(cells) == sum(len(o['cells']) for o in readings), len(cells))
    want = [line for o in readings for line in o['lines']]
    require(len(document.rows) == len(want), len(document.rows), len(want))
    for (number, pinyin, braille), line in zip(document.rows, want):
        require(number == line['row'] + 1 and braille == line['braille'], number, line)
        require(no_tones(plain_pinyin(pinyin)) == no_tones(line['pinyin']), pinyin, line['pinyin'])
    return document


def marks(text, name):
    return len(re.findall(f'<g class="cell {name}" id=', text))


def case_html():
    page = need_page()
    o, v = read(page, '--json').json, read(page, '--side', 'verso', '--json').json
    text = read(page, '--format', 'html', env=dict(os.environ, LC_ALL='C.UTF-8')).text
    check_html(text, [o])
    low = [c for c in o['cells'] if c['p'] < 0.9]
    require(marks(text, 'doubtful') + marks(text, 'unknown') >= len(low), len(low))
    # every dot of the overlay lies in its cell's box
    width, height = map(int, re.search(r'<img alt="[^"]+" width="(\d+)" height="(\d+)"', text).groups())
    scale = width / o['page']['width']
    require(abs(height / o['page']['height'] - scale) < 0.002, 'the picture is squeezed')
    drawn = re.findall(r'id="p1-c\d+"[^>]*><path class="box" d="[^"]+"/><path class="dots" d="([^"]+)"', text)
    for c, path in zip(o['cells'], drawn, strict=True):
        dots = [tuple(map(float, d)) for d in re.findall(r'M([\d.]+) ([\d.]+)h0', path)]
        x, y, w, h = (k * scale for k in c['box'])
        require(len(dots) == len(c['dots']) and all(x - 1 <= a <= x + w + 1.5 and y - 1 <= b <= y + h + 1.5 for a, b in dots), c, dots)
    every = read(page, '--format', 'html', '--doubt', '2', '--lang', 'zh').text
    require(marks(every, 'doubtful') + marks(every, 'unknown') == len(o['cells']), 'not every cell is doubtful')
    check_html(every, [o], chinese=True)
    require('存疑' in every and every.count('<mark class="doubtful"') > 50)
    require(marks(read(page, '--format', 'html', '--doubt', '0', env=dict(os.environ, LC_ALL='', LC_MESSAGES='', LANG='zh_CN.UTF-8')).text, 'doubtful') == 0)
    check_html(read(page, '--side', 'verso', '--format', 'html', '--lang', 'en').text, [v])
    two = read(page, page, '--format', 'html', '--lang', 'en').text
    check_html(two, [o, o])
    require('<nav aria-label="Pages">' in two)
    # a page that lies otherwise is shown upright: dots at the same places
    with folder() as d:
        turned = pathlib.Path(d, 'half.jpg')
        turned.write_bytes(turned_jpeg(embedded(text), 3))
        upright = read(turned, '--format', 'html').text
        other = re.findall(r'id="p1-c\d+"[^>]*><path class="box" d="[^"]+"/><path class="dots" d="M([\d.]+) ([\d.]+)h0', upright)
        first = [re.match(r'M([\d.]+) ([\d.]+)h0', p).groups() for p in drawn]
        near = sum(any(abs(float(a) - float(x)) < 4 and abs(float(b) - float(y)) < 4 for x, y in other) for a, b in first)
        require(near > 0.97 * len(first), near, len(first))


def case_files():
    page = need_page()
    with folder() as d:
        d = pathlib.Path(d)
        for name, begins in (('a.brf', b'  '), ('a.PEF', b'<?xml'), ('a.json', b'{"page"'), ('a.html', b'<!DOCTYPE html>'), ('a.txt', 'jin'.encode()),
                             ('a.odd', b'jin')):
            require(not read(page, '-o', d / name).out, 'something was printed, too')
            require((d / name).read_bytes().startswith(begins), name, (d / name).read_bytes()[:20])
        read(page, '-o', d / 'b.html', '--format', 'brf')
        require((d / 'b.html').read_bytes() == (d / 'a.brf').read_bytes(), '--format decides')
        require(read(page, '-o', '-', '--format', 'brf').out == (d / 'a.brf').read_bytes())
        run('read', page, '--json', '--format', 'brf', code=64, says='choose one')
        run('read', page, '--lang', 'fr', code=64, says='zh')
        run('read', page, '-o', d / 'no/x.html', code=73, says='no/x.html')
        run('read', page, '-o', d, code=73, says='folder')
        (d / 'white.png').write_bytes(png(1240, 1754))
        old = (d / 'a.html').read_bytes()
        for pages in ((d / 'white.png',), (page, d / 'white.png'), (page, d / 'none.png')):
            run('read', *pages, '-o', d / 'a.html', code=66 if pages[-1].name == 'none.png' else 65)
        require((d / 'a.html').read_bytes() == old, 'a failure touched the file that was there')
        kept = sorted(os.listdir(d))
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        for name in ('full.html', 'full.json', 'full.dsbi'):
            run('read', page, '-o', d / name, *(('--format', 'dsbi') if name.endswith('dsbi') else ()), preexec=limit, code=74, says=name)
        require(sorted(os.listdir(d)) == kept, os.listdir(d))
        with open('/dev/full', 'wb') as full:
            for name in ('html', 'brf', 'json'):
                run('read', page, '--format', name, stdout=full, code=74, says='No space left')


def case_names():
    """Names that are markup, controls, no UTF-8, or turn the writing: no document breaks, and none runs."""
    page = need_page()
    with folder() as d:
        pages = []
        for name in NAMES:
            pages.append(os.path.join(d, name))
            shutil.copy(page, pages[-1])
        o = read(pages[0], '--json').json
        text = read('--format', 'html', '--lang', 'en', '--title', '</title><script>alert(1)</script>', *pages).out.decode('utf-8')
        document = check_html(text, [o] * len(pages))
        require(sum(t == 'script' for t, _ in document.tags) == 1 and '\u202e' not in text and '\x1b' not in text)
        require(not [a for _, a in document.tags if any(k.startswith('on') or k == 'style' for k in a)], 'what the policy forbids')
        check_pef(read('--format', 'pef', *pages).out, len(pages))


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
