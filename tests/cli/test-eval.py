#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-eval reading: its counts against a reference of the published rule, words, text, intervals, wrong input."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import reference
from harness import folder, main, png, require, skip

EVAL = os.environ['BRAILLE_EVAL']
PITCH, CELL, LINE = 20, 48, 80


def evaluate(*words, code=0, says=''):
    p = subprocess.run([EVAL, 'reading', *map(str, words)], capture_output=True, text=True, timeout=120)
    require(p.returncode == code and says in p.stderr, words, 'ended with', p.returncode, p.stderr[-300:])
    require(code == 0 or p.stderr.strip(), 'no word about the failure')
    return p.stdout


def as_json(*words):
    return json.loads(evaluate(*words, '--json'))


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def dsbi(cells, angle=0, columns=30, rows=20):
    """An annotation: {(row, column): dots}, rows and columns from 0."""
    xs = [100 + CELL * c + PITCH * k for c in range(columns) for k in range(2)]
    ys = [100 + LINE * r + PITCH * k for r in range(rows) for k in range(3)]
    lines = [f'{r + 1} {c + 1} ' + ' '.join('01'[str(d) in dots] for d in range(1, 7)) for (r, c), dots in sorted(cells.items())]
    return '\n'.join([f'{angle:.2f}', ' '.join(map(str, xs)), ' '.join(map(str, ys)), *lines, ''])


def as_reading(cells, width, height, side='recto', turned=0):
    """What braillectl would write: [(row, column, dots, (x, y, w, h))]."""
    return json.dumps({'page': {'width': width, 'height': height, 'orientation': turned}, 'cells': [
        {'side': side, 'row': r, 'column': c, 'dots': d, 'box': box, 'p': 0.9} for r, c, d, box in cells]})


def any_dots(lot):
    return ''.join(d for d in '123456' if lot.random() < 0.5) or '1'


def spoil(lot, truth, strength):
    """A reading of `truth` (cells of the reference) with every kind of error."""
    cells = []
    for t in truth:
        w, h = t.box[2] - t.box[0], t.box[3] - t.box[1]
        margin = 0.3 * min(w, h) / 1.6
        if lot.random() < 0.05 * strength:
            continue
        dots = any_dots(lot) if lot.random() < 0.08 * strength else ''.join(sorted(t.dots))
        for _ in range(2 if lot.random() < 0.05 * strength else 1):
            x, y = t.box[0] + margin + lot.gauss(0, 4 * strength), t.box[1] + margin + lot.gauss(0, 5 * strength)
            scale = lot.uniform(1 - 0.2 * strength, 1 + 0.2 * strength)
            cells.append((t.row, t.column, dots, (x, y, (w - 2 * margin) * scale, (h - 2 * margin) * scale)))
    for _ in range(int(10 * strength * lot.random())):
        cells.append((lot.randrange(20), lot.randrange(30), any_dots(lot), (lot.uniform(0, 1500), lot.uniform(0, 1700), 20, 40)))
    return cells


def check(truth_text, read_text, side, width, height, got):
    want = reference.score(reference.annotation(truth_text, side == 'verso', width, height), reference.reading(read_text, side))
    require(reference.counts(got[side]) == want, 'braille-eval counts', reference.counts(got[side]), 'the reference', want)
    return want


def case_made():
    """Pages made up of every kind of error, at any angle, both sides."""
    errors = 0
    with folder() as tmp:
        for seed in range(60):
            lot = random.Random(seed)
            side, angle = ('recto', 'verso')[seed % 2], lot.choice((0, 0.63, -1.4, 90.2, 180, -89.5))
            cells = {(lot.randrange(20), lot.randrange(30)): any_dots(lot) for _ in range(lot.choice((0, 1, 40, 300)))}
            truth = write(pathlib.Path(tmp, f'{seed}+{side}.txt'), dsbi(cells, angle))
            size = (1650, 1800)
            read = as_reading(spoil(lot, reference.annotation(truth.read_text(), side == 'verso', *size), lot.choice((0, 0.3, 1, 2))),
                              *size, side, 90 if abs(abs(angle) - 90) < 2 else 0)
            want = check(truth.read_text(), read, side, *size, as_json(truth, write(pathlib.Path(tmp, f'{seed}.json'), read)))
            errors += sum(want['cell'][1:])
            listed = evaluate(truth, pathlib.Path(tmp, f'{seed}.json'), '--list').splitlines()
            require(listed[0] == 'page\tside\trow\tcolumn\ttruth\treading\tp\tx\ty', listed[0])
            require(all(len(line.split('\t')) == 9 for line in listed), listed)
            require(len(listed) - 1 >= max(want['cell'][1:]), len(listed), want)
    require(errors > 1000, 'the cases have hardly an error:', errors)


