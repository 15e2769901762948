#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset clean and crop --unit: what was injected is found, and little else; every decision is a record; runs go on."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import sets
from harness import DATASET, files, folder, jsonl, main, require, run, skip, wait_for, write_jsonl

DSBI = pathlib.Path(os.environ.get('DSBI', ''))
HELD_OUT = ['M+9', 'M+10', 'math+9', 'math+10', 'OPD+3', 'SYF+5']
FIELDS = ['id', 'verdict', 'side', 'expected', 'measured', 'pitch', 'cell', 'skew', 'rule', 'doubt', 'dots', 'picture']


def generate(out, n=40, faults=24, seed=3):
    run('generate', out, '--numbers', n, '--spells', n, '--punctuation', n, '--faults', faults, '--seed', seed, '-q')
    return {t['id']: t for t in jsonl(out / 'truth.jsonl')}


def verdicts(where):
    return {d['id']: d['verdict'] for d in jsonl(where / 'clean.jsonl')}


def score(truth, decided):
    """(faults passed, faults, good ones not passed, good ones)"""
    bad = [i for i in truth if truth[i]['fault'] != 'none']
    good = [i for i in truth if truth[i]['fault'] == 'none']
    return sum(decided[i] == 'clean' for i in bad), len(bad), sum(decided[i] != 'clean' for i in good), len(good)


def options():
    text = run('clean', '--help').text
    for word in ('--output', '--pictures', '--eps', '--dpi', '--keep-duplicates', '--jobs', '--json', '--force'):
        require(word in text, word, 'is not in --help')
    with folder() as tmp:
        run('clean', code=64)
        run('clean', tmp, '--eps', '2', code=64, says="'2'")
        run('clean', tmp, '--pictures', 'some', code=64, says='some')
        run('clean', tmp / 'nothing', code=66, says='nothing')
        truth = generate(tmp / 'a', 4, 2)
        run('clean', tmp / 'a', '-q')
        run('clean', tmp / 'a', '-q', code=73, says='--force')
        lines = [json.loads(x) for x in run('clean', tmp / 'a', '-q', '--force', '--json').text.splitlines()]
        require(lines == jsonl(tmp / 'a/clean.jsonl') and [x['id'] for x in lines] == list(truth), 'one object an image, in order')
        # a set is never written over the one that it is made from
        before = (tmp / 'a/manifest.jsonl').read_bytes()
        run('clean', tmp / 'a', '-o', f'{tmp}/a/', '--force', code=64, says='itself')
        run('crop', tmp / 'a', '--unit', 'cell', '-o', tmp / 'a', '--force', code=64, says='itself')
        require((tmp / 'a/manifest.jsonl').read_bytes() == before and len(jsonl(tmp / 'a/clean.jsonl')) == len(truth))
        # decisions about another state of the set do not count for this one
        (tmp / 'a/clean.jsonl').unlink()
        partial = tmp / 'a/.clean.partial.jsonl'
        p = subprocess.Popen([str(DATASET), 'clean', str(tmp / 'a'), '-q', '--pictures', 'no'], stderr=subprocess.DEVNULL)
        while p.poll() is None and not (partial.exists() and partial.stat().st_size):
            time.sleep(0.001)
        p.kill()
        p.wait()
        if partial.exists():  # it was not faster than the signal
            (tmp / 'a/manifest.jsonl').write_bytes(before.splitlines(True)[1])
            run('clean', tmp / 'a', '-q', '--pictures', 'no', code=73, says='another state of the set')
            run('clean', tmp / 'a', '-q', '--pictures', 'no', '--force')
            require(len(jsonl(tmp / 'a/clean.jsonl')) == 1)
        require(all(list(x) == FIELDS for x in lines), 'other keys')


def drawn():
    """Faults of a drawn set are found without the truth beside it; nothing of the set is changed; the pictures of the bad ones are there."""
    with folder() as tmp:
        truth = generate(tmp / 'a', 100, 60)
        (tmp / 'a/truth.jsonl').unlink()
        records = jsonl(tmp / 'a/manifest.jsonl')
        before = files(tmp / 'a')
        for r in records:  # places in the picture are no help either
            r['boxes'] = None
        write_jsonl(tmp / 'a/manifest.jsonl', records)
        run('clean', tmp / 'a', '-o', tmp / 'b', '-q')
        (tmp / 'a/manifest.jsonl').write_bytes(before['manifest.jsonl'])
        after = files(tmp / 'a')
        require(all(after[k] == before[k] for k in before), 'the set was changed')
        decided = verdicts(tmp / 'a')
        missed, n_bad, rejected, n_good = score(truth, decided)
        print(f'{missed} of {n_bad} faults missed, {rejected} of {n_good} good ones not passed')
        require(n_bad == 60 and missed == 0 and rejected <= 0.02 * n_good, 'too many wrong decisions')
        for d in jsonl(tmp / 'a/clean.jsonl'):
            require((d['picture'] is not None) == (d['verdict'] != 'clean'), 'pictures are of the bad ones')
            require(d['picture'] is None or (tmp / 'a' / d['picture']).read_bytes()[:4] == b'\x89PNG')
            fault = truth[d['id']]
            if fault['fault'] == 'over' and d['verdict'] == 'over':
                require(len(d['measured']) >= len(d['expected']), 'no distance too many')
        clean = [r['id'] for r in jsonl(tmp / 'b/manifest.jsonl')]
        require(clean == [i for i in decided if decided[i] == 'clean'], 'the new set holds something else')
        require(os.stat(tmp / 'a/images' / f'{clean[0]}.png').st_ino == os.stat(tmp / 'b/images' / f'{clean[0]}.png').st_ino, 'not linked')


