#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset import: what others have labelled, and what is no label."""
import hashlib
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time

import sets
from harness import DATASET, files, folder, jsonl, main, png, require, run, skip

KEYS = ['id', 'image', 'sha256', 'type', 'text', 'cells', 'boxes', 'dpi', 'code', 'source', 'parent', 'augment', 'split']


def imported(where, *args, **more):
    """Run an import; {id: record}, every picture being there and the one that was meant."""
    run('import', *args, '-o', where, '-q', **more)
    records = jsonl(where / 'manifest.jsonl')
    for r in records:
        require(list(r)[:13] == KEYS, list(r))
        require(hashlib.sha256((where / r['image']).read_bytes()).hexdigest() == r['sha256'], r['id'])
    require(len({r['id'] for r in records}) == len(records))
    require((where / 'card.md').exists() and not (where / '.partial.jsonl').exists())
    return {r['id']: r for r in records}


def skipped(where):
    path = where / 'skipped.jsonl'
    return [s['source'] + ': ' + s['why'] for s in jsonl(path)] if path.exists() else []


HERE = pathlib.Path(__file__).resolve().parent
DSBI = '0\n10 30 60 80 110 130\n10 30 50 90 110 130\n1 1 1 0 0 0 0 0\n1 3 1 1 0 0 1 0\n2 2 0 0 0 0 0 1\n'


def case_dsbi():
    with folder() as d:
        book = d / 'src/A book'
        book.mkdir(parents=True)
        (book / 'p+1.png').write_bytes(png(200, 160))
        (book / 'p+1+recto.txt').write_text(DSBI)
        (book / 'p+1+verso.txt').write_text(DSBI)
        (book / 'p+2+recto.jpg').write_bytes(png(200, 160, 9))  # as the data set has them; the name does not matter
        (book / 'p+2+recto.txt').write_text(DSBI.replace('\n', '\r\n'))
        (book / 'p+2+verso.txt').write_text('')
        (book / 'p+3+recto.txt').write_text(DSBI)
        (book / 'p+4+recto.txt').write_text('noise')
        (book / 'p+4.png').write_bytes(png(200, 160))
        (book / 'p+5+recto.txt').write_text(DSBI)
        (book / 'p+5.png').write_bytes(b'no picture')
        (book / 'p+6+recto.txt').write_text('90\n' + DSBI[2:])
        (book / 'p+6.png').write_bytes(png(200, 160, 7))
        got = imported(d / 'out', 'dsbi', d / 'src', says='left out dsbi:A book/p+3+recto.txt: there is no picture A book/p+3.jpg')
        require(list(got) == [f'A-book+p+{p}' for p in ('1+recto', '1+verso', '2+recto', '2+verso', '6+recto')], list(got))
        recto, verso = got['A-book+p+1+recto'], got['A-book+p+1+verso']
        require(recto['image'] == verso['image'] == 'images/A-book+p+1.png', recto)
        require(recto['cells'] == ['1', '125', '6'] and recto['places'] == [[0, 0], [0, 2], [1, 1]], recto)
        require(recto['boxes'] == [[10, 10, 20, 40], [110, 10, 20, 40], [60, 90, 20, 40]], recto)
        require(recto['type'] == 'page' and recto['side'] == 'recto' and (recto['width'], recto['height']) == (200, 160), recto)
        require(recto['source'] == 'dsbi:A book/p+1+recto.txt' and recto['text'] is None, recto)
        # its reader begins at the right of the picture, and feels the dots mirrored
        require(verso['cells'] == ['245', '4', '3'] and verso['places'] == [[0, 0], [0, 2], [1, 1]], verso)
        require(verso['boxes'] == [[110, 10, 20, 40], [10, 10, 20, 40], [60, 90, 20, 40]] and verso['side'] == 'verso', verso)
        blank = got['A-book+p+2+verso']
        require(blank['cells'] == [] and blank['boxes'] == [] and blank['image'] == got['A-book+p+2+recto']['image'], blank)
        # annotated on the page turned by 90 degrees counter-clockwise: (x, y) there is (200 - y, x) here
        turned = got['A-book+p+6+recto']
        require(turned['skew_deg'] == 90, turned)
        centres = [[b[0] + b[2] / 2, b[1] + b[3] / 2] for b in turned['boxes']]
        require(centres == [[170, 20], [170, 120], [90, 70]], centres)
        require([s.split(': ')[0][-11:] for s in skipped(d / 'out')] == ['3+recto.txt', '4+recto.txt', '5+recto.txt'], skipped(d / 'out'))
        # one file instead of the folder
        one = imported(d / 'one', 'dsbi', book / 'p+1+verso.txt')
        require(list(one) == ['p+1+verso'] and one['p+1+verso']['cells'] == verso['cells'], one)
        # names that become one id are told apart, sides of a page stay together
        (d / 'src/A-book').mkdir()
        for name in ('p+1.png', 'p+1+recto.txt', 'p+1+verso.txt'):
            (d / 'src/A-book' / name).write_bytes(png(200, 160, 3) if name.endswith('png') else DSBI.encode())
        both = imported(d / 'both', 'dsbi', d / 'src', d / 'src/A-book/p+1+recto.txt')
        ids = [i for i in both if '+p+1' in i or i.startswith('p+1')]
        require(ids == ['A-book+p+1+recto', 'A-book+p+1+verso', 'A-book+p+1+recto#2', 'A-book+p+1+verso#2', 'p+1+recto'], ids)
        require(both[ids[0]]['image'] == both[ids[1]]['image'] != both[ids[2]]['image'] == both[ids[3]]['image'])