def case_annotations():
    """An annotation as the reading: of another angle it needs the picture's size."""
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        cells = {(r, c): any_dots(random.Random(r * 30 + c)) for r in range(20) for c in range(0, 30, 2)}
        for side in ('recto', 'verso'):
            truth, same = write(tmp / f'X+{side}.txt', dsbi(cells, 0.5)), write(tmp / f'same/X+{side}.txt', dsbi(cells, 0.5))
            got = as_json(truth, same)[side]
            require(got['cell']['f1'] == 1 and got['cell']['there'] == 300 and got['words']['right'] == 300, got)
            other = write(tmp / f'other/X+{side}.txt', dsbi(cells, 1.5))
            evaluate(truth, other, code=66, says='X.jpg')
            (tmp / 'X.png').write_bytes(png(1650, 1800))
            want = reference.score(reference.annotation(truth.read_text(), side == 'verso', 1650, 1800),
                                   reference.annotation(other.read_text(), side == 'verso', 1650, 1800))
            require(reference.counts(as_json(truth, other)[side]) == want and want['cell'][1] > 0, want)
            (tmp / 'X.png').unlink()
            blank = write(tmp / f'blank/X+{side}.txt', '')
            got = as_json(truth, blank)[side]
            require((got['cell']['p'], got['cell']['r'], got['text']['error_rate']) == (1, 0, 1), got)
        for name in ('blank', 'other'):
            shutil.rmtree(tmp / name)
        both = as_json(tmp, tmp / 'same')
        require(both['recto']['cell']['f1'] == both['verso']['cell']['f1'] == 1, both)


def boxes(cells):
    return [(r, c, d, (100 + CELL * c, 100 + LINE * r, PITCH, 2 * PITCH)) for r, c, d in cells]


def case_words():
    """Counted by hand: the words "ni hao", "ma"; ni3 hao3 ma in Current Braille."""
    line = [(0, 0, '1345'), (0, 1, '24'), (0, 2, '3'), (0, 3, '125'), (0, 4, '235'), (0, 5, '3'), (0, 7, '134'), (0, 8, '35')]
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        truth = write(tmp / 'X+recto.txt', dsbi({(r, c): d for r, c, d in line}))

        def shares(cells):
            got = as_json(truth, write(tmp / 'r.json', as_reading(boxes(cells), 1650, 1800)))['recto']
            require((got['words']['there'], got['text']['there']) == (2, 3), got)
            return got['words']['right'], got['text']['errors']
        require(shares(line) == (2, 0))
        require(shares(line[:-1] + [(0, 8, '236')]) == (1, 1), 'mang for ma: one word, one syllable')
        require(shares(line[:2] + line[3:]) == (1, 1), 'a tone is missing: one word, one syllable')
        require(shares(line + [(0, 6, '235')])[0] == 0, 'what joins two words spoils both')
        require(shares(line[:6]) == (1, 1), 'the last word is missing')
        require(shares([]) == (0, 3), 'all is missing')
        require(shares(line + [(5, 5, '1')])[0] == 2, 'what stands elsewhere spoils no word')
        numbered = [(r, c + 3, d, box) for r, c, d, box in boxes(line)]  # columns may be counted from elsewhere
        got = as_json(truth, write(tmp / 'r.json', as_reading(numbered, 1650, 1800)))['recto']
        require(got['words']['right'] == 2 and got['text']['errors'] == 0, got)


def case_intervals():
    """The draws follow from the seed: the reference draws the same."""
    with folder() as tmp:
        tmp, pages = pathlib.Path(tmp), []
        for i in range(8):
            lot = random.Random(i)
            cells = {(lot.randrange(20), lot.randrange(30)): any_dots(lot) for _ in range(100)}
            truth = write(tmp / f'truth/book {i % 2}/p{i}+recto.txt', dsbi(cells))
            read = as_reading(spoil(lot, reference.annotation(truth.read_text(), False, 1650, 1800), 0.4 + i % 2), 1650, 1800)
            write(tmp / f'read/book {i % 2}/p{i}.json', read)
            pages.append(reference.score(reference.annotation(truth.read_text(), False, 1650, 1800), reference.reading(read, 'recto')))
        pages = pages[::2] + pages[1::2]  # a book after the other
        got = as_json(tmp / 'truth', tmp / 'read', '--bootstrap', '500', '--seed', '7')
        for name, some in (('all', pages), ('book 0', pages[:4]), ('book 1', pages[4:])):
            cell = (got if name == 'all' else got['books'][name])['recto']['cell']
            low, high = reference.interval(some, 500, 7)
            require(max(abs(cell['ci95']['f1'][0] - low), abs(cell['ci95']['f1'][1] - high)) < 2e-6, name, cell, low, high)
            require(low < cell['f1'] < high, name, cell)
        require(got['pages'] == 8 and got['recto']['pages'] == 8 and set(got['books']) == {'book 0', 'book 1'}, got)
        require(as_json(tmp / 'truth', tmp / 'read', '--bootstrap', '500', '--seed', '8') != got, 'the seed is not used')
        require('ci95' not in as_json(tmp / 'truth', tmp / 'read', '--bootstrap', '0')['recto']['cell'])
        table = evaluate(tmp / 'truth', tmp / 'read').splitlines()
        require(len(table) == 4 and table[-1].startswith('all') and 'words' in table[0], table)