def checked():
    """What generate has checked, cleaning judges as it was meant, every picture of it; the card says what was drawn again."""
    with folder() as tmp:
        r = run('generate', tmp / 'a', '--numbers', 60, '--spells', 60, '--punctuation', 60, '--faults', 36, '--checked', '--seed', 8, '-q', '--json')
        truth = {t['id']: t for t in jsonl(tmp / 'a/truth.jsonl')}
        require(r.json['redrawn'] == sum(t.get('redrawn', 0) for t in truth.values()), r.json)
        require(f"{r.json['redrawn']} pictures were thrown away" in (tmp / 'a/card.md').read_text(), 'not in the card')
        (tmp / 'a/truth.jsonl').unlink()
        run('clean', tmp / 'a', '-q', '--pictures', 'no')
        decided = verdicts(tmp / 'a')
        wrong = [i for i in truth if (truth[i]['fault'] == 'none') != (decided[i] == 'clean')]
        require(len(truth) == 180 and not wrong, wrong)


def kinds():
    """Labels that disagree, blank paper, the same print again, broken pictures and labels: each has its own word, and the rest goes on."""
    with folder() as tmp:
        generate(tmp / 'a', 12, 0)
        records = jsonl(tmp / 'a/manifest.jsonl')
        by_id = {r['id']: r for r in records}
        wrong = by_id['n0003']
        wrong['cells'] = wrong['cells'][:-1] + ['1245' if wrong['cells'][-1] != '1245' else '14']  # another digit
        paper = sets.png([bytes([160]) * 90] * 70)
        (tmp / 'a/images/n0004.png').write_bytes(paper)
        (tmp / 'a/images/n0005.png').write_bytes(b'no picture')
        (tmp / 'a/images/n0006.png').unlink()
        by_id['n0007'] |= {'cells': [], 'boxes': None, 'places': None, 'text': 'qwxz'}
        by_id['n0009'] |= {'cells': [], 'boxes': None}  # the text alone is a label too
        rows, channels = sets.unpng((tmp / 'a/images/n0010.png').read_bytes())
        again = [bytes(min(255, v + 6) for v in row) for row in rows]
        (tmp / 'a/images/copy.png').write_bytes(sets.png(again, channels))
        records.append(dict(by_id['n0010'], id='copy', image='images/copy.png'))
        write_jsonl(tmp / 'a/manifest.jsonl', records)
        r = run('clean', tmp / 'a')
        decided = {d['id']: d for d in jsonl(tmp / 'a/clean.jsonl')}
        expect = {'n0003': 'mismatch', 'n0004': 'blank', 'n0005': 'broken', 'n0006': 'broken', 'n0007': 'broken', 'n0009': 'clean', 'n0010': 'clean',
                  'copy': 'duplicate'}
        for i, verdict in expect.items():
            require(decided[i]['verdict'] == verdict, i, 'is', decided[i]['verdict'], 'not', verdict)
        require('n0010' in decided['copy']['rule'], 'which one it repeats is not said')
        for i in ('n0005', 'n0006', 'n0007'):
            require(sum(f"'{i}'" in line for line in r.error.splitlines()) == 1, 'not one line about', i)
        require('qwxz' in decided['n0007']['rule'], decided['n0007']['rule'])
        run('clean', tmp / 'a', '-q', '--force', '--keep-duplicates')
        require(verdicts(tmp / 'a')['copy'] == 'clean', 'duplicates were not to be looked for')


def repeat():
    """One thread or two, in one go or after kill -9: the same bytes."""
    with folder() as tmp:
        generate(tmp / 'a', 60, 30)
        for name in 'bc':
            shutil.copytree(tmp / 'a', tmp / name)
        run('clean', tmp / 'a', '-q', '--jobs', 1)
        run('clean', tmp / 'b', '-q', '--jobs', 2)
        killed = 0
        for _ in range(3):
            p = subprocess.Popen([str(DATASET), 'clean', str(tmp / 'c'), '-q', '--jobs', '1'])
            wait_for(p, (tmp / 'c/.clean.partial.jsonl').exists)
            time.sleep(0.3)
            p.send_signal(signal.SIGKILL if killed != 1 else signal.SIGINT)
            killed += 1
            require(p.wait() in (-signal.SIGKILL, 130, 0), 'an odd end')
            if (tmp / 'c/clean.jsonl').exists():
                break
        if not (tmp / 'c/clean.jsonl').exists():
            run('clean', tmp / 'c', '-q')
        a, b, c = (files(tmp / k) for k in 'abc')
        require(a == b, 'threads matter')
        require(a == c, 'a kill matters')


