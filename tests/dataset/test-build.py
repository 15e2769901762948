#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset build: the family, whole, the same every time, wherever it was killed."""
import collections
import json
import os
import pathlib
import random
import shlex
import signal
import subprocess
import time

import harness
import sets
from harness import DATASET, folder, jsonl, require, run

SCALE = '0.02'
BIT = {'number': 40, 'spell': 54, 'punctuation': 30}
FAULTS = 4  # of each type
NAMES = ['BIT', 'BIT-DC', 'BIT-DA', 'BIT-DP', 'BIT-N', 'BIT-S', 'BIT-P']


def build(out, *words, code=0, says=None):
    """The counts are those of the paper, exactly, so it ends with 0."""
    p = subprocess.run([str(DATASET), 'build', str(out), '--scale', SCALE, *map(str, words)], capture_output=True, text=True, timeout=280)
    print('$ build', *words, '->', p.returncode, p.stderr.strip().splitlines()[-1:])
    require(p.returncode == code, p.returncode, p.stderr[-2000:])
    require(says is None or says in p.stderr, says, 'is not in', p.stderr[-2000:])
    return p


def records(out, name):
    return jsonl(out / name / 'manifest.jsonl')


def types(rs):
    return dict(collections.Counter(r['type'] for r in rs))


def expected():
    clean = {t: n - FAULTS for t, n in BIT.items()}
    twice = {t: 2 * n for t, n in clean.items()}
    return {'BIT': BIT, 'BIT-DC': clean, 'BIT-DA': {t: 2 * n for t, n in BIT.items()}, 'BIT-DP': twice,
            'BIT-N': {'number': twice['number']}, 'BIT-S': {'spell': twice['spell']}, 'BIT-P': {'punctuation': twice['punctuation']}}


def root(r):
    return r['parent'] or r['id']


def case_family():
    with folder() as d:
        out = d / 'out'
        p = build(out, '--seed', 1, '--json')
        rs = {n: records(out, n) for n in NAMES}
        told = json.loads(p.stdout.splitlines()[-1])
        require(told['sets'] == {n: types(r) for n, r in rs.items()}, told)
        require(told['sets'] == expected() and told['exact'] is True and told['off'] == '', told)
        # cleaning found what was cut badly and nothing else, without the truth; and the card says so
        bad = {t['id'] for t in jsonl(out / 'BIT/truth.jsonl') if t['fault'] != 'none'}
        require(len(bad) == 3 * FAULTS and {r['id'] for r in rs['BIT-DC']} == {r['id'] for r in rs['BIT']} - bad)
        card = (out / 'card.md').read_text()
        for word in ('Of 124 pictures of BIT 12 were cut badly', 'rejected 12 of these and 0 of the others', 'CC0', 'Limits', '| seed | 1 |',
                     'exactly.', '| BIT-DP | the clean ones of BIT-DA: BIT-DC with its twins | 72 | 100 | 52 | 224 |'):
            require(word in card, word, 'is not in the card')
        redrawn = sum(t.get('redrawn', 0) for t in jsonl(out / 'BIT/truth.jsonl'))
        require((f'{redrawn} drawings were thrown away' in card) == (redrawn > 0), 'the card does not say what was drawn again')
        require(all('CC0' in (out / n / 'card.md').read_text() for n in NAMES), 'a card without licence')
        decided = {line['id']: line['verdict'] for line in jsonl(out / 'BIT/clean.jsonl')}
        require([r['id'] for r in rs['BIT-DC']] == [r['id'] for r in rs['BIT'] if decided[r['id']] == 'clean'])
        good = {r['id'] for r in rs['BIT-DC']}
        require(rs['BIT-DP'] == [r for r in rs['BIT-DA'] if root(r) in good], 'BIT-DP is not the clean part of BIT-DA')
        for name, kind in (('BIT-N', 'number'), ('BIT-S', 'spell'), ('BIT-P', 'punctuation')):
            require(rs[name] == [r for r in rs['BIT-DP'] if r['type'] == kind], name)
        twin = next(r for r in rs['BIT-DP'] if r['parent'])
        require((out / 'BIT-DP' / twin['image']).samefile(out / 'BIT-DA' / twin['image']), 'drawn twice')
        # one side a root, in all sets; exact in BIT and in BIT-DC
        side = {r['id']: r['split'] for r in rs['BIT']}
        require(all(r['split'] == side[root(r)] for n in NAMES for r in rs[n]), 'a leak')
        for n in ('BIT', 'BIT-DC'):
            for t, all_of_it in types(rs[n]).items():
                test = sum(r['type'] == t and r['split'] == 'test' for r in rs[n])
                require(test == int(all_of_it * 0.2 + 0.5), n, t, test)
        # every file has its checksum, in order, and nothing else is there
        check = subprocess.run(['sha256sum', '-c', '--quiet', 'SHA256SUMS'], cwd=out, capture_output=True, text=True)
        require(check.returncode == 0, check.stderr)
        listed = [line[66:] for line in (out / 'SHA256SUMS').read_text().splitlines()]
        there = sorted((str(f.relative_to(out)) for f in out.rglob('*') if f.is_file()), key=os.fsencode)
        require(listed == [f for f in there if f != 'SHA256SUMS'], set(listed) ^ set(there))
        require(not [f for f in there if pathlib.Path(f).name.startswith('.')])
        require(all((out / n / 'card.md').exists() for n in NAMES) and (out / 'card.md').exists())
        page = (out / 'report.html').read_text()
        require(all(f'>{n}</h2>' in page for n in NAMES) and len(page) < 10e6)
        require('class="bad"' not in page and page.count('>exactly<') == len(NAMES), 'the report does not say how the counts are')
        before = sets.checksums(out)
        build(out, '--seed', 1, code=73, says='--force')
        require(sets.checksums(out) == before, 'something was replaced without --force')
        (out / 'BIT/images/old.png').write_bytes(b'old')
        (out / 'mine.txt').write_text('not of the family')
        build(out, '--seed', 2, '--force', '--quiet')
        require(not (out / 'BIT/images/old.png').exists() and (out / 'mine.txt').exists())
        changed = (out / 'SHA256SUMS').read_text()
        require('mine.txt' in changed and {line[:64] for line in changed.splitlines()} != set(before.values()))