def case_drawn():
    """A drawn page that lies askew, and where its cells truly are."""
    data = HERE.parent / 'data'
    with folder() as d:
        (d / 'src').mkdir()
        run('render', '--page', data / 'sample-page-recto.brl.txt', '--verso', data / 'sample-page-verso.brl.txt', '--geometry', 'press',
            '--paper', 'a4', '--skew', '1.5', '--truth', d / 'truth.tsv', '--dsbi', '-o', d / 'src/page.png')
        got = imported(d / 'out', 'dsbi', d / 'src')
        truth = [line.split('\t') for line in (d / 'truth.tsv').read_text().splitlines()[1:]]
        for side in ('recto', 'verso'):
            record = got[f'page+{side}']
            want = [t for t in truth if t[0] == side]
            require(len(want) > 20 and record['places'] == [[int(t[1]), int(t[2])] for t in want], side)
            require(record['cells'] == [t[3] for t in want] and record['skew_deg'] == 1.5, side)
            worst = max(abs(x - float(y)) for b, t in zip(record['boxes'], want) for x, y in zip(b, t[4:]))
            print(side, len(want), 'cells at most', worst, 'px off')
            require(worst <= 0.12, side, worst)  # the truth is told to a tenth


def case_dsbi_pages(where):
    """Real pages, and back again by the export."""
    if not list(where.glob('*/*+recto.txt')):
        skip(f'NO DSBI PAGES in {where}: the import of real pages was NOT tested')
    with folder() as d:
        got = imported(d / 'out', 'dsbi', where)
        require(len(got) == len(list(where.glob('*/*.txt'))) and not skipped(d / 'out'), skipped(d / 'out'))
        for path in where.glob('*/*+recto.txt'):
            record = got[f'{path.parent.name}+{path.stem}'.replace(' ', '-')]
            lines = [line for line in path.read_text().split('\n')[3:] if set(line.split()[2:]) - {'0'}]
            cells = [''.join(str(i + 1) for i, b in enumerate(line.split()[2:]) if b == '1') for line in lines]
            places = [[int(v) - 1 for v in line.split()[:2]] for line in lines]
            require(sorted(zip(record['places'], record['cells'])) == sorted(zip(places, cells)), path)
        run('export', 'dsbi', d / 'out', '-o', d / 'dsbi', '-q')
        again = imported(d / 'again', 'dsbi', d / 'dsbi')
        require(list(again) == list(got), list(again))
        worst = 0
        for ident, r in got.items():
            a = again[ident]
            require(a['cells'] == r['cells'] and a['sha256'] == r['sha256'], ident)
            rows = {p[0] for p in r['places']}
            require(a['places'] == r['places'] or not rows, ident)
            worst = max([worst] + [abs(x - y) for b, c in zip(a['boxes'], r['boxes']) for x, y in zip(b, c)])
        print(len(got), 'sides; boxes after a turn through the export at most', worst, 'px off')
        require(worst <= 0.02, worst)


