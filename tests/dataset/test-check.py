# SPDX-License-Identifier: Apache-2.0
"""What `clean` must hold on to: gaps in a line, light from any side, no known resolution, what is the same print and what is not."""
import io

from harness import folder, jsonl, main, need, require, run, write_jsonl


def verdicts(where):
    return {d['id']: d['verdict'] for d in jsonl(where / 'clean.jsonl')}


def lines():
    """Lines with gaps of every length end, and pass."""
    with folder() as tmp:
        rows = [''.join('\u2813\u2817\u280e\u281e'[(r + k) % 4] for k in range(4)) + '\u2800' * gap +
                '\u281b\u2809' + '\u2800' * gap + '\u2813' for r, gap in enumerate([1, 2, 3, 4, 5, 9])]
        (tmp / 'p.txt').write_text('\n'.join(rows) + '\n')
        run('render', '--page', tmp / 'p.txt', '-o', tmp / 'p.png', '--dsbi', '--seed', 4)
        run('crop', tmp / 'p.png', '--unit', 'line', '-o', tmp / 'a', '-q')
        run('clean', tmp / 'a', '-q', timeout=60)
        found = verdicts(tmp / 'a')
        require(len(found) == len(rows) and set(found.values()) == {'clean'}, found)


def light():
    """The light comes from any side, and `clean` is told so."""
    with folder() as tmp:
        run('generate', tmp / 'a', '--numbers', 20, '--spells', 20, '--punctuation', 10, '--faults', 0, '--light', 'any', '--seed', 6, '-q')
        run('clean', tmp / 'a', '-q', '--light', 'any', '--pictures', 'no')
        found = list(verdicts(tmp / 'a').values())
        require(found.count('clean') >= 47, found)


def size():
    """Neither the manifest nor the files say the resolution."""
    Image = need('PIL.Image')
    for dpi in (100, 200, 400):
        with folder() as tmp:
            run('generate', tmp / 'a', '--numbers', 15, '--spells', 15, '--punctuation', 10, '--faults', 0, '--dpi', dpi, '--seed', 6, '-q')
            records = jsonl(tmp / 'a/manifest.jsonl')
            for r in records:
                r['dpi'] = r['sha256'] = None
                with Image.open(tmp / 'a' / r['image']) as img:
                    img.load()
                img.info.pop('dpi', None)
                img.save(tmp / 'a' / r['image'])
            write_jsonl(tmp / 'a/manifest.jsonl', records)
            run('clean', tmp / 'a', '-q', '--pictures', 'no')
            found = list(verdicts(tmp / 'a').values())
            require(found.count('clean') >= 38, dpi, found)


def prints():
    """One print recompressed, scaled or brighter is a duplicate; other prints of one label are none."""
    Image = need('PIL.Image')
    with folder() as tmp:
        run('generate', tmp / 'a', '--numbers', 0, '--spells', 0, '--punctuation', 120, '--faults', 0, '--seed', 6, '-q')
        records = jsonl(tmp / 'a/manifest.jsonl')
        require(len({r['text'] for r in records}) < len(records) / 2, 'labels do not repeat')

        def add(r, kind, img, factor=1):
            name = f'images/{r["id"]}_{kind}.png'
            img.save(tmp / 'a' / name)
            records.append(dict(r, id=f'{r["id"]}_{kind}', image=name, sha256=None, boxes=None, width=img.width, height=img.height, dpi=r['dpi'] * factor))

        for r in records[:100:5]:
            with Image.open(tmp / 'a' / r['image']) as img:
                img.load()
            jpeg = io.BytesIO()
            img.save(jpeg, 'JPEG', quality=70)
            add(r, 'jpeg', Image.open(jpeg))
            for kind, factor in (('up', 1.1), ('down', 0.9)):
                add(r, kind, img.resize((round(img.width * factor), round(img.height * factor)), Image.BICUBIC), factor)
            add(r, 'bright', img.point(lambda v: min(255, int(v * 1.1) + 8)))
        write_jsonl(tmp / 'a/manifest.jsonl', records)
        run('clean', tmp / 'a', '-q', '--pictures', 'no')
        n_missed = 0
        for d in jsonl(tmp / 'a/clean.jsonl'):
            own = d['id'].partition('_')[0]
            require('_' in d['id'] or d['verdict'] != 'duplicate', d['id'], 'is no duplicate of', d.get('duplicate_of'))
            if '_' in d['id']:
                n_missed += d['verdict'] != 'duplicate' or d['duplicate_of'].partition('_')[0] != own
        require(n_missed <= 2, n_missed, 'of 80 not seen')


main({'lines': lines, 'light': light, 'size': size, 'prints': prints})
