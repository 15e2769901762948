#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset split: exact shares of each type, and nothing of one picture on two sides."""
import collections
import json
import subprocess

import harness
import sets
from harness import DATASET, folder, jsonl, require, run

COUNTS = {'number': 40, 'spell': 55, 'punctuation': 30}


def sides(where):
    return {r['id']: r['split'] for r in jsonl(where / 'manifest.jsonl')}


def count(where):
    table = collections.Counter((r['type'], r['split']) for r in jsonl(where / 'manifest.jsonl'))
    return {k: v for k, v in table.items()}


def record(ident, parent=None, kind='number', **more):
    return dict({'id': ident, 'image': f'images/{ident}.png', 'sha256': None, 'type': kind, 'text': '1', 'cells': ['1'], 'boxes': None,
                 'dpi': 200, 'code': 'current', 'source': None, 'parent': parent, 'augment': None, 'split': None}, **more)


def make(where, records):
    where.mkdir()
    sets.write(where, records)


def case_exact():
    with folder() as d:
        records = sets.make(d / 'in', COUNTS)
        (d / 'in/card.md').write_text('# A card\n')
        pictures = sets.checksums(d / 'in/images')
        figures = run('split', d / 'in', '--seed', 2, '--json').json
        want = {('number', 'test'): 8, ('number', 'train'): 32, ('spell', 'test'): 11, ('spell', 'train'): 44,
                ('punctuation', 'test'): 6, ('punctuation', 'train'): 24}
        require(count(d / 'in') == want, count(d / 'in'))
        require(figures['sides']['test'] == {'number': 8, 'spell': 11, 'punctuation': 6}, figures)
        after = jsonl(d / 'in/manifest.jsonl')
        require([dict(r, split=None) for r in after] == records, 'more than the split was changed')
        require(sets.checksums(d / 'in/images') == pictures)
        card = (d / 'in/card.md').read_text()
        require(card.startswith('# A card') and '| test | 8 | 11 | 6 |' in card, card)
        first = (d / 'in/manifest.jsonl').read_bytes()
        run('split', d / 'in', '--seed', 2, code=73, says='--force')
        run('split', d / 'in', '--seed', 3, '--force')
        require(sides(d / 'in') != {r['id']: r['split'] for r in after}, 'the seed changes nothing')
        run('split', d / 'in', '--seed', 2, '--force')
        require((d / 'in/manifest.jsonl').read_bytes() == first, 'the same seed, another split')
        require((d / 'in/card.md').read_text() == card, 'the card grows')
        run('split', d / 'in', '--seed', 2, '--force', '--test', 0.1, '--val', 0.3)
        c = count(d / 'in')
        require((c['number', 'test'], c['number', 'val'], c['number', 'train']) == (4, 12, 24), c)


def case_twins():
    """A set and the same with twins, split apart from each other with one seed: the same sides."""
    with folder() as d:
        sets.make(d / 'in', COUNTS)
        run('augment', d / 'in', '-o', d / 'twins')
        run('split', d / 'in', '--seed', 8)
        run('split', d / 'twins', '--seed', 8)
        one, two = sides(d / 'in'), sides(d / 'twins')
        for r in jsonl(d / 'twins/manifest.jsonl'):
            require(two[r['id']] == one[r['parent'] or r['id']], r)
        require(count(d / 'twins')['number', 'test'] == 16)
        run('split', d / 'twins', '--check', '--like', d / 'in')
        # only twins, their pictures are elsewhere: two of one picture stay together
        records = [r for r in jsonl(d / 'twins/manifest.jsonl') if r['parent']]
        more = [dict(r, id=r['id'] + '-blur', sha256=None) for r in records]
        make(d / 'only', [dict(r, split=None) for r in records + more])
        run('split', d / 'only', '--seed', 1)
        only = sides(d / 'only')
        require(all(only[r['id']] == only[r['id'] + '-blur'] for r in records), 'one picture on two sides')
        # the grandchild's parent is in no set, its name says whose it is
        make(d / 'far', [record(f'n{i}') for i in range(20)] + [record(f'n{i}-t180-bg-a0b1c2', f'n{i}-t180') for i in range(20)])
        run('split', d / 'far', '--seed', 4)
        far = sides(d / 'far')
        require(all(far[f'n{i}'] == far[f'n{i}-t180-bg-a0b1c2'] for i in range(20)))