COLUMNS = 'page\tside\trow\tcolumn\tpublished\tcorrected\tevidence\n'


def case_corrections():
    """The truth that is scored is the corrected one; what does not fit the annotation is told."""
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        right = {(0, c): '135' for c in range(10)} | {(1, 3): '24'}
        wrong = {**right, (0, 4): '35', (1, 7): '6'}
        del wrong[0, 9]
        changes = [(1, 5, '35', '135'), (2, 8, '6', '0'), (1, 10, '0', '135')]
        mirror = str.maketrans('123456', '456123')
        for side in ('recto', 'verso'):
            truth, read = write(tmp / f'X+{side}.txt', dsbi(wrong)), write(tmp / f'read/X+{side}.txt', dsbi(right))
            plain = as_json(truth, read)[side]['cell']
            require((plain['right'], plain['found'], plain['there']) == (9, 11, 11), plain)
            lines = [f'X\t{side}\t{r}\t{c}\t{a}\t{b}\tseen' for r, c, a, b in changes]  # dots as the annotation has them
            file = write(tmp / 'c.tsv', '# remark\n' + COLUMNS + '\n'.join([*lines, 'Y\trecto\t1\t1\t1\t2\tanother page', '']))
            got = as_json(truth, read, '--corrections', file)[side]['cell']
            require((got['right'], got['found'], got['there']) == (11, 11, 11), got)
            require(len(evaluate(truth, read, '--corrections', file, '--list').splitlines()) == 1)
            mirrored = lines[0].replace('\t35\t', '\t' + '35'.translate(mirror) + '\t')
            for bad in (mirrored, lines[0].replace('\t1\t5', '\t1\t6'), lines[0].replace('\t1\t5', '\t1\t999'), lines[2].replace('\t0\t', '\t1\t')):
                evaluate(truth, read, '--corrections', write(tmp / 'bad.tsv', COLUMNS + bad), code=65, says=f'X+{side}.txt')
        good = 'X\trecto\t1\t5\t35\t135\tseen'
        for bad in ('', COLUMNS[:-2], good, COLUMNS + good.replace('recto', 'front'), COLUMNS + good.replace('\tseen', ''), COLUMNS + good + '\tmore',
                    COLUMNS + good.replace('\t5', '\t0'), COLUMNS + good.replace('\t5', '\t-5'), COLUMNS + good.replace('35', '37'), COLUMNS + good.replace('X', '')):
            if bad:
                evaluate(tmp / 'X+recto.txt', tmp / 'read', '--corrections', write(tmp / 'bad.tsv', bad), code=65, says='bad.tsv')
        evaluate(tmp, tmp / 'read', '--corrections', tmp / 'none.tsv', code=66, says='none.tsv')


def case_boxes():
    """Truth of photographs: boxes with a margin, in no lines."""
    errors = 0
    with folder() as tmp:
        tmp, size = pathlib.Path(tmp), (1650, 1800)
        for seed in range(20):
            lot = random.Random(seed)
            cells = {(lot.randrange(20), lot.randrange(30)): any_dots(lot) for _ in range(lot.choice((1, 30, 300)))}
            made = reference.annotation(dsbi(cells), False, *size)
            margin, lines = lot.uniform(0, 6), []
            for t in made:
                edges = [v + lot.gauss(0, 0.8) + sign * margin for v, sign in zip(t.box, (-1, -1, 1, 1))]
                label = sum(1 << int(d) - 1 for d in t.dots) if lot.random() < 0.98 else 0
                lines.append(';'.join(str(v / size[k % 2]) for k, v in enumerate(edges)) + f';{label}')
            truth = write(tmp / f'book/p{seed}.labeled.csv', '\n'.join(lines) + '\n')
            read = as_reading(spoil(lot, made, lot.choice((0.1, 0.5, 1))), *size)
            got = as_json(truth, write(tmp / f'read/p{seed}.labeled.json', read))['recto']
            want = reference.score(reference.boxes(truth.read_text(), *size), reference.reading(read, 'recto'))
            require(reference.counts(got) == want, seed, reference.counts(got), want)
            require(got['words']['there'] == got['text']['there'] == 0, got)
            errors += sum(want['cell'][1:])
        require(errors > 300, errors)
        whole = as_json(tmp, tmp / 'read')
        require(whole['recto']['pages'] == 20 and 'verso' not in whole and 'ci95' in whole['books']['book']['recto']['cell'], whole)
        read = write(tmp / 'r.json', as_reading([], *size))
        for bad in ('x', '0.1;0.1;0.2;0.3', '0.1;0.1;0.2;0.3;64', '0.1;0.1;0.2;0.3;1.5', '0.2;0.1;0.1;0.3;1', '0.1;0.1;0.2;nan;1', '0.1;0.1;9;0.3;1',
                    '0.1;0.1;0.2;0.3;1;2', '0.1,0.1,0.2,0.3,1', '0.1;0.1;0.3;0.2;1'):
            evaluate(write(tmp / 'bad.csv', bad + '\n'), read, code=65, says='bad.csv')
        evaluate(truth, write(tmp / 'a.txt', dsbi({(0, 0): '1'})), code=65, says='a.txt')