def case_angelina():
    with folder() as d:
        (d / 'src/books').mkdir(parents=True)
        src = d / 'src/books'
        (src / '01.labeled.jpg').write_bytes(png(1000, 500))
        (src / '01.labeled.csv').write_text('0.1;0.2;0.132;0.304;19\r\n0.2;0.2;0.232;0.304;0\r\n0.3;0.2;0.332;0.304;б\r\n0.4;0.2;0.432;0.304;~3456~\r\n')
        (src / '01.labeled.json').write_text('{"shapes": [], "imagePath": "nothing"}')  # the CSV is taken
        (src / '02.png').write_bytes(png(100, 100))
        (src / '02.labeled.csv').write_text('0.1;0.2;0.3;0.6;63')
        for name, text in {'03': '0.1;0.2;0.3;0.6;64', '04': '0.1;0.2;0.3;0.6', '05': '0.3;0.2;0.1;0.6;1', '06': 'nan;0.2;0.3;0.6;1',
                           '07': '0.1;0.2;0.3;0.6;zz', '08': '0.1,0.2,0.3,0.6,1', '09': '0.1;0.2;9;0.6;1', '10': '\xff'}.items():
            (src / f'{name}.csv').write_text(text, encoding='latin1')
            (src / f'{name}.png').write_bytes(png(100, 100))
        (src / '11.json').write_text(json.dumps({'imagePath': '11.png', 'imageWidth': 100, 'imageHeight': 100, 'shapes': [
            {'label': 'Ж', 'points': [[50, 10], [66, 36]], 'shape_type': 'rectangle'},
            {'label': '2', 'points': [[26, 36], [10, 10]], 'shape_type': 'rectangle'},
            {'label': '##', 'points': [[10, 60], [26, 86]]}]}))
        (src / '11.png').write_bytes(png(100, 100))
        got = imported(d / 'out', 'angelina', d / 'src')
        r = got['books+01.labeled']
        require(r['cells'] == ['125', '0', '12', '3456'] and r['places' if 'places' in r else 'text'] is None, r)
        # a box reaches 0.3 dot pitches beyond the dot centres: 32 x 52 px around 20 x 40 px; pixels count from their edge
        require(r['boxes'][0] == [105.5, 105.5, 20, 40], r['boxes'])
        require(got['books+02.labeled']['cells'] == ['123456'])
        require(got['books+11']['cells'] == ['12', '245', '3456'], got['books+11'])
        require(list(got) == ['books+01.labeled', 'books+02.labeled', 'books+11'] and len(skipped(d / 'out')) == 8, list(got))
        wide = imported(d / 'wide', 'angelina', src / '01.labeled.csv', '--margin', '0')
        require(wide['01.labeled']['boxes'][0] == [99.5, 99.5, 32, 52], wide)


def shape(label, x, y, w=20, h=40, **more):
    return dict({'label': label, 'points': [[x, y], [x + w, y + h]], 'shape_type': 'rectangle'}, **more)


