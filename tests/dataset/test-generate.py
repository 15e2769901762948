#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset generate, and render --text: counts, labels, truth, the same bytes however it is run."""
import collections
import hashlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import sets
from harness import DATASET, files, folder, jsonl, main, require, run, skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'dataset/lang'))
import make_tables  # noqa: E402

DATA = ROOT / 'dataset/lang/data'
SMALL = ('--numbers', 20, '--spells', 20, '--punctuation', 20, '--faults', 12)
FAULTS = [f'{fault} {edge}' for fault in ('over', 'under', 'cut') for edge in ('left', 'right', 'above', 'below')]


def generate(out, *options, **more):
    return run('generate', out, '-q', *options, **more)


def dots(cell):
    """0x13 -> "125" """
    return ''.join(str(d + 1) for d in range(6) if cell >> d & 1)


def current_cells():
    """label -> cells in Current Braille, by the tables alone: another way than the program's."""
    code = make_tables.braille(DATA / 'current_chinese_braille.tsv')
    digits, tones = dict(code['digit']), [cells[0] for _, cells in code['tone']]
    cells = {str(n): [0x3C] + [digits[d][0] for d in str(n)] for n in range(2000)}
    cells |= {sign: own for sign, own in reversed(code['punct'])}
    for base, initial, final in make_tables.rows(DATA / 'syllables.tsv'):
        for tone in range(1, 5):
            cells[f'{base}{tone}'] = make_tables.base_cells(initial, final, code) + [tones[tone - 1]]
    return {label: [dots(c) for c in own] for label, own in cells.items()}


def chunks(data):
    at = 8
    while at < len(data):
        n = int.from_bytes(data[at:at + 4], 'big')
        yield data[at + 4:at + 8], data[at + 8:at + 8 + n]
        at += 12 + n


def options():
    """Wrong uses end with the promised code and a word that helps; a finished set is not overwritten."""
    text = run('generate', '--help').text
    for word in ('--numbers', '--faults', '--code', '--geometry', '--dpi', '--look', '--light', '--single-sided', '--seed', '--jobs', '--force', '--json'):
        require(word in text, word, 'is not in --help')
    with folder() as tmp:
        generate('-q', code=64)
        for wrong in (('--code', 'morse'), ('--geometry', 'moon'), ('--look', 'nice'), ('--dpi', '5'), ('--numbers', '-1'), ('--numbers', 'many'),
                      ('--light', 'above'), ('--seed', 'x'), ('--jobs', '-2')):
            generate(tmp / 'a', *wrong, code=64, says=repr(wrong[1]))
        generate(tmp / 'a', '--numbers', 1, '--spells', 1, '--punctuation', 1, '--faults', 4, code=64, says='fit')
        generate(tmp / 'a' / 'b', *SMALL, code=73, says="'")
        require(list(tmp.iterdir()) == [], 'something was left behind')
        generate(tmp / 'a', *SMALL)
        first = files(tmp / 'a')
        generate(tmp / 'a', *SMALL, '--seed', 2, code=73, says='--force')
        require(files(tmp / 'a') == first, 'a refused run changed the set')
        generate(tmp / 'a', *SMALL, '--seed', 2, '--force')
        require(files(tmp / 'a') != first, '--force did nothing')
        generate(tmp / 'none', '--numbers', 0, '--spells', 0, '--punctuation', 0, '--faults', 0)
        require(jsonl(tmp / 'none' / 'manifest.jsonl') == [], 'an empty set is no set')


def check_record(where, r, t, wanted):
    data = (where / r['image']).read_bytes()
    require(hashlib.sha256(data).hexdigest() == r['sha256'], r['id'], 'has another checksum')
    rows, channels = sets.unpng(data)
    require(channels == 1 and (len(rows[0]), len(rows)) == (r['width'], r['height']), r['id'], 'has another size')
    density = [body for kind, body in chunks(data) if kind == b'pHYs']
    require(density and abs(int.from_bytes(density[0][:4], 'big') * 0.0254 - r['dpi']) < 0.1, r['id'], 'does not say its dpi')
    require(len(r['boxes']) == len(r['cells']) == len(t['dots']), r['id'])
    if wanted:
        require(r['cells'] == wanted[r['text']], r['id'], r['text'], r['cells'], 'are not', wanted[r['text']])
    for cell, own in zip(r['cells'], t['dots']):
        require(''.join(str(d + 1) for d in range(6) if own[d]) == cell.replace('0', ''), r['id'], 'has other dots than its cells')