def case_same():
    with folder() as d:
        for jobs in (1, 2):
            build(d / f'j{jobs}', '--seed', 3, '--jobs', jobs, '--quiet')
        require((d / 'j1/SHA256SUMS').read_bytes() == (d / 'j2/SHA256SUMS').read_bytes(), '--jobs changes the result')
        build(d / 'other', '--seed', 4, '--quiet')
        one, other = records(d / 'j1', 'BIT'), records(d / 'other', 'BIT')
        require(sum(a['sha256'] == b['sha256'] for a, b in zip(one, other)) == 0, 'another seed, the same pictures')


def start(out, seed):
    return subprocess.Popen([str(DATASET), 'build', str(out), '--scale', SCALE, '--seed', str(seed), '--quiet', '--jobs', '2'],
                            stderr=subprocess.PIPE, text=True)


def noted(out):
    """What a run has noted down so far: the sizes of its journals, and the sets that are finished."""
    seen = {}
    for path in [out / '.build.jsonl', *(p for n in NAMES for p in (*out.glob(f'{n}/.*'), out / n / 'manifest.jsonl'))]:
        try:
            seen[path] = path.stat().st_size
        except FileNotFoundError:
            pass
    return seen


def kill_when(p, condition):
    """SIGKILL as soon as the condition holds; False: the process had ended by itself. Two seconds and an item are enough for a line."""
    end = time.monotonic() + 60
    while p.poll() is None and not condition():
        require(time.monotonic() < end, 'a run notes nothing down: killed that often it would never end')
        time.sleep(0.002)
    p.kill()
    p.wait()
    return p.returncode == -signal.SIGKILL


def case_resume():
    """Killed wherever it is as soon as it has noted something down, and at once: every run goes on a bit, the end is the same."""
    with folder() as d:
        build(d / 'whole', '--seed', 5, '--quiet')
        lot, killed, out, head = random.Random(5), 0, d / 'out', ''
        while True:
            p, before, more = start(out, 5), noted(out), lot.random() * 0.1
            if kill_when(p, lambda: noted(out) != before and time.sleep(more) is None):
                killed += 1
                require(killed < 150, 'it does not come to an end')
                finished = (out / 'SHA256SUMS').exists() and not (out / '.build.jsonl').exists()
                require(finished or (out / '.build.jsonl').exists(), 'the journal is gone')
                head = head if finished else (out / '.build.jsonl').read_text().partition('\n')[0]
                kill_when(start(out, 5), lambda end=time.monotonic() + lot.random() * 0.05: time.monotonic() > end)
                continue
            said = p.communicate()[1]
            finished = (out / 'SHA256SUMS').exists() and not (out / '.build.jsonl').exists()
            require(p.returncode == 0 or (p.returncode == 73 and finished and '--force' in said), p.returncode, said)
            break
        require(killed >= 3, 'killed only', killed)  # a fast machine does several steps between two looks
        print('killed', killed, 'times')
        require((d / 'out/SHA256SUMS').read_bytes() == (d / 'whole/SHA256SUMS').read_bytes(), 'not the same')
        differ = set(sets.checksums(d / 'out').items()) ^ set(sets.checksums(d / 'whole').items())
        require(not differ, 'something is left over, or changed:', sorted(name for name, _ in differ))
        # killed between a set's manifest and the end of its journal, which a test meets by luck alone
        (out / '.build.jsonl').write_text(head + '\n')
        for name in ('BIT/.partial.jsonl', 'BIT/.clean.partial.jsonl', 'BIT-DP/.partial.jsonl'):
            (out / name).write_text('{}\n')
        build(out, '--seed', 5, '--quiet')
        require(sets.checksums(out) == sets.checksums(d / 'whole'), 'a journal outlives its set')
        # an interrupt ends with 130; other options do not go on there
        p = subprocess.Popen([str(DATASET), 'build', str(d / 'half'), '--scale', SCALE, '--seed', '5', '--quiet'])
        harness.wait_for(p, (d / 'half/BIT').exists)
        p.send_signal(signal.SIGINT)
        require(p.wait() == 130, 'an interrupt ends with', p.returncode)
        build(d / 'half', '--seed', 6, code=73, says='other options')
        build(d / 'half', '--seed', 5, '--quiet')
        require((d / 'half/SHA256SUMS').read_bytes() == (d / 'whole/SHA256SUMS').read_bytes(), 'not the same')