def case_labelme():
    with folder() as d:
        src = d / 'src'
        src.mkdir()
        pages = {
            # two lines that run down to the right, in any order
            'order': [shape('125', 10 + 50 * i, 10 + 10 * i) for i in range(10)][::-1] + [shape('12', 10 + 50 * i, 90 + 10 * i) for i in range(10)],
            'labels': [shape(t, 10 + 50 * i, 10) for i, t in enumerate(['125', '0', '110010', '⠓', '~125~', '&6', '000000'])],
            'polygon': [dict(shape('1', 0, 0), points=[[10, 20], [30, 22], [31, 60], [11, 58]], shape_type='polygon')],
            'windows': [shape('1', 10, 10)],
            'none': [],
            'bad-label': [shape('hello', 10, 10)], 'bad-circle': [shape('1', 10, 10, shape_type='circle')],
            'bad-flat': [shape('1', 10, 10, h=0)], 'bad-points': [dict(shape('1', 1, 1), points=[[1, 2], [3, 'x']])],
            'bad-far': [shape('1', 1e300, 1)], 'bad-none': [{'points': [[1, 2], [3, 4]]}], 'bad-shape': [7],
            'bad-empty': [shape('', 10, 10)], 'bad-eight': [shape('178', 10, 10)],
        }
        for name, shapes in pages.items():
            (src / f'{name}.png').write_bytes(png(700, 300))
            (src / f'{name}.json').write_text(json.dumps({'shapes': shapes, 'imageWidth': 700, 'imageHeight': 300, 'imagePath': f'{name}.png'}))
        (src / 'windows.json').write_text(json.dumps({'shapes': pages['windows'], 'imagePath': '..\\pages\\order.png'}))
        (src / 'bad-json.json').write_text('{"shapes": [}')
        (src / 'bad-twice.json').write_text('{"shapes": [], "shapes": []}')
        (src / 'bad-array.json').write_text('[1]')
        (src / 'bad-size.json').write_text(json.dumps({'shapes': [], 'imageWidth': 701, 'imageHeight': 300, 'imagePath': 'order.png'}))
        (src / 'bad-inside.json').write_text(json.dumps({'shapes': [], 'imageData': 'aGk=', 'imagePath': 'gone.png'}))
        (src / 'bad-away.json').write_text(json.dumps({'shapes': [], 'imagePath': '../../../../etc/hostname'}))
        got = imported(d / 'out', 'labelme', src)
        require(sorted(got) == ['labels', 'none', 'order', 'polygon', 'windows'], sorted(got))
        require(got['order']['cells'] == ['125'] * 10 + ['12'] * 10, got['order']['cells'])
        require([b[0] for b in got['order']['boxes']] == [9.5 + 50 * i for i in range(10)] * 2, got['order']['boxes'])
        require(abs(got['order']['skew_deg'] - 11.31) < 0.01, got['order']['skew_deg'])
        require(got['labels']['cells'] == ['125', '0', '125', '125', '125', '6', '0'], got['labels'])
        require(got['polygon']['boxes'] == [[9.5, 19.5, 21, 40]], got['polygon'])
        require(got['windows']['sha256'] == got['order']['sha256'] and got['none']['cells'] == [], got['windows'])
        why = skipped(d / 'out')
        require(len(why) == 15 and all('labelme:bad-' in w for w in why), why)
        require(any('imageData' in w for w in why) and any('701 x 300' in w for w in why), why)
        (src / 'empty').mkdir()
        run('import', 'labelme', src / 'empty', '-o', d / 'x', code=65, says='nothing to import')