def case_groups():
    """Chains of parents, one file under two names, and what clean called duplicates."""
    with folder() as d:
        records = []
        for i in range(30):
            a = record(f'a{i}', sha256=f'{i:064x}')
            records += [a, record(f'b{i}', f'a{i}'), record(f'c{i}', f'b{i}'), record(f'd{i}', sha256=f'{i:064x}'), record(f'e{i}')]
        make(d / 's', records)
        (d / 's/clean.jsonl').write_text(''.join(json.dumps(
            {'id': f'e{i}', 'verdict': 'duplicate', 'duplicate_of': f'c{i}', 'rule': f'the same print as c{i}'}) + '\n' for i in range(30)))
        figures = run('split', d / 's', '--seed', 1, '--json').json
        require(figures['groups'] == 30 and figures['sides']['test'] == {'number': 30}, figures)
        got = sides(d / 's')
        for i in range(30):
            require(len({got[f'{k}{i}'] for k in 'abcde'}) == 1, i)


def case_like():
    """What is clean is split exactly, and the set around it too."""
    with folder() as d:
        records = sets.make(d / 'all', COUNTS)
        make(d / 'part', [r for i, r in enumerate(records) if i % 5])
        run('split', d / 'part', '--seed', 3)
        run('split', d / 'all', '--like', d / 'part', '--seed', 99)
        part, whole = sides(d / 'part'), sides(d / 'all')
        require(all(whole[i] == s for i, s in part.items()), 'another side than in the other set')
        require(count(d / 'part')['spell', 'test'] == round(0.2 * 44) and count(d / 'all')['spell', 'test'] == 11)
        run('split', d / 'all', '--check', '--like', d / 'part')
        run('split', d / 'all', '--seed', 98, '--force')
        p = run('split', d / 'all', '--check', '--like', d / 'part', code=1, says='two sides')
        require('leak 1' in p.error)


def case_check():
    """An injected leak is found and named."""
    with folder() as d:
        sets.make(d / 'in', COUNTS)
        run('augment', d / 'in', '-o', d / 'twins')
        run('split', d / 'twins', '--check', code=1, says='no split')
        run('split', d / 'twins')
        require(run('split', d / 'twins', '--check', '--json').json['leaks'] == 0)
        records = jsonl(d / 'twins/manifest.jsonl')
        twin = next(r for r in records if r['parent'])
        for side, says in ((dict(train='test', test='train')[twin['split']], 'two sides'), (None, 'no side')):
            changed = [dict(r, split=side) if r is twin else r for r in records]
            sets.write(d / 'twins', changed)
            before = sets.checksums(d / 'twins')
            r = run('split', d / 'twins', '--check', code=1, says=says)
            require(side is None or (twin['id'] in r.error and twin['parent'] in r.error), r.error)
            require(sets.checksums(d / 'twins') == before, 'a check changes nothing')


def case_usage():
    with folder() as d:
        sets.make(d / 'in', {'number': 5})
        for words in ([], [d / 'in', '--test', '2'], [d / 'in', '--test', '0.8', '--val', '0.4'], [d / 'in', d / 'in'], [d / 'in', '--x']):
            p = subprocess.run([str(DATASET), 'split', *map(str, words)], capture_output=True, text=True)
            require(p.returncode == 64 and p.stderr, words, p.returncode)
        run('split', d / 'none', code=66)
        (d / 'in/manifest.jsonl').write_text('{\n')
        run('split', d / 'in', code=65, says='manifest.jsonl')
        make(d / 'empty', [])
        run('split', d / 'empty')


if __name__ == '__main__':
    harness.main({n[5:]: f for n, f in list(globals().items()) if n.startswith('case_')})