def case_wrong():
    page = {'page': {'width': 100, 'height': 100}, 'cells': []}
    cell = {'side': 'recto', 'row': 0, 'column': 0, 'dots': '1', 'box': [1, 2, 3, 4], 'p': 1}
    bad = ['', '{', '[]', '{"page": 1}', '[' * 100000, 'no reading', '0.5', '0.5\n1 2\n3 4', '0\n1 2\n1 2 3\n9 9 1 1 1 1 1 1', '{"page": {"width": 0, "height": 5}, "cells": []}']
    bad += [json.dumps({**page, 'cells': [{**cell, **change}]}) for change in (
        {'dots': '77'}, {'dots': 5}, {'box': [1, 2, 3]}, {'box': [1, 2, -3, 4]}, {'box': [1e300, 2, 3, 4]}, {'row': -1}, {'column': 70000},
        {'row': 2 ** 40}, {'side': 1}, {'p': 'x'})]
    bad += [json.dumps({**page, 'cells': [cell] * 50000}), json.dumps({**page, 'cells': [7]})]
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        truth, read = write(tmp / 'X+recto.txt', dsbi({(0, 0): '12'})), tmp / 'r.json'
        for text in bad:
            evaluate(truth, write(read, text), code=65, says='r.json')
        read.write_bytes(b'\xff\xfe\0{')
        evaluate(truth, read, code=65)
        write(read, json.dumps(page))
        for words in (('--bootstrap', '-1'), ('--bootstrap', 'x'), ('--bootstrap', '5'), ('--bootstrap', '9999999'), ('--seed', ''), ('--json', '--list'), ('--nothing',)):
            evaluate(truth, read, *words, code=64)
        evaluate(truth, code=64)
        evaluate(truth, tmp / 'none.json', code=66, says='none.json')
        evaluate(tmp, tmp / 'none', code=66, says='X+recto.txt')
        name = tmp / 'books/a\tb\nc/Y+recto.txt'
        write(name, dsbi({(0, 0): '12'}))
        listed = evaluate(tmp / 'books', tmp, '--list', code=66)
        write(tmp / 'Y.json', json.dumps(page))
        listed = evaluate(tmp / 'books', tmp, '--list').splitlines()
        require(len(listed) == 2 and listed[1].split('\t')[:6] == ['a\\x09b\\x0ac/Y', 'recto', '0', '0', '12', '-'], listed)
        with open('/dev/full', 'w') as full:
            p = subprocess.run([EVAL, 'reading', truth, read, '--list'], stdout=full, stderr=subprocess.PIPE)
            require(p.returncode == 74, p.returncode, p.stderr)


def case_dsbi():
    """The annotations of real pages, both sides, against spoilt copies of themselves."""
    where = pathlib.Path(os.environ.get('BRAILLED_DSBI') or os.environ.get('DSBI', ''))
    pages = sorted(where.glob('*/*+*.txt')) if where.name else []
    if not pages:
        skip(f'NO DSBI PAGES in {where}: the rule was tested on made pages only')
    errors = 0
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        for i, page in enumerate(pages):
            lot, side, size = random.Random(i), page.stem.split('+')[-1], (1700, 2338)
            truth = reference.annotation(page.read_text(), side == 'verso', *size)
            if not truth:
                continue
            read = as_reading(spoil(lot, truth, lot.choice((0.1, 0.5, 1))), *size, side)
            errors += sum(check(page.read_text(), read, side, *size, as_json(page, write(tmp / 'r.json', read)))['cell'][1:])
            require(as_json(page, page)[side]['cell']['f1'] == 1)
    require(errors > 1000, errors)


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