def case_tsv():
    with folder() as d:
        src = d / 'src'
        (src / 'sub').mkdir(parents=True)
        for i, name in enumerate(['a.png', 'b.png', 'sub/c.d.png', 'sub/a.png']):
            (src / name).write_bytes(png(50, 40, i))
        (src / 'labels.tsv').write_text('\ufeffimage\ttext\tcells\n# a comment\n'
                                        'a.png\t248\n'
                                        'b.png\thao4\t125 235 23\n'
                                        'sub/c.d.png\t！\t⠰⠂\n'
                                        'a.png\tbei3jing1 shi4\t\r\n'
                                        '\n'
                                        'sub/a.png\twhat\t1 9\n'
                                        'sub/a.png\tqqqq\n'
                                        '../src/a.png\t1\n'
                                        '/etc/hostname\t1\n'
                                        'gone.png\t1\n'
                                        'a.png\n'
                                        'b.png\t\n'
                                        'b.png\tx\xff\t1\n'.replace('\xff', '\udcff'), encoding='utf-8', errors='surrogateescape')
        got = imported(d / 'out', 'tsv', src, '--dpi', 300)
        require(list(got) == ['a', 'b', 'sub+c.d', 'a#2'], list(got))
        require(got['a']['cells'] == ['3456', '12', '145', '125'] and got['a']['code'] == 'current' and got['a']['type'] == 'number', got['a'])
        require(got['b']['cells'] == ['125', '235', '23'] and got['b']['code'] is None and got['b']['type'] == 'spell', got['b'])
        require(got['sub+c.d']['cells'] == ['56', '2'] and got['sub+c.d']['type'] == 'punctuation', got['sub+c.d'])
        require(got['a#2']['text'] == 'bei3jing1 shi4' and got['a#2']['type'] == 'line' and got['a#2']['dpi'] == 300, got['a#2'])
        require(got['a#2']['image'] != got['a']['image'] and got['a#2']['source'] == 'tsv:labels.tsv:6', got['a#2'])
        why = skipped(d / 'out')
        require(len(why) == 8, why)
        require('UTF-8' in ' '.join(why) and 'below the folder' in why[2], why)
        two = imported(d / 'two', 'tsv', src / 'labels.tsv', '--code', 'two-cell', '--type', 'word', '--split', 'test')
        require({(r['type'], r['split'], r['code']) for r in two.values()} == {('word', 'test', 'two-cell')}, two)
        # zero bytes and lines without end are no text
        (src / 'labels.tsv').write_bytes(b'a.png\t1\0\n')
        run('import', 'tsv', src, '-o', d / 'x', code=65, says='line 1')
        (src / 'labels.tsv').write_bytes(b'a.png\t' + b'1' * 100000 + b'\n')
        run('import', 'tsv', src, '-o', d / 'x', code=65, says='line 1')


def case_brf():
    with folder() as d:
        src = d / 'src'
        (src / 'book').mkdir(parents=True)
        for i in (1, 2, 10):
            (src / f'book/page{i}.png').write_bytes(png(60, 40, i))
        (src / 'book.brf').write_bytes(b'  #BDH\r\n\r\nh\\1  \r\n\fA\n\f\xe4\n\f')
        got = imported(d / 'out', 'brf', src)
        require(list(got) == ['book.brf-1', 'book.brf-2'], list(got))
        r = got['book.brf-1']
        require(r['cells'] == ['0', '0', '3456', '12', '145', '125', '125', '1256', '2'], r)
        require(r['places'] == [[0, i] for i in range(6)] + [[2, 0], [2, 1], [2, 2]], r)
        require(r['text'] == '⠀⠀⠼⠃⠙⠓\n\n⠓⠳⠂' and r['type'] == 'page' and r['boxes'] is None and r['code'] is None, r)
        require(got['book.brf-2']['sha256'] == hashlib.sha256(png(60, 40, 2)).hexdigest(), 'page 2 has the picture of page 10')
        require(len(skipped(d / 'out')) == 1 and 'byte 228' in skipped(d / 'out')[0], skipped(d / 'out'))
        (src / 'book/page11.png').write_bytes(png(60, 40))
        run('import', 'brf', src / 'book.brf', '-o', d / 'x', code=65, says='3 pages but there are 4 pictures')
        # beside it, when there is no folder of its name
        (src / 'book').rename(d / 'flat')
        (src / 'book.brf').rename(d / 'flat/b.brf')
        (d / 'flat/page11.png').unlink()
        require(list(imported(d / 'flat-out', 'brf', d / 'flat/b.brf', '--code', 'common')) == ['b.brf-1', 'b.brf-2'])


