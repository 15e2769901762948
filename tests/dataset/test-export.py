#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-dataset export: each form is read back by the tool that it is for."""
import base64
import hashlib
import io
import json
import os
import pathlib
import resource
import signal
import subprocess
import tarfile

import sets
from harness import DATASET, folder, jsonl, main, need, require, run

HERE = pathlib.Path(__file__).resolve().parent


def make(where):
    """24 records in three parts, some of one text; one is a PGM, one has an id with dots and a text that CSV must quote."""
    records = sets.make(where, {'number': 12, 'spell': 8, 'punctuation': 4})
    for i, r in enumerate(records):
        r['split'] = [None, 'train', 'test', 'val', 'train', 'train'][i % 6]
    records[1].update(id='a.b+c#2', text='say "hi", \u00fc\nand 1')
    rows, _ = sets.unpng((where / records[2]['image']).read_bytes())
    pgm = b'P5 %d %d 255\n' % (len(rows[0]), len(rows)) + b''.join(rows)
    (where / records[2]['image']).unlink()
    records[2].update(image='images/deep/x.pgm', sha256=hashlib.sha256(pgm).hexdigest())
    (where / 'images/deep').mkdir()
    (where / 'images/deep/x.pgm').write_bytes(pgm)
    sets.write(where, records)
    (where / 'card.md').write_text('# a card\n')
    return records


def part(record):
    return record['split'] or 'train'


def pixels(data):
    image = need('PIL.Image').open(io.BytesIO(data))
    return image.size, image.convert('L').tobytes()


def original(where, record):
    return pixels((where / record['image']).read_bytes())


def case_clip():
    """OFA-Sys/Chinese-CLIP, cn_clip/preprocess/build_lmdb_dataset.py and its README: what they ask of the files."""
    with folder() as d:
        records = make(d / 'set')
        o = run('export', 'chinese-clip', d / 'set', '-o', d / 'out', '--json', '-q').json
        require(o == {'format': 'chinese-clip', 'records': 24, 'skipped': 0}, o)
        by_text = {}
        for split, name in (('train', 'train'), ('val', 'valid'), ('test', 'test')):
            images = {}
            for line in (d / f'out/{name}_imgs.tsv').read_text().splitlines():
                image_id, b64 = line.strip().split('\t')
                images[int(image_id)] = base64.urlsafe_b64decode(b64) if '-' in b64 else base64.b64decode(b64, validate=True)
            mine = [r for r in records if part(r) == split]
            require(len(images) == len(mine), name, len(images))
            texts, seen = jsonl(d / f'out/{name}_texts.jsonl'), []
            for t in texts:
                require(set(t) == {'text_id', 'text', 'image_ids'} and isinstance(t['text_id'], int), t)
                for i in t['image_ids']:
                    seen.append(i)
                    record = records[i - 1]
                    require(record['text'] == t['text'] and part(record) == split, t, record)
                    require(pixels(images[i]) == original(d / 'set', record), record['id'])
            require(sorted(seen) == sorted(images), seen)
            require(len({t['text'] for t in texts}) == len(texts) == len({r['text'] for r in mine}), 'a text has two lines')
            require(len({t['text_id'] for t in texts}) == len(texts), 'a number has two texts')
            by_text[split] = texts
        require(any(len(t['image_ids']) > 1 for t in by_text['train']), by_text['train'])