def page(tmp, name, seed):
    """A drawn page with its annotation, as DSBI has them."""
    import random
    lot = random.Random(seed)
    text = '\n'.join(''.join(chr(0x2800 + (0 if lot.random() < 0.2 else lot.choice([0x13, 0x16, 0x0d, 0x3c, 0x2c, 0x15]))) for _ in range(20))
                     for _ in range(10)) + '\n'
    (tmp / f'{name}.txt').write_text(text)
    run('render', '--page', tmp / f'{name}.txt', '-o', tmp / f'{name}.png', '--dsbi', '--seed', seed, '--weather')
    return text


def crops():
    """Pieces of annotated pages with their labels and places; faults are in the truth; every piece once, or so many by lot."""
    with folder() as tmp:
        text = page(tmp, 'p1', 5)
        page(tmp, 'p2', 6)
        lines = text.strip('\n').split('\n')
        words = [w for line in lines for w in line.split('\u2800') if w]
        run('crop', tmp / 'p1.png', '--unit', 'word', '-o', tmp / 'words', '-q')
        records = jsonl(tmp / 'words/manifest.jsonl')
        require(len(records) == len(words), len(records), 'words, not', len(words))
        shown = sorted(''.join(chr(0x2800 + sum(1 << int(d) - 1 for d in c if d != '0')) for c in r['cells']) for r in records)
        require(shown == sorted(words), 'other words')
        require(all(t['fault'] == 'none' for t in jsonl(tmp / 'words/truth.jsonl')), 'faults that nobody asked for')
        for r in records:
            for x, y, w, h in r['boxes']:
                require(0 < x and x + w < r['width'] and 0 < y and y + h < r['height'], 'a cell is not in the picture', r)
        run('crop', tmp / 'p1.png', '--unit', 'cell', '-o', tmp / 'cells', '-q')
        require(len(jsonl(tmp / 'cells/manifest.jsonl')) == sum(len(w) for w in words), 'not every cell')
        run('crop', tmp / 'p1.png', '--unit', 'line', '-o', tmp / 'lines', '-q')
        require([r['type'] for r in jsonl(tmp / 'lines/manifest.jsonl')] == ['line'] * len([x for x in lines if x.strip('\u2800')]), 'not every line')
        run('crop', tmp / 'p1.png', tmp / 'p2.png', '--unit', 'word', '--count', 150, '--faults', 60, '-o', tmp / 'bad', '-q', '--jobs', 2)
        run('crop', tmp / 'p1.png', tmp / 'p2.png', '--unit', 'word', '--count', 150, '--faults', 60, '-o', tmp / 'bad1', '-q', '--jobs', 1)
        require(files(tmp / 'bad') == files(tmp / 'bad1'), 'threads matter')
        truth = {t['id']: t for t in jsonl(tmp / 'bad/truth.jsonl')}
        skipped = jsonl(tmp / 'bad/skipped.jsonl') if (tmp / 'bad/skipped.jsonl').exists() else []
        require(len(truth) + len(skipped) == 150, len(truth), len(skipped))
        require({t['fault'] for t in truth.values()} == {'none', 'over', 'under', 'cut'}, 'not every fault')
        run('crop', tmp / 'p1.txt', '--unit', 'word', '-o', tmp / 'none', '-q', code=65)
        run('crop', tmp / 'p1.png', '--unit', 'book', '-o', tmp / 'none', code=64, says='book')
        run('import', 'dsbi', tmp / 'p1+recto.txt', '-o', tmp / 'set', '-q')
        run('crop', tmp / 'set', '--unit', 'word', '-o', tmp / 'words2', '-q')
        require([r['cells'] for r in jsonl(tmp / 'words2/manifest.jsonl')] == [r['cells'] for r in records], 'an imported page is cut otherwise')


def real():
    """Words of real pages that the classifier was not trained on, with and without faults."""
    if not DSBI.is_dir():
        skip(f'no real pages at {DSBI} (DSBI may not be redistributed): cleaning them was NOT tested')
    pages = [next(DSBI.glob(f'*/{name}.jpg')) for name in HELD_OUT]
    with folder() as tmp:
        run('crop', *pages, '--unit', 'word', '--count', 600, '--faults', 300, '--dpi', 200, '-o', tmp / 'a', '-q')
        run('clean', tmp / 'a', '-q', '--pictures', 'no', '--keep-duplicates')
        missed, n_bad, rejected, n_good = score({t['id']: t for t in jsonl(tmp / 'a/truth.jsonl')}, verdicts(tmp / 'a'))
        print(f'real words: {missed} of {n_bad} faults missed, {rejected} of {n_good} good ones not passed')
        require(n_bad >= 295 and missed <= 0.005 * n_bad and rejected <= 0.03 * n_good, 'too many wrong decisions')


main({'options': options, 'drawn': drawn, 'checked': checked, 'kinds': kinds, 'repeat': repeat, 'crops': crops, 'real': real})