def case_pictures():
    """PGM becomes PNG, with --link a picture is the same file, and --dpi fills in what pictures do not say."""
    with folder() as d:
        (d / 'src').mkdir()
        rows = [bytes(range(50))] * 40
        (d / 'src/a.pgm').write_bytes(b'P5 50 40 255\n' + b''.join(rows))
        (d / 'src/b.png').write_bytes(png(50, 40))
        (d / 'src/l.tsv').write_text('a.pgm\t1\nb.png\t2\n')
        got = imported(d / 'out', 'tsv', d / 'src', '--link')
        require(sets.unpng((d / 'out' / got['a']['image']).read_bytes()) == (rows, 1), got['a'])
        require((d / 'out' / got['b']['image']).samefile(d / 'src/b.png'), 'it is no link')
        require(got['a']['dpi'] is None and got['a']['image'].endswith('.png'), got['a'])
        copied = imported(d / 'copy', 'tsv', d / 'src', '--dpi', 150.5)
        require(not (d / 'copy' / copied['b']['image']).samefile(d / 'src/b.png') and copied['b']['dpi'] == 150.5, copied)


def case_linked():
    """Linked pictures are the files themselves, also by way of a symbolic link, and an import beside its pictures keeps them."""
    with folder() as d:
        (d / 'src').mkdir()
        (d / 'real.png').write_bytes(png(50, 40))
        (d / 'src/a.png').symlink_to('../real.png')
        (d / 'src/l.tsv').write_text('a.png\t1\n')
        got = imported(d / 'out', 'tsv', d / 'src', '--link')
        picture = d / 'out' / got['a']['image']
        require(not picture.is_symlink() and picture.samefile(d / 'real.png'), 'it is no link of the file')
        # a record's picture is the very file it comes from
        (d / 'set/images').mkdir(parents=True)
        (d / 'set/images/p.png').write_bytes(png(200, 160))
        (d / 'set/images/p+recto.txt').write_text(DSBI)
        before = (d / 'set/images/p.png').read_bytes()
        run('import', 'dsbi', d / 'set/images', '-o', d / 'set', '--link', code=73, says='no run of ours')
        for _ in range(2):
            require(list(imported(d / 'set', 'dsbi', d / 'set/images', '--link', '--force')) == ['p+recto'])
            require((d / 'set/images/p.png').read_bytes() == before and not list(d.rglob('*.tmp')))
        # what a kill left under the temporary name is a second name of a picture: it is not written through
        os.link(d / 'real.png', d / 'out/images/a.png.tmp')
        (d / 'src/a.png').unlink()
        (d / 'src/a.png').write_bytes(png(60, 50))
        imported(d / 'out', 'tsv', d / 'src', '--force')
        require((d / 'real.png').read_bytes() == png(50, 40) and not (d / 'out/images/a.png.tmp').exists())


def case_names():
    """Whatever files are called, each record has an id of its own, and the words about them stay one line."""
    with folder() as d:
        (d / 'src').mkdir()
        for name in ('a b', 'a-b', 'a-b#2', 'a+b', 'a/b'):
            (d / 'src' / f'{name}.png').parent.mkdir(exist_ok=True)
            (d / 'src' / f'{name}.png').write_bytes(png(200, 160, len(name)))
            (d / 'src' / f'{name}+recto.txt').write_text(DSBI)
            (d / 'src' / f'{name}+verso.txt').write_text(DSBI)
        got = imported(d / 'out', 'dsbi', d / 'src')
        require(len(got) == 10 and len({r['image'] for r in got.values()}) == 5, list(got))
        twice = imported(d / 'twice', 'dsbi', d / 'src', d / 'src')
        require(len(twice) == 20 and len({r['image'] for r in twice.values()}) == 10, list(twice))
        sides = imported(d / 'sides', 'dsbi', d / 'src/a b+verso.txt', d / 'src/a b+recto.txt')
        require(list(sides) == ['a-b+verso', 'a-b+recto'] and len({r['image'] for r in sides.values()}) == 1, list(sides))
        (d / 'src/l.tsv').write_bytes(b'a b.png\t1\nx\x1b[31m.png\t2\na b.png\t\t' + '是'.encode() * 20 + b'\n')
        r = run('import', 'tsv', d / 'src', '-o', d / 'tsv', '-q')
        require('\x1b' not in r.error and len(r.error.splitlines()) == 2, r.error)
        why = [s['why'] for s in jsonl(d / 'tsv/skipped.jsonl')]
        require('is no picture' in why[0] and 'is no list of cells' in why[1] and '是' in why[1], why)