def case_webdataset():
    wds = need('webdataset')
    with folder() as d:
        records = make(d / 'set')
        run('export', 'webdataset', d / 'set', '-o', d / 'out', '--shard-size', 5, '-q')
        count = 0
        for split in ('train', 'val', 'test'):
            mine = [r for r in records if part(r) == split]
            shards = sorted((d / 'out').glob(f'{split}-*.tar'))
            require(len(shards) == -(-len(mine) // 5), split, shards)
            urls = str(d / f'out/{split}-{{000000..{len(shards) - 1:06}}}.tar')
            data = wds.WebDataset(urls, shardshuffle=False).decode('pil').to_tuple('png', 'json', 'txt', '__key__')
            for (image, record, text, key), want in zip(data, mine, strict=True):
                require(record['id'] == want['id'] and key == want['id'].replace('.', '~'), key, record['id'])
                require(text == want['text'] == record['text'] and record['cells'] == want['cells'], record)
                require((image.size, image.convert('L').tobytes()) == original(d / 'set', want), key)
                count += 1
            for shard in shards:
                with tarfile.open(shard) as tar:
                    for m in tar:
                        require((m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) == (0, 0, 0, '', '', 0o644), m.name)
        require(count == 24, count)


def case_imagefolder():
    with folder() as d:
        os.environ.update(HF_HOME=str(d / 'hf'), HF_HUB_OFFLINE='1', HF_DATASETS_OFFLINE='1')
        datasets = need('datasets')
        datasets.disable_progress_bars()
        records = make(d / 'set')
        for form in ('csv', 'jsonl'):
            out = d / form
            run('export', 'imagefolder', d / 'set', '-o', out, '--metadata', form, '-q')
            loaded = datasets.load_dataset(str(out), cache_dir=str(d / 'cache' / form))
            names = {'train': 'train', 'validation': 'val', 'test': 'test'}
            require(set(loaded) == set(names), set(loaded))
            for name, rows in loaded.items():
                mine = {r['id']: r for r in records if part(r) == names[name]}
                require(len(rows) == len(mine), name, len(rows))
                for row in rows:
                    want = mine.pop(row['id'])
                    # numbers stay the texts that they are: "7" is not 7
                    require(row['text'] == want['text'] and row['cells'] == ' '.join(want['cells']), row)
                    require(row['sha256'] == want['sha256'] and row['type'] == want['type'] and row['dpi'] == '200', row)
                    require((row['image'].size, row['image'].convert('L').tobytes()) == original(d / 'set', want), row)
                require(not mine, mine)
        # without our README the builder is named
        plain = datasets.load_dataset('imagefolder', data_dir=str(d / 'jsonl'), cache_dir=str(d / 'cache/plain'))
        require(plain['train'].num_rows == sum(part(r) == 'train' for r in records), plain)
        require({r['text'] for r in plain['test']} == {r['text'] for r in records if part(r) == 'test'})


def case_nan():
    """The syllable nan is text, also to those who read CSV."""
    with folder() as d:
        os.environ.update(HF_HOME=str(d / 'hf'), HF_HUB_OFFLINE='1', HF_DATASETS_OFFLINE='1')
        datasets = need('datasets')
        datasets.disable_progress_bars()
        records = sets.make(d / 'set', {'spell': 3})
        records[1]['text'] = 'nan'
        sets.write(d / 'set', records)
        run('export', 'imagefolder', d / 'set', '-o', d / 'csv', '-q', says='1 texts like "nan"')
        r = run('export', 'imagefolder', d / 'set', '-o', d / 'jsonl', '--metadata', 'jsonl', '-q')
        require(r.error == '', r.error)
        rows = datasets.load_dataset(str(d / 'jsonl'), cache_dir=str(d / 'cache'))['train']
        require(list(rows['text']) == [r['text'] for r in records], rows['text'])


def case_coco():
    coco = need('pycocotools.coco')
    with folder() as d:
        records = make(d / 'set')
        run('export', 'coco', d / 'set', '-o', d / 'out', '-q')
        for split in ('train', 'val', 'test'):
            c = coco.COCO(str(d / f'out/annotations/instances_{split}.json'))
            mine = {r['id']: r for r in records if part(r) == split}
            require(len(c.getCatIds()) == 63, c.getCatIds())
            require({k['name'] for k in c.loadCats(c.getCatIds(['125', '3456']))} == {'125', '3456'})
            images = c.loadImgs(c.getImgIds())
            require(len(images) == len(mine), images)
            for image in images:
                want = mine[image['file_name'].rsplit('.', 1)[0]]
                require(pixels((d / 'out/images' / image['file_name']).read_bytes())[0] == (image['width'], image['height']))
                notes = c.loadAnns(c.getAnnIds(imgIds=[image['id']]))
                cells = [c.loadCats([n['category_id']])[0]['name'] for n in notes]
                require(cells == want['cells'], cells, want)
                for note, box in zip(notes, want['boxes'], strict=True):
                    require(note['bbox'] == [box[0] + 0.5, box[1] + 0.5, box[2], box[3]], note, box)
                    require(note['area'] == box[2] * box[3] and note['iscrowd'] == 0, note)
                    # the mask that pycocotools fills covers what the box says
                    require(abs(int(c.annToMask(note).sum()) - note['area']) < 2 * (box[2] + box[3]), note)


def read_dsbi(path, verso):
    """Li et al.: an angle, x of two lines a cell, y of three, then row, column and six bits; verso as seen from the recto."""
    lines = path.read_text().split('\n')
    angle, x, y = float(lines[0]), [float(v) for v in lines[1].split()], [float(v) for v in lines[2].split()]
    require(len(x) % 2 == 0 and len(y) % 3 == 0 and x == sorted(x) and y == sorted(y), path)
    cells = {}
    for line in filter(None, lines[3:]):
        row, column, *bits = map(int, line.split())
        if verso:
            bits = bits[3:] + bits[:3]
        dots = ''.join(str(i + 1) for i, b in enumerate(bits) if b)
        box = [x[2 * column - 2], y[3 * row - 3], x[2 * column - 1] - x[2 * column - 2], y[3 * row - 1] - y[3 * row - 3]]
        cells[row, column] = (dots, box)
    return angle, cells


def case_dsbi():
    with folder() as d:
        records = make(d / 'set')
        # a page of two sides: verso places count from the right of the picture
        page = dict(records[0], id='page+recto', type='page', image=records[3]['image'], sha256=records[3]['sha256'], side='recto',
                    cells=['1', '125', '6'], boxes=[[10, 10, 20, 40], [60, 10, 20, 40], [10, 90, 20, 40]],
                    places=[[0, 0], [0, 1], [1, 0]], split=None)
        verso = dict(page, id='page+verso', side='verso', cells=['1', '3'], boxes=[[60, 10, 20, 40], [10, 10, 20, 40]],
                     places=[[0, 0], [0, 2]])
        records[3] = page
        sets.write(d / 'set', records + [verso])
        run('export', 'dsbi', d / 'set', '-o', d / 'out', '-q')
        stem = pathlib.Path(page['image']).stem
        angle, cells = read_dsbi(d / f'out/{stem}+recto.txt', False)
        require(angle == 0 and cells == {(1, 1): ('1', [10, 10, 20, 40]), (1, 2): ('125', [60, 10, 20, 40]),
                                         (2, 1): ('6', [10, 90, 20, 40])}, cells)
        angle, cells = read_dsbi(d / f'out/{stem}+verso.txt', True)
        require(cells == {(1, 3): ('1', [60, 10, 20, 40]), (1, 1): ('3', [10, 10, 20, 40])}, cells)
        require(len(list((d / 'out').glob('*.png'))) == 24 and len(list((d / 'out').glob('*.txt'))) == 25)
        for r in records:
            if r is page:
                continue
            name = r['image'][len('images/'):].replace('/', '+').rsplit('.', 1)[0]
            _, cells = read_dsbi(d / f'out/{name}+recto.txt', False)
            require(list(cells.values()) == [(c, b) for c, b in zip(r['cells'], r['boxes'])], r, cells)
        # and by the import: the same pages again
        run('import', 'dsbi', d / 'out', '-o', d / 'again', '-q')
        again = {r['id']: r for r in jsonl(d / 'again/manifest.jsonl')}
        require(len(again) == 25)
        for r in (page, verso):
            got = again[f'{stem}+{r["side"]}']
            require(got['cells'] == r['cells'] and got['boxes'] == r['boxes'] and got['places'] == r['places'], got)
        require(again[f'{stem}+recto']['image'] == again[f'{stem}+verso']['image'])


def case_dsbi_none():
    """What DSBI cannot tell is left out with a reason."""
    with folder() as d:
        records = sets.make(d / 'set', {'number': 5})
        records[0]['boxes'] = None
        records[1]['cells'] = records[1]['boxes'] = None
        records[2]['type'] = 'page'
        records[3]['boxes'] = [[50, 10, 20, 40], [10, 10, 20, 40]]  # the second cell left of the first
        sets.write(d / 'set', records)
        r = run('export', 'dsbi', d / 'set', '-o', d / 'out', '--json', '-q')
        require(r.json['records'] == 1 and r.json['skipped'] == 4, r.json)
        why = {s['id']: s['why'] for s in jsonl(d / 'out/skipped.jsonl')}
        require(list(why) == [x['id'] for x in records[:4]], why)
        require('boxes' in why['n0000'] and 'rows and columns' in why['n0002'] and 'grid' in why['n0003'], why)
        require(all(f'left out {k}: ' in r.error for k in why), r.error)


def case_pictures():
    """Missing, changed and broken pictures: told, left out, and the rest goes on, in every form."""
    with folder() as d:
        records = sets.make(d / 'set', {'number': 6})
        (d / 'set' / records[0]['image']).unlink()
        with open(d / 'set' / records[1]['image'], 'ab') as f:
            f.write(b'x')
        broken = (d / 'set' / records[2]['image']).read_bytes()[:90]
        (d / 'set' / records[2]['image']).write_bytes(broken)
        records[2]['sha256'] = hashlib.sha256(broken).hexdigest()
        records[3]['image'] = 'images'
        sets.write(d / 'set', records)
        for form in ('chinese-clip', 'webdataset', 'imagefolder', 'coco', 'dsbi'):
            r = run('export', form, d / 'set', '-o', d / form, '--json', '-q')
            require(r.json['records'] == 2 and r.json['skipped'] == 4, r.json)
            why = {s['id']: s['why'] for s in jsonl(d / form / 'skipped.jsonl')}
            require(list(why) == ['n0000', 'n0001', 'n0002', 'n0003'], why)
            require('not the picture that was labelled' in why['n0001'] and 'No such file' in why['n0000'], why)
            require(len(r.error.strip().splitlines()) == 4, r.error)
            require(json.loads((d / form / 'export.json').read_text())['records'] == 2)
        sets.write(d / 'set', records[:2])
        run('export', 'coco', d / 'set', '-o', d / 'none', '-q', code=65, says='no record')
        require(not (d / 'none').exists() and not (d / 'none.partial').exists())


def case_turned():
    """A JPEG that only EXIF turns is written as it is seen."""
    with folder() as d:
        records = sets.make(d / 'set', {'number': 1})
        data = (HERE.parent / 'data/image/grey-orientation6.jpg').read_bytes()
        (d / 'set/images/t.jpg').write_bytes(data)
        records[0].update(image='images/t.jpg', sha256=hashlib.sha256(data).hexdigest())
        sets.write(d / 'set', records)
        run('export', 'coco', d / 'set', '-o', d / 'out', '-q')
        image = json.loads((d / 'out/annotations/instances_train.json').read_text())['images'][0]
        rows, _ = sets.unpng((d / 'out/images' / image['file_name']).read_bytes())
        require((len(rows[0]), len(rows)) == (image['width'], image['height']), image)


def case_same():
    """The same bytes at any number of jobs, and again."""
    with folder() as d:
        make(d / 'set')
        for form in ('chinese-clip', 'webdataset', 'imagefolder', 'coco', 'dsbi'):
            run('export', form, d / 'set', '-o', d / f'{form}1', '--jobs', 1, '-q')
            run('export', form, d / 'set', '-o', d / f'{form}4', '--jobs', 4, '-q')
            one = sets.checksums(d / f'{form}1')
            require(one == sets.checksums(d / f'{form}4') and len(one) > 3, form)
            require('card.md' in one and '.braille-dataset-export' not in one, list(one))


def case_place():
    """What is there stays unless it is an export and --force is given; what a kill left is cleared away."""
    with folder() as d:
        make(d / 'set')
        run('export', 'coco', d / 'set', '-o', d / 'out', '-q')
        before = sets.checksums(d / 'out')
        run('export', 'dsbi', d / 'set', '-o', d / 'out', '-q', code=73, says='--force')
        require(sets.checksums(d / 'out') == before)
        run('export', 'dsbi', d / 'set', '-o', f'{d}/out/', '-q', '--force')
        require(not (d / 'out/annotations').exists() and list((d / 'out').glob('*+recto.txt')))
        require(not (d / 'out.partial').exists())
        # a folder of someone's own is never replaced, a file neither
        (d / 'mine').mkdir()
        (d / 'mine/thesis.tex').write_text('years of work')
        run('export', 'coco', d / 'set', '-o', d / 'mine', '-q', '--force', code=73, says='no export')
        run('export', 'coco', d / 'set', '-o', d / 'set', '-q', '--force', code=73, says='no export')
        run('export', 'coco', d / 'set', '-o', d / 'set/manifest.jsonl', '-q', '--force', code=73)
        require((d / 'mine/thesis.tex').read_text() == 'years of work' and (d / 'set/manifest.jsonl').exists())
        (d / 'mine/export.json').write_text('{"made_by": "webpack 5"}')
        run('export', 'coco', d / 'set', '-o', d / 'mine', '-q', '--force', code=73, says='no export')
        require((d / 'mine/thesis.tex').exists())
        (d / 'theirs.partial').mkdir()
        (d / 'theirs.partial/export.json').write_text('{"theirs": 1}')
        run('export', 'coco', d / 'set', '-o', d / 'theirs', '-q', code=73, says='in the way')
        require((d / 'theirs.partial/export.json').exists())
        (d / 'other.partial').mkdir()
        (d / 'other.partial/notes').write_text('x')
        run('export', 'coco', d / 'set', '-o', d / 'other', '-q', code=73, says='in the way')
        require((d / 'other.partial/notes').exists())
        (d / 'killed.partial/images').mkdir(parents=True)
        (d / 'killed.partial/.braille-dataset-export').write_text('')
        (d / 'killed.partial/images/half.png').write_text('')
        run('export', 'coco', d / 'set', '-o', d / 'killed', '-q')
        require(not (d / 'killed/images/half.png').exists() and not (d / 'killed.partial').exists())
        (d / 'empty').mkdir()
        run('export', 'coco', d / 'set', '-o', d / 'empty', '-q')
        run('export', 'coco', d / 'set', '-o', d / 'no/where', '-q', code=73)


def case_ends():
    """Usage, a full disk, an interruption: an exit code, a line, and nothing left behind."""
    with folder() as d:
        make(d / 'set')
        require('chinese-clip' in run('export', '--help').text)
        for words in (['export'], ['export', 'coco', d / 'set'], ['export', 'coco', '-o', d / 'x'],
                      ['export', 'coco', d / 'set', d / 'set', '-o', d / 'x']):
            p = subprocess.run([str(DATASET), *map(str, words)], capture_output=True)
            require(p.returncode == 64 and b'usage' in p.stderr, words, p.stderr)
        run('export', 'voc', d / 'set', '-o', d / 'x', code=64, says="no format 'voc'")
        run('export', 'webdataset', d / 'set', '-o', d / 'x', '--shard-size', '0', code=64)
        run('export', 'imagefolder', d / 'set', '-o', d / 'x', '--metadata', 'xml', code=64)
        run('export', 'coco', d / 'nothing', '-o', d / 'x', code=66)
        (d / 'plain').mkdir()
        run('export', 'coco', d / 'plain', '-o', d / 'x', code=66, says='manifest.jsonl')
        (d / 'plain/manifest.jsonl').write_text('{"id":"a","image":"../../etc/passwd"}\n')
        run('export', 'coco', d / 'plain', '-o', d / 'x', code=65, says='line 1')
        sets.write(d / 'plain', [{'id': i, 'image': 'x.png'} for i in 'aba'])
        run('export', 'coco', d / 'plain', '-o', d / 'x', code=65, says='the same id')

        def full():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        for form in ('chinese-clip', 'webdataset', 'imagefolder', 'coco', 'dsbi'):
            r = run('export', form, d / 'set', '-o', d / 'x', '-q', code=74, preexec=full)
            require(len(r.error.strip().splitlines()) == 1 and 'File too large' in r.error, r.error)
            require(not (d / 'x').exists() and not (d / 'x.partial').exists(), form)

        # as many records of one picture as keep it busy until the signal comes
        record = jsonl(d / 'set/manifest.jsonl')[4]
        sets.write(d / 'set', [dict(record, id=f'r{i}') for i in range(20000)])
        p = subprocess.Popen([str(DATASET), 'export', 'webdataset', str(d / 'set'), '-o', str(d / 'x')], stderr=subprocess.PIPE)
        while not list(d.glob('x.partial/*.tar')):
            require(p.poll() is None, 'it ended before it was interrupted')
        p.send_signal(signal.SIGINT)
        error = p.communicate(timeout=60)[1].decode()
        require(p.returncode == 130 and 'interrupted' in error, p.returncode, error)
        require(not (d / 'x').exists() and not (d / 'x.partial').exists())


if __name__ == '__main__':
    main({name[5:]: f for name, f in list(globals().items()) if name.startswith('case_')})