def case_inexact():
    """A picture that is lost on the way: the sets are made, it ends with 1 and says just what is missing."""
    with folder() as d:
        out = d / 'out'
        require(kill_when(start(out, 11), (out / 'BIT/manifest.jsonl').exists), 'it was over too soon')
        require(not (out / 'BIT-DC/manifest.jsonl').exists(), 'the kill came too late')
        bad = {t['id'] for t in jsonl(out / 'BIT/truth.jsonl') if t['fault'] != 'none'}
        lost = [r for r in records(out, 'BIT') if r['id'] not in bad][-1]
        (out / 'BIT' / lost['image']).write_bytes(b'no picture any more')
        p = build(out, '--seed', 11, '--json', code=1, says='not with the counts')
        told, rs = json.loads(p.stdout.splitlines()[-1]), {n: types(records(out, n)) for n in NAMES}
        require(told['exact'] is False and told['sets'] == rs, told)
        off = [f'{n}: {gone} punctuation too few' for n, gone in (('BIT-DC', 1), ('BIT-DA', 2), ('BIT-DP', 2), ('BIT-P', 2))]
        require(lost['type'] == 'punctuation' and told['off'] == '; '.join(off) and told['off'] in p.stderr, told['off'])
        require(told['off'] in (out / 'card.md').read_text() and 'class="bad"' in (out / 'report.html').read_text())
        skipped = jsonl(out / 'BIT-DA/skipped.jsonl')
        require([s['id'].startswith(lost['id']) for s in skipped] == [True, True], skipped)


def case_hand():
    """The commands that it prints, typed by hand, make the same sets."""
    with folder() as d:
        p = build(d / 'out', '--seed', 7)
        (d / 'hand').mkdir()
        lines = [shlex.split(line) for line in p.stderr.splitlines() if line.startswith('braille-dataset ') and ': ' not in line]
        require(len(lines) == 17, [line[1] for line in lines])
        for words in lines:
            done = subprocess.run([str(DATASET), *(w.replace(str(d / 'out'), str(d / 'hand')) for w in words[1:])], capture_output=True, text=True)
            require(done.returncode == 0, words, done.stderr)
        one, two = sets.checksums(d / 'out'), sets.checksums(d / 'hand')
        require({k: v for k, v in one.items() if k not in ('card.md', 'SHA256SUMS')} == two, 'by hand it is another family')


def case_leak():
    with folder() as d:
        build(d / 'out', '--seed', 8, '--quiet')
        for name in NAMES:
            run('split', d / 'out' / name, '--check', '--like', d / 'out/BIT', '--quiet')
        rs = records(d / 'out', 'BIT-DP')
        twin = next(r for r in rs if r['parent'] and r['split'] == 'test')
        sets.write(d / 'out/BIT-DP', [dict(r, split='train') if r is twin else r for r in rs])
        r = run('split', d / 'out/BIT-DP', '--check', '--quiet', code=1, says='two sides')
        require(twin['id'] in r.error, r.error)
        # also where only another set tells: the picture itself is not in this one
        sets.write(d / 'out/BIT-DP', [dict(twin, split='train')])
        run('split', d / 'out/BIT-DP', '--check', '--quiet')
        run('split', d / 'out/BIT-DP', '--check', '--like', d / 'out/BIT', '--quiet', code=1, says='two sides')
        done = subprocess.run(['sha256sum', '-c', '--quiet', 'SHA256SUMS'], cwd=d / 'out', capture_output=True)
        require(done.returncode == 1, 'a changed manifest has the same checksum')


def case_codes():
    with folder() as d:
        for code in ('common', 'two-cell'):
            build(d / code, '--seed', 9, '--code', code, '--quiet')
            require({r['code'] for r in records(d / code, 'BIT')} == {code})
        for words in ([], ['--code', 'morse'], ['--scale', '0'], ['--scale', 'x'], ['--seed', 'y'], ['a', 'b'], ['--what']):
            p = subprocess.run([str(DATASET), 'build', *([] if not words else [str(d / 'x')]), *words], capture_output=True, text=True)
            require(p.returncode == 64 and p.stderr and not (d / 'x').exists(), words, p.returncode)
        (d / 'y/BIT').mkdir(parents=True)
        (d / 'y/BIT/mine').write_text('mine')
        build(d / 'y', '--seed', 1, code=73, says='--force')
        build(d / 'none/deep', '--seed', 1, code=73)


if __name__ == '__main__':
    harness.main({n[5:]: f for n, f in list(globals().items()) if n.startswith('case_')})