def case_place():
    """Nothing of someone else's is overwritten; what a killed end of a run left goes; changed files are no going on."""
    with folder() as d:
        many(d / 'src', 60)
        for name in ('images', 'card.md', 'truth.jsonl', 'skipped.jsonl'):
            (d / name / name).mkdir(parents=True)
            run('import', 'tsv', d / 'src', '-o', d / name, '-q', code=73, says=name)
            require([p.name for p in (d / name).iterdir()] == [name])
        imported(d / 'want', 'tsv', d / 'src')
        words = ['import', 'tsv', d / 'src', '-o', d / 'out', '-q', '--jobs', '1']

        def stop():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        run(*words, code=74, preexec=stop)  # the journal is full
        require((d / 'out/.partial.jsonl').exists())
        for left in ('manifest.jsonl.a1B2c3', 'card.md.XXXXXX', 'skipped.jsonl.123456'):
            (d / 'out' / left).write_text('half')
        (d / 'out/notes.jsonl.123456').write_text('not ours')
        run(*words)
        require((d / 'out/notes.jsonl.123456').read_text() == 'not ours')
        (d / 'out/notes.jsonl.123456').unlink()
        require(files(d / 'out') == files(d / 'want'))
        (d / 'src/l.tsv').write_text((d / 'src/l.tsv').read_text().replace('\t5\n', '\t6\n'))
        shutil.rmtree(d / 'out')
        run(*words, code=74, preexec=stop)
        (d / 'src/l.tsv').write_text((d / 'src/l.tsv').read_text().replace('\t6\n', '\t7\n'))
        run(*words, code=73, says='--force')


def case_turned():
    """A photograph that only EXIF turns: the box is of the picture as seen, and so are the pixels in all programs."""
    photo = HERE.parent / 'data/image/grey-orientation6.jpg'
    with folder() as d:
        (d / 'src').mkdir()
        (d / 'src/a.jpg').write_bytes(photo.read_bytes())
        (d / 'src/a.tsv').write_text('a.jpg\t1\n')
        record = imported(d / 'out', 'tsv', d / 'src', '--link')['a']
        rows, _ = sets.unpng((d / 'out' / record['image']).read_bytes())
        require((len(rows[0]), len(rows)) == (record['width'], record['height']), record)
        data = photo.read_bytes()
        at = next(i for i in range(len(data)) if data[i:i + 2] in (b'\xff\xc0', b'\xff\xc2'))
        stored = int.from_bytes(data[at + 7:at + 9], 'big'), int.from_bytes(data[at + 5:at + 7], 'big')
        require(stored[0] != stored[1] and stored[::-1] == (record['width'], record['height']), stored, record)


def many(where, n):
    where.mkdir()
    for i in range(n):
        (where / f'{i:04}.png').write_bytes(png(40 + i % 7, 40, i % 250))
    (where / 'l.tsv').write_text(''.join(f'{i:04}.png\t{i % 97}\n' if i % 13 else f'gone{i}.png\t1\n' for i in range(n)))