def edge_distance(r, point, edge):
    """How far inside that edge, pixels."""
    x, y = point
    return {'left': x + 0.5, 'right': r['width'] - 0.5 - x, 'above': y + 0.5, 'below': r['height'] - 0.5 - y}[edge]


def check_fault(r, t):
    """What was injected is in the picture."""
    all_dots = [p for cell in t['dots'] for p in cell if p]
    pitch = r['boxes'][0][3] / 2
    radius = 0.36 * pitch
    nearest = min(edge_distance(r, p, e) for p in all_dots for e in ('left', 'right', 'above', 'below'))
    if t['fault'] == 'none':
        require(t['edge'] is None and t['n_dots'] == 0 and nearest > radius, r['id'], 'is not clean:', nearest)
        return
    inside = [edge_distance(r, p, t['edge']) for p in all_dots]
    require(t['n_dots'] > 0, r['id'], 'says that no dot is hurt')
    if t['fault'] == 'over':  # room for a whole dot beyond the label
        require(min(inside) > radius + 0.7 * pitch, r['id'], t, min(inside) / pitch)
    elif t['fault'] == 'under':
        require(sum(d < -0.3 * pitch for d in inside) == t['n_dots'] < len(inside), r['id'], t, inside)
    else:
        require(abs(min(inside)) < 0.35 * pitch, r['id'], t, inside)


def counts():
    """Each code: as many of each type as asked for, labels with their cells, faults in all kinds, and the card says so."""
    with folder() as tmp:
        for code in ('current', 'common', 'two-cell'):
            out = tmp / code
            n = {'number': 40, 'spell': 60, 'punctuation': 44}
            figures = generate(out, '--code', code, '--numbers', 40, '--spells', 60, '--punctuation', 44, '--faults', 36, '--json').json
            records, truth = jsonl(out / 'manifest.jsonl'), jsonl(out / 'truth.jsonl')
            require(figures['types'] == n and figures['pictures'] == 144 and figures['left_out'] == 0, figures)
            require(collections.Counter(r['type'] for r in records) == n, 'other counts in the manifest')
            require([r['id'] for r in records] == [t['id'] for t in truth], 'the truth has other ids')
            require(len({r['id'] for r in records}) == 144 and len(list((out / 'images').iterdir())) == 144, 'ids or pictures repeat')
            for r, t in zip(records, truth):
                require(r['code'] == code and r['source'] == 'drawn' and r['dpi'] == 200, r)
                check_record(out, r, t, current_cells() if code == 'current' else None)
                check_fault(r, t)
            bad = collections.Counter(r['type'] for r, t in zip(records, truth) if t['fault'] != 'none')
            require(bad == {'number': 12, 'spell': 12, 'punctuation': 12}, bad)
            kinds = collections.Counter(f"{t['fault']} {t['edge']}" for t in truth if t['fault'] != 'none')
            require(kinds == {k: v for k, v in figures['faults'].items() if v} and sum(kinds.values()) == 36, kinds)
            require(set(kinds) >= set(FAULTS[:4]) and len(kinds) >= 11, 'kinds of faults are missing:', kinds)
            require('CC0' in (out / 'card.md').read_text() and '| spell | 60 |' in (out / 'card.md').read_text(), 'the card is poor')
            for word in ('over', 'under', 'fault'):
                require(word not in (out / 'manifest.jsonl').read_text(), 'the manifest gives the faults away')
        generate(tmp / 'clean', '--numbers', 5, '--spells', 5, '--punctuation', 5, '--faults', 0)
        require({t['fault'] for t in jsonl(tmp / 'clean' / 'truth.jsonl')} == {'none'}, 'faults that nobody asked for')


def whole():
    """The paper's 6,200 (smaller and fewer signs, for time): each number once, each syllable twice or more, 200 faults a type."""
    with folder() as tmp:
        generate(tmp / 'a', '--punctuation', 300, '--dpi', 100, '--look', 'clean', '--single-sided')
        records, truth = jsonl(tmp / 'a' / 'manifest.jsonl'), jsonl(tmp / 'a' / 'truth.jsonl')
        texts = {t: collections.Counter(r['text'] for r in records if r['type'] == t) for t in ('number', 'spell', 'punctuation')}
        require(texts['number'] == {str(n): 1 for n in range(2000)}, 'numbers are missing or repeat')
        require(sum(texts['spell'].values()) == 2700 and len(texts['spell']) > 1290 and min(texts['spell'].values()) >= 2, 'syllables are too few')
        require(max(texts['punctuation'].values()) - min(texts['punctuation'].values()) <= 1 and len(texts['punctuation']) == 21, texts['punctuation'])
        bad = collections.Counter(r['type'] for r, t in zip(records, truth) if t['fault'] != 'none')
        require(bad == {'number': 200, 'spell': 200, 'punctuation': 200}, bad)
        for r, t in zip(records, truth):
            check_fault(r, t)


