#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset augment: twins, what their records say, and that the pictures show it."""
import hashlib
import resource
import shutil
import signal
import subprocess
import time

import harness
import sets
from harness import DATASET, folder, jsonl, require, run

SMALL = {'number': 12, 'spell': 8, 'punctuation': 6}
TURNED = {'1': '6', '2': '5', '3': '4', '4': '3', '5': '2', '6': '1', '0': '0'}


def turn(cell):
    return ''.join(sorted(TURNED[d] for d in cell))


def pixels(where, record):
    return sets.unpng((where / record['image']).read_bytes())


def by_id(where):
    return {r['id']: r for r in jsonl(where / 'manifest.jsonl')}


def luma(rows, channels):
    if channels == 1:
        return rows
    return [bytes((r[i] * 299 + r[i + 1] * 587 + r[i + 2] * 114) // 1000 for i in range(0, len(r), 3)) for r in rows]


def is_dot(rows, paper, x, y):
    """The test's dots have a light and a dark half; both must be there, above and below of the centre."""
    x, y = round(x), round(y)
    a, b = rows[y - 3][x], rows[y + 3][x]
    return max(a, b) > paper * 1.15 and min(a, b) < paper * 0.8


def show_dots(where, record):
    """Exactly the record's raised dots lie at its boxes' corners and edges."""
    rows, channels = pixels(where, record)
    rows = luma(rows, channels)
    paper = sorted(v for r in rows for v in r)[sum(map(len, rows)) // 2]
    require(record['width'] == len(rows[0]) and record['height'] == len(rows), record)
    for cell, (x, y, w, h) in zip(record['cells'], record['boxes']):
        raised = sets.dots_of(cell)
        for column in (0, 1):
            for row in (0, 1, 2):
                there = is_dot(rows, paper, x + column * w, y + row * h / 2)
                require(there == ((column, row) in raised), record['id'], cell, column, row)


def case_twins():
    with folder() as d:
        originals = {r['id']: r for r in sets.make(d / 'in', SMALL)}
        before = sets.checksums(d / 'in')
        figures = run('augment', d / 'in', '-o', d / 'out', '--seed', 3, '--json').json
        require(sets.checksums(d / 'in') == before, 'the input was changed')
        out = by_id(d / 'out')
        require(len(out) == 2 * len(originals) and figures['pictures'] == len(out), figures)
        twins = [r for r in out.values() if r['augment']]
        kinds = {k: [t for t in twins if t['augment'].startswith(k)] for k in ('turn-180', 'background-#')}
        require(sum(map(len, kinds.values())) == len(twins) == len(originals))
        require(all(len(k) >= 6 for k in kinds.values()), 'about half of each:', figures)
        for r in out.values():
            data = (d / 'out' / r['image']).read_bytes()
            require(r['sha256'] == hashlib.sha256(data).hexdigest(), r)
            show_dots(d / 'out', r)
        for ident, r in originals.items():
            require({k: out[ident][k] for k in r} == r, 'the original is another', out[ident])
            require((d / 'in' / r['image']).samefile(d / 'out' / r['image']), 'not linked')
        for t in twins:
            p = originals[t['parent']]
            require(all(t[k] == p[k] for k in ('text', 'type', 'code', 'dpi', 'source')), t)
        for t in kinds['turn-180']:
            p = originals[t['parent']]
            require(t['id'] == p['id'] + '-t180' and t['cells'] == [turn(c) for c in reversed(p['cells'])], t)
            (a, ca), (b, cb) = pixels(d / 'in', p), pixels(d / 'out', t)
            require(ca == cb == 1 and [r[::-1] for r in a[::-1]] == b, 'not the picture turned')
        for t in kinds['background-#']:
            p = originals[t['parent']]
            require(t['cells'] == p['cells'] and t['boxes'] == p['boxes'] and t.get('reads') is None, t)
            rows, channels = pixels(d / 'out', t)
            require(channels == 3, 'not in colour')
            rgb = [int(t['augment'][-6:][i:i + 2], 16) for i in (0, 2, 4)]
            paper = [sorted(r[i] for r in rows for i in range(c, len(r), 3))[len(rows) * len(rows[0]) // 6] for c in range(3)]
            scale = max(p / q for p, q in zip(paper, rgb))
            require(scale <= 1.02 and all(abs(p - q * scale) <= 4 for p, q in zip(paper, rgb)), t['augment'], paper)


def case_reads():
    """A turned cell may be another label: dots 5 turned is 2; "，" turned reads something or nothing, never itself."""
    with folder() as d:
        sets.make(d / 'in', SMALL)
        run('augment', d / 'in', '-o', d / 'out', '--turn')
        turned = [r for r in jsonl(d / 'out/manifest.jsonl') if r['augment']]
        require(len(turned) == 26 and all(r['augment'] == 'turn-180' and isinstance(r['reads'], str) for r in turned))
        numbers = [r for r in turned if r['type'] == 'number']
        require(all(r['reads'] != r['text'] for r in numbers), 'a number sign turned is no number sign')
        # turned once more it lies as at first, and says so
        only = [r for r in turned if r['id'] == 'n0005-t180']
        shutil.copytree(d / 'out', d / 'turned')
        sets.write(d / 'turned', only)
        run('augment', d / 'turned', '-o', d / 'again', '--turn')
        back = by_id(d / 'again')['n0005-t180-t180']
        first = by_id(d / 'in')['n0005']
        require(back.get('reads') is None and back['cells'] == first['cells'] and back['boxes'] == first['boxes'], back)
        require(pixels(d / 'again', back) == pixels(d / 'in', first), 'turned twice is not as at first')


def case_same():
    """One lot an id: in any set, order, number of threads; another seed is another lot."""
    with folder() as d:
        records = sets.make(d / 'in', SMALL)
        for jobs in (1, 2):
            run('augment', d / 'in', '-o', d / f'j{jobs}', '--seed', 5, '--jobs', jobs)
        require(sets.checksums(d / 'j1') == sets.checksums(d / 'j2'), '--jobs changes the result')
        shutil.copytree(d / 'in', d / 'part')
        sets.write(d / 'part', [r for r in reversed(records) if r['id'][-1] in '1357'])
        run('augment', d / 'part', '-o', d / 'few', '--seed', 5)
        whole, few = by_id(d / 'j1'), by_id(d / 'few')
        require(len(few) > 10 and all(whole[i] == r for i, r in few.items()), 'another set, another twin')
        run('augment', d / 'in', '-o', d / 'other', '--seed', 6)
        require(set(by_id(d / 'other')) != set(whole), 'the seed changes nothing')
        run('augment', d / 'part', '-o', d / 'linked', '--seed', 5, '--reuse', d / 'j1')
        require(sets.checksums(d / 'linked/images') == sets.checksums(d / 'few/images'))
        twin = next(r for r in few.values() if r['augment'])
        require((d / 'linked' / twin['image']).samefile(d / 'j1' / twin['image']), 'drawn again')
        numbers = run('augment', d / 'in', '-o', d / 'numbers', '--seed', 5, '--type', 'number', '--json').json
        require(numbers['types'] == {'number': 24}, numbers)


def case_kinds():
    """Everything at once: the boxes still lie on the dots where only light and place were changed."""
    with folder() as d:
        sets.make(d / 'in', SMALL)
        run('augment', d / 'in', '-o', d / 'moved', '--together', '--turn', '--skew', 3, '--scale', '--background', '--per-image', 2)
        moved = [r for r in jsonl(d / 'moved/manifest.jsonl') if r['augment']]
        require(len(moved) == 52 and len({r['id'] for r in moved}) == 52)
        for r in moved:
            require(0 < abs(r['skew_deg']) <= 3 and r['dpi'] != 200, r)
            rows, channels = pixels(d / 'moved', r)
            require((len(rows[0]) // channels, len(rows)) == (r['width'], r['height']), r)
        # a skewed box keeps its middle: with one dot pair in rows 1 and 3 it lies between them
        for r in moved:
            rows, channels = pixels(d / 'moved', r)
            rows = luma(rows, channels)
            paper = sorted(v for row in rows for v in row)[sum(map(len, rows)) // 2]
            for cell, (x, y, w, h) in zip(r['cells'], r['boxes']):
                if '2' in cell and '5' in cell:
                    mid_y = round(y + h / 2)
                    for side in (x, x + w):
                        near = [rows[mid_y + dy][round(side) + dx] for dy in range(-4, 5) for dx in range(-2, 3)]
                        require(max(near) - min(near) > paper * 0.3, r['id'], cell, 'no dot where the box says')
        every = ['--turn', '--background', '--scale', '--light', '--shadow', '--blur', '--noise', '--jpeg']
        figures = run('augment', d / 'in', '-o', d / 'all', *every, '--skew', 5, '--per-image', 20, '--type', 'spell', '--json').json
        require(figures['pictures'] == 8 * 21, figures)
        for kind in every + ['--skew']:
            require(figures['made'].get(kind[2:], 0) > 0, kind, figures['made'])
        for r in jsonl(d / 'all/manifest.jsonl'):
            data = (d / 'all' / r['image']).read_bytes()
            require(r['sha256'] == hashlib.sha256(data).hexdigest(), r)


def case_broken():
    """A broken picture is one line and one record, and the others go on."""
    with folder() as d:
        records = sets.make(d / 'in', SMALL)
        (d / 'in/images/n0003.png').write_bytes(b'no picture')
        (d / 'in/images/s0001.png').unlink()
        r = run('augment', d / 'in', '-o', d / 'out', '--quiet')
        out, skipped = by_id(d / 'out'), jsonl(d / 'out/skipped.jsonl')
        require(len(out) == 2 * (len(records) - 2) and 'n0003' not in out and 's0001' not in out)
        require(sorted({s['id'][:5] for s in skipped}) == ['n0003', 's0001'] and all(s['why'] for s in skipped), skipped)
        require(r.error.count('n0003') <= 3 and 'checksum' in r.error and 's0001' in r.error, r.error)
        (d / 'in/manifest.jsonl').write_text('{"id": 1}\n')
        run('augment', d / 'in', '-o', d / 'bad', code=65, says='manifest.jsonl')
        run('augment', d / 'none', '-o', d / 'bad', code=66)
        sets.write(d / 'in', [records[0], records[0]])
        run('augment', d / 'in', '-o', d / 'bad', code=65, says='same id')


def case_names():
    """A twin never takes another picture's name or file."""
    with folder() as d:
        records = sets.make(d / 'in', {'number': 4})
        (d / 'in/images/n0003.png').rename(d / 'in/images/n0000-t180.png')
        records[3] = dict(records[3], image='images/n0000-t180.png')
        (d / 'in/images/n0002.png').rename(d / 'in/images/n0001-t180.png')
        records[2] = dict(records[2], id='n0001-t180', image='images/n0001-t180.png')
        sets.write(d / 'in', records)
        run('augment', d / 'in', '-o', d / 'out', '--turn', says='of that name')
        out = by_id(d / 'out')
        require(sorted(out) == ['n0000', 'n0001', 'n0001-t180', 'n0001-t180-t180', 'n0003', 'n0003-t180'], sorted(out))
        require({s['id'] for s in jsonl(d / 'out/skipped.jsonl')} == {'n0000-t180', 'n0001-t180'})
        for r in out.values():
            require(r['sha256'] == hashlib.sha256((d / 'out' / r['image']).read_bytes()).hexdigest(), r)


def case_full():
    """A full disk: one clear line, 74; with room again the same command goes on."""
    with folder() as d:
        sets.make(d / 'in', {'number': 40})
        run('augment', d / 'in', '-o', d / 'whole')
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (7000, 7000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        run('augment', d / 'in', '-o', d / 'out', '--quiet', code=74, preexec=small, says='cannot write')
        require(not (d / 'out/manifest.jsonl').exists(), 'a set that is not whole has a manifest')
        run('augment', d / 'in', '-o', d / 'out')
        require(sets.checksums(d / 'out') == sets.checksums(d / 'whole'), 'not the same afterwards')


def case_usage():
    with folder() as d:
        sets.make(d / 'in', {'punctuation': 2})
        require('usage: braille-dataset augment' in run('augment', '--help').text)
        for words in ([d / 'in'], ['-o', d / 'out'], [d / 'in', '-o', d / 'out', '--per-image', '0'],
                      [d / 'in', '-o', d / 'out', '--skew', 'x'], [d / 'in', '-o', d / 'out', '--what'],
                      [d / 'in', '-o', d / 'out', '--seed', '-1']):
            p = subprocess.run([str(DATASET), 'augment', *map(str, words)], capture_output=True, text=True)
            require(p.returncode == 64 and p.stderr, words, p.returncode)
        run('augment', d / 'in', '-o', d / 'in', code=64, says='cannot go into')
        run('augment', d / 'in', '-o', d / 'out')
        before = sets.checksums(d / 'out')
        run('augment', d / 'in', '-o', d / 'out', '--seed', 9, code=73, says='--force')
        require(sets.checksums(d / 'out') == before, 'something was replaced without --force')
        run('augment', d / 'in', '-o', d / 'out', '--seed', 9, '--force')


def case_resume():
    """Killed anywhere and started again, the result is the same."""
    with folder() as d:
        sets.make(d / 'in', {'number': 150})
        words = [str(DATASET), 'augment', str(d / 'in'), '--seed', '4', '--jobs', '1', '--per-image', '3', '--quiet', '-o']
        subprocess.run([*words, str(d / 'whole')], check=True)
        killed = 0
        for k in range(40):
            p = subprocess.Popen([*words, str(d / 'out')])
            time.sleep(0.02 + 0.015 * k)
            p.send_signal(signal.SIGKILL)
            if p.wait() != -signal.SIGKILL:
                break
            killed += 1
        subprocess.run([*words, str(d / 'out')], check=killed > 0 and not (d / 'out/manifest.jsonl').exists())
        require(killed > 2, 'never killed in time')
        require(sets.checksums(d / 'whole') == sets.checksums(d / 'out'), 'not the same after', killed, 'kills')
        # another seed does not go on there
        p = subprocess.Popen([*words, str(d / 'half')])
        harness.wait_for(p, (d / 'half/.partial.jsonl').exists)
        p.send_signal(signal.SIGINT)
        if p.wait() == 130:
            run('augment', d / 'in', '-o', d / 'half', '--seed', 5, code=73, says='other options')
        else:
            require(p.returncode == 0, 'interrupted with', p.returncode)


if __name__ == '__main__':
    harness.main({n[5:]: f for n, f in list(globals().items()) if n.startswith('case_')})