def case_resume():
    """Killed at any place, the same command goes on; the result does not show it. Nor does --jobs."""
    with folder() as d:
        many(d / 'src', 600)
        run('import', 'tsv', d / 'src', '-o', d / 'whole', '-q', '--jobs', 1)
        want = files(d / 'whole')
        run('import', 'tsv', d / 'src', '-o', d / 'four', '-q', '--jobs', 4)
        require(files(d / 'four') == want)
        words = [str(DATASET), 'import', 'tsv', str(d / 'src'), '-o', str(d / 'out'), '-q', '--jobs', '2']
        stopped = 0
        for how in (signal.SIGKILL, signal.SIGINT) * 12:
            p = subprocess.Popen(words, stderr=subprocess.DEVNULL)
            time.sleep(0.01 + 0.01 * (stopped % 5))
            p.send_signal(how)
            code = p.wait(timeout=60)
            if code == 0:
                break
            require(code == (-9 if how == signal.SIGKILL else 130) or code < 0, code)
            stopped += 1
            require(not (d / 'out/manifest.jsonl').exists())
        if code != 0:
            subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
        require(stopped > 0, 'it was never stopped')
        require(files(d / 'out') == want, set(files(d / 'out')) ^ set(want))
        # finished: nothing is touched without --force
        run('import', 'tsv', d / 'src', '-o', d / 'out', code=73, says='--force')
        require(files(d / 'out') == want)
        run('import', 'tsv', d / 'src', '-o', d / 'out', '-q', '--force')
        require(files(d / 'out') == want)
        # an interrupted run with other options is not gone on with
        os.rename(d / 'out/manifest.jsonl', d / 'gone')
        (d / 'out/.partial.jsonl').write_text('{"command":"other"}\n')
        run('import', 'tsv', d / 'src', '-o', d / 'out', code=73, says='other options')


def case_ends():
    with folder() as d:
        require('labelme' in run('import', '--help').text)
        for words in (['import'], ['import', 'dsbi'], ['import', 'dsbi', d], ['import', 'dsbi', '-o', d / 'x']):
            p = subprocess.run([str(DATASET), *map(str, words)], capture_output=True)
            require(p.returncode == 64 and b'usage' in p.stderr, words, p.stderr)
        run('import', 'voc', d, '-o', d / 'x', code=64, says="no format 'voc'")
        for option, value in (('--code', 'x'), ('--type', 'x'), ('--split', 'dev'), ('--dpi', '0'), ('--margin', '-1'), ('--jobs', 'x')):
            run('import', 'tsv', d, '-o', d / 'x', option, value, code=64)
        run('import', 'tsv', d / 'gone', '-o', d / 'x', code=66)
        run('import', 'tsv', '/dev/null', '-o', d / 'x', code=64, says='.tsv')
        many(d / 'src', 20)
        run('import', 'tsv', d / 'src', '-o', d / 'no/where', code=73)
        (d / 'src/l.tsv').write_text('gone.png\t1\n')
        run('import', 'tsv', d / 'src', '-o', d / 'none', code=65, says='nothing could be read')
        require(not (d / 'none/manifest.jsonl').read_text() and len(skipped(d / 'none')) == 1)

        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        (d / 'src/big.png').write_bytes(sets.png([os.urandom(100)] * 100))
        (d / 'src/l.tsv').write_text('0001.png\t1\nbig.png\t2\n' * 3)
        (d / 'src/big.png').write_bytes(sets.png([os.urandom(90) for _ in range(90)]))
        r = run('import', 'tsv', d / 'src', '-o', d / 'x', '-q', code=74, preexec=full)
        require(len(r.error.strip().splitlines()) == 1 and 'File too large' in r.error, r.error)
        require(not (d / 'x/manifest.jsonl').exists())
        run('import', 'tsv', d / 'src', '-o', d / 'x', '-q')  # with room again it goes on
        require(len(jsonl(d / 'x/manifest.jsonl')) == 6)
        o = run('import', 'tsv', d / 'src', '-o', d / 'json', '-q', '--json').json
        require(o == {'records': 6, 'skipped': 0}, o)


if __name__ == '__main__':
    cases = {name[5:]: f for name, f in list(globals().items()) if name.startswith('case_')}
    if sys.argv[1:2] == ['dsbi_pages']:
        case_dsbi_pages(pathlib.Path(os.environ.get('BRAILLED_DSBI') or sys.argv[2]))
    else:
        main(cases)