def slope(rows, x, y, reach):
    """Brightness above a point less that below it."""
    total = 0
    for dx in (-1, 0, 1):
        for dy in range(1, reach + 1):
            above, below = rows[round(y) - dy][round(x) + dx], rows[round(y) + dy][round(x) + dx]
            total += above - below
    return total / (3 * reach)


def seen():
    """The dots are in the pictures where the truth has them, and nowhere else; light from below turns them over."""
    with folder() as tmp:
        for light, sign in ((0, 1), (180, -1)):
            out = tmp / str(light)
            generate(out, '--numbers', 12, '--spells', 12, '--punctuation', 12, '--faults', 0, '--look', 'clean', '--single-sided', '--light', light)
            for r, t in zip(jsonl(out / 'manifest.jsonl'), jsonl(out / 'truth.jsonl')):
                rows, _ = sets.unpng((out / r['image']).read_bytes())
                for cell, own, (x, y, w, h) in zip(r['cells'], t['dots'], r['boxes']):
                    for d in range(6):
                        place = own[d] or (x + d // 3 * w, y + d % 3 * h / 2)
                        s = sign * slope(rows, *place, 5)
                        require(s > 12 if own[d] else abs(s) < 8, r['id'], cell, f'dot {d + 1}: slope {s:.1f}')
        out = tmp / 'scan'
        generate(out, '--numbers', 30, '--spells', 30, '--punctuation', 0, '--faults', 0, '--single-sided')
        for r, t in zip(jsonl(out / 'manifest.jsonl'), jsonl(out / 'truth.jsonl')):
            rows, _ = sets.unpng((out / r['image']).read_bytes())
            slopes = [slope(rows, *p, 5) for own in t['dots'] for p in own if p]
            require(sum(slopes) / len(slopes) > 4, r['id'], 'shows no dots')


def repeat():
    """One or two threads, SIGINT and SIGKILL in between, another processor's code paths: the same bytes."""
    with folder() as tmp:
        options = ('--numbers', 60, '--spells', 60, '--punctuation', 60, '--faults', 24, '--seed', 7)
        generate(tmp / 'one', *options, '--jobs', 1)
        whole_set = files(tmp / 'one')
        generate(tmp / 'two', *options, '--jobs', 2)
        require(files(tmp / 'two') == whole_set, 'two threads give other bytes')
        # slower code of glibc, OpenCV and libjpeg-turbo, for processors that have no more
        plain = {'GLIBC_TUNABLES': 'glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F', 'JSIMD_FORCENONE': '1',
                 'OPENCV_CPU_DISABLE': 'AVX512-SKX,AVX2,AVX,FMA3,FP16,SSE4.2,SSE4.1,SSSE3,POPCNT'}
        generate(tmp / 'plain', *options, env=plain)
        require(files(tmp / 'plain') == whole_set, 'another processor gives other bytes')
        for number, wanted in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
            out = tmp / f'killed-{wanted}'
            times = 0
            for pictures in (20, 90):
                p = subprocess.Popen([DATASET, 'generate', out, '-q', *map(str, options)], stderr=subprocess.PIPE)
                end = time.monotonic() + 60
                while p.poll() is None and time.monotonic() < end and len(list((out / 'images').glob('*.png'))) < pictures:
                    time.sleep(0.002)
                p.send_signal(number)
                p.communicate()
                times += p.returncode == wanted
                require(p.returncode in (wanted, 0), 'ended with', p.returncode)
                if p.returncode == 0:
                    break
                require(not (out / 'manifest.jsonl').exists(), 'an unfinished set has a manifest')
                generate(out, *options[:-1], 8, code=73, says='options')
            require(times > 0, 'it was never interrupted')
            if p.returncode != 0:
                generate(out, *options)
            require(files(out) == whole_set, 'an interrupted run gives other bytes')


def full():
    """A disk that takes no more is one clear line, and the next run goes on."""
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    with folder() as tmp:
        r = generate(tmp / 'a', *SMALL, code=74, preexec=small_files, says='cannot write')
        require(len(r.error.strip().splitlines()) == 1, r.error)
        require(not (tmp / 'a' / 'manifest.jsonl').exists(), 'a full disk left a manifest')
        for other in (('--light', 'any'), ('--light', 90), ('--dpi', 150), ('--single-sided',), ('--geometry', 'us'), ('--look', 'clean'), ('--checked',)):
            generate(tmp / 'a', *SMALL, *other, code=73, says='other options')
        generate(tmp / 'a', *SMALL)
        generate(tmp / 'b', *SMALL)
        require(files(tmp / 'a') == files(tmp / 'b'), 'a full disk changed the set')


# ---- render --text ----

def truth_lines(path):
    """side -> {row: {column: dots}}"""
    out = {'recto': {}, 'verso': {}}
    for line in path.read_text().splitlines()[1:]:
        side, row, column, own, *_ = line.split('\t')
        out[side].setdefault(int(row), {})[int(column)] = own
    return out


def text_of(rows, row):
    line = rows.get(row, {})
    return ' '.join(line.get(c, '0') for c in range(max(line, default=-1) + 1))


def text():
    """Pages from running text: the cells of each code, parted words, several pages, both sides."""
    with folder() as tmp:
        (tmp / 'a.txt').write_text('你好，世界。\n')
        p = subprocess.run([DATASET, 'render', '--text', tmp / 'a.txt', '-o', tmp / 'a.png'], capture_output=True)
        if p.returncode == 69:
            require(b'liblouis' in p.stderr, p.stderr)
            skip('NO LIBLOUIS: pages from text were NOT tested; install liblouis-dev and build again')
        for code, wanted in (('current', '0 0 1345 24 3 125 235 3 5 0 156 23 1245 15 23 5 23'), ('common', '0 0 1345 125 235 3 5 0 156 1245 15 5 23'),
                             ('two-cell', '0 0 12345 1236 12 12356 5 0 124 12 15 24 5 23')):
            run('render', '--text', tmp / 'a.txt', '--code', code, '-o', tmp / 'a.png', '--truth', tmp / 'a.tsv', '--force')
            got = text_of(truth_lines(tmp / 'a.tsv')['recto'], 0)
            require(got == wanted, code, got, 'not', wanted)
        sentence = '我们今天去学校学习中文，明天再去公园散步。'
        (tmp / 'long.txt').write_text((sentence * 4 + '\n') * 5 + '\n' + sentence)
        common = ('render', '--text', tmp / 'long.txt', '--columns', 20, '--rows', 8, '--dpi', 100)
        run(*common, '-o', tmp / 'p.png', '--truth', tmp / 'p.tsv', '--dsbi')
        pages = sorted(p.name for p in tmp.glob('p-*.png'))
        require(len(pages) > 5 and (tmp / 'p-1.png').exists() and not (tmp / 'p.png').exists(), pages)
        n_parted, cells, last = 0, [], None
        for k in range(len(pages)):
            rows = truth_lines(tmp / f'p-{k + 1}.tsv')['recto']
            require(max(rows) < 8 and max(c for r in rows.values() for c in r) < 20, 'a page is too large')
            for row in range(8):
                line = rows.get(row, {})
                parted = line.get(0) == '36'
                require(not line or parted or line.get(0) or (min(line) == 2), 'a line begins with', line)
                n_parted += parted
                cells += [line[c] for c in sorted(line)][parted:]
            require((tmp / f'p-{k + 1}+recto.txt').exists(), 'no annotation of page', k + 1)
        require(n_parted > 10, 'no word was parted')
        # the text is whole: the same cells as on lines that need not be parted
        run('render', '--text', tmp / 'long.txt', '--columns', 200, '--rows', 60, '--dpi', 60, '-o', tmp / 'w.png', '--truth', tmp / 'w.tsv')
        rows = truth_lines(tmp / 'w.tsv')['recto']
        whole_text = [line[c] for line in (rows[r] for r in sorted(rows)) for c in sorted(line) if not (c == 0 and line[c] == '36')]
        require(cells == whole_text, 'cells are lost or added where words are parted')
        run(*common, '--both-sides', '-o', tmp / 'b.png', '--truth', tmp / 'b.tsv')
        require(len(list(tmp.glob('b-*.png'))) == (len(pages) + 1) // 2, 'the text does not go on on the other side')
        require(truth_lines(tmp / 'b-1.tsv')['verso'] == truth_lines(tmp / 'p-2.tsv')['recto'], 'the other side has another text')
        run('render', '--text', tmp / 'a.txt', '--verso-text', tmp / 'long.txt', '--rows', 100, '--dpi', 60, '--scan', '-o', tmp / 'v.png', '--truth', tmp / 'v.tsv')
        sides = truth_lines(tmp / 'v.tsv')
        require(len(sides['recto']) == 1 and len(sides['verso']) > 10, 'the other side is not there')
        run('render', '--text', tmp / 'a.txt', '--scan', '--seed', 5, '--missing', 0.5, '-o', tmp / 'm.png')
        run('render', '--text', tmp / 'a.txt', '--scan', '--seed', 5, '-o', tmp / 'n.png')
        require((tmp / 'm.png').read_bytes() != (tmp / 'n.png').read_bytes(), 'no dot is missing')
        # whatever of it is there already: nothing is overwritten, and nothing else is written
        for there in ('f-3.png', 'f-1.tsv', 'f-2+recto.txt'):
            (tmp / there).write_text('mine')
            run(*common, '-o', tmp / 'f.png', '--truth', tmp / 'f.tsv', '--dsbi', code=73, says=there)
            require([f.name for f in tmp.glob('f-*')] == [there] and (tmp / there).read_text() == 'mine', 'something was written')
            (tmp / there).unlink()
        for jobs in (1, 2):
            r = run(*common, '-o', tmp / f'j{jobs}.png', '--truth', tmp / f'j{jobs}.tsv', '--dsbi', '--jobs', jobs, '--json')
            require(r.json == {'pictures': len(pages)} and f'drawing: {len(pages)} in' in r.error, r.json, r.error)
        one, two = ({f.name[2:]: f.read_bytes() for f in tmp.glob(f'j{jobs}-*')} for jobs in (1, 2))
        require(one == two and len(one) == 3 * len(pages), '--jobs changes the pages')
        run('render', '--cells', 100, '-o', tmp / 'c', '--quiet')
        run('render', '--cells', 100, '-o', tmp / 'c', '--quiet', code=73, says='c.u8')
        require(run('render', '--cells', 100, '-o', tmp / 'c', '--force', '--json').json == {'cells': 100})
        for bad, says in (('好\U00020000', 'U+20000'), ('好㐀好', "'㐀'"), ('', 'empty')):
            (tmp / 'bad.txt').write_text(bad)
            run('render', '--text', tmp / 'bad.txt', '-o', tmp / 'bad.png', code=65, says=says)
        for bad in (b'\xe5\xa5', b'\xe0\x80\xaf', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'\xc0\x80', b'a\xff'):
            (tmp / 'bad.txt').write_bytes(bad)
            run('render', '--text', tmp / 'bad.txt', '-o', tmp / 'bad.png', code=65, says='UTF-8')
        run('render', '--text', tmp / 'none.txt', '-o', tmp / 'bad.png', code=66)
        require(not (tmp / 'bad.png').exists(), 'a page of nothing')
        for wrong in (('--page', tmp / 'a.txt'), ('--cells', 3), ('--verso', tmp / 'a.txt'), ('--verso-text', tmp / 'a.txt', '--both-sides')):
            p = subprocess.run([DATASET, 'render', '--text', tmp / 'a.txt', '-o', tmp / 'x.png', *map(str, wrong)], capture_output=True)
            require(p.returncode == 64, wrong, p.returncode)


def sample():
    """tests/data/sample-page.md tells how its files were made: that command makes them."""
    data = ROOT / 'tests/data'
    words = next(line.split() for line in (data / 'sample-page.md').read_text().splitlines() if line.startswith('    braille-dataset render'))
    with folder() as tmp:
        for side in ('recto', 'verso'):
            (tmp / f'sample-page-{side}.brl.txt').write_bytes((data / f'sample-page-{side}.brl.txt').read_bytes())
        run(*words[1:], cwd=tmp)
        for name in ('sample-page.tsv', 'sample-page+recto.txt', 'sample-page+verso.txt'):
            require((tmp / name).read_bytes() == (data / name).read_bytes(), name, 'is not what render writes')
        now, kept = (tmp / 'sample-page.png').read_bytes(), (data / 'sample-page.png').read_bytes()
        # another zlib packs the same pixels in other bytes
        require(now == kept or sets.unpng(now) == sets.unpng(kept), 'sample-page.png shows something else')


CASES = {'options': options, 'counts': counts, 'whole': whole, 'seen': seen, 'repeat': repeat, 'full': full, 'text': text, 'sample': sample}
if __name__ == '__main__':
    main(CASES)
