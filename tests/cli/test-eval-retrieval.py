#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-eval retrieval: embeddings and every figure against NumPy, on sets with a random network; what is refused."""
import csv
import hashlib
import io
import json
import math
import os
import pathlib
import random
import subprocess

from harness import folder, main, need, require
from reference import splitmix

EVAL = os.environ['BRAILLE_EVAL']
WEIGHTS = pathlib.Path(__file__).parents[2] / 'models/weights'
WIDTH, HEIGHT, PATCH = 24, 16, 8
LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz。—'
KS = (1, 2, 3, 7, 50)


def evaluate(*words, code=0, says='', **more):
    p = subprocess.run([EVAL, 'retrieval', *map(str, words)], capture_output=True, timeout=250, **more)
    error = p.stderr.decode()
    require(p.returncode == code and says in error, words, 'ended with', p.returncode, error[-400:])
    require(code == 0 or error.strip().splitlines()[-1].startswith('braille-eval retrieval: '), 'no word about the failure', error)
    return p.stdout.decode()


# ---- a network ----

def network(lot):
    """Random weights of a small CLIP, {name: array of float16 values}, and its configuration."""
    c = dict(model='clip', fit='stretch', width=WIDTH, height=HEIGHT, patch=PATCH, vision_width=32, vision_layers=2, vision_heads=2, embed=16, text_width=24,
             text_layers=2, text_heads=2, text_ffn=48, max_text=10, vocab=['[PAD]', '[CLS]', '[SEP]', *LETTERS], px_per_pitch=1.0)
    d, h, shapes = c['vision_width'], c['text_width'], {}
    n = WIDTH // PATCH * (HEIGHT // PATCH)
    shapes.update({'visual.conv1.weight': (d, 1, PATCH, PATCH), 'visual.class_embedding': (d,), 'visual.positional_embedding': (1 + n, d),
                   'visual.proj': (d, c['embed']), 'text_projection': (h, c['embed']), 'bert.embeddings.word_embeddings.weight': (len(c['vocab']), h),
                   'bert.embeddings.position_embeddings.weight': (c['max_text'], h), 'bert.embeddings.token_type_embeddings.weight': (2, h)})
    norms = ['visual.ln_pre', 'visual.ln_post']
    for i in range(c['vision_layers']):
        at = f'visual.transformer.resblocks.{i}.'
        shapes.update({at + 'attn.in_proj_weight': (3 * d, d), at + 'attn.in_proj_bias': (3 * d,), at + 'attn.out_proj.weight': (d, d),
                       at + 'attn.out_proj.bias': (d,), at + 'mlp.c_fc.weight': (4 * d, d), at + 'mlp.c_fc.bias': (4 * d,), at + 'mlp.c_proj.weight': (d, 4 * d),
                       at + 'mlp.c_proj.bias': (d,)})
        norms += [at + 'ln_1', at + 'ln_2']
    for i in range(c['text_layers']):
        at = f'bert.encoder.layer.{i}.'
        for part in ('query', 'key', 'value'):
            shapes.update({f'{at}attention.self.{part}.weight': (h, h), f'{at}attention.self.{part}.bias': (h,)})
        shapes.update({at + 'attention.output.dense.weight': (h, h), at + 'attention.output.dense.bias': (h,), at + 'intermediate.dense.weight': (c['text_ffn'], h),
                       at + 'intermediate.dense.bias': (c['text_ffn'],), at + 'output.dense.weight': (h, c['text_ffn']), at + 'output.dense.bias': (h,)})
        norms += [at + 'attention.output.LayerNorm', at + 'output.LayerNorm']
    norms += ['bert.embeddings.LayerNorm']
    tensors = {k: lot.normal(0, shape[-1] ** -0.5 if len(shape) > 1 else 0.1, shape) for k, shape in shapes.items()}
    for k in norms:
        size = h if k.startswith('bert') else d
        tensors[k + '.weight'], tensors[k + '.bias'] = lot.normal(1, 0.1, size), lot.normal(0, 0.1, size)
    return {k: v.astype('<f2') for k, v in tensors.items()}, c


def save(path, tensors, config):
    """safetensors."""
    head, at = {'__metadata__': {'brailled': json.dumps(config)}}, 0
    for k, v in tensors.items():
        head[k] = dict(dtype='F16', shape=v.shape, data_offsets=[at, at + v.nbytes])
        at += v.nbytes
    text = json.dumps(head).encode()
    text += b' ' * (-len(text) % 64)
    path.write_bytes(len(text).to_bytes(8, 'little') + text + b''.join(v.tobytes() for v in tensors.values()))
    return path


class Reference:
    """Both towers in NumPy, in double."""

    def __init__(self, np, tensors, config):
        self.np, self.c, self.w = np, config, {k: v.astype('float64') for k, v in tensors.items()}

    def norm(self, x, name, eps):
        x = x - x.mean(-1, keepdims=True)
        return x / self.np.sqrt((x * x).mean(-1, keepdims=True) + eps) * self.w[name + '.weight'] + self.w[name + '.bias']

    def linear(self, x, name):
        return x @ self.w[name + '.weight'].T + self.w[name + '.bias']

    def attend(self, q, k, v, heads):
        np = self.np
        cut = lambda x: x.reshape(len(x), heads, -1).transpose(1, 0, 2)
        q, k, v = cut(q), cut(k), cut(v)
        s = np.exp(q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[2]))
        return (s / s.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(q.shape[1], -1)

    def length_1(self, x):
        return x / self.np.linalg.norm(x)

    def picture(self, img):
        np, w, c = self.np, self.w, self.c
        from PIL import Image
        x = np.asarray(img.convert('L').resize((c['width'], c['height']), Image.BICUBIC), 'float64')
        x = (x - x.mean()) / max(x.std(), 8)
        p, d = c['patch'], c['vision_width']
        patches = x.reshape(c['height'] // p, p, c['width'] // p, p).transpose(0, 2, 1, 3).reshape(-1, p * p)
        x = np.vstack([w['visual.class_embedding'], patches @ w['visual.conv1.weight'].reshape(d, -1).T]) + w['visual.positional_embedding']
        x = self.norm(x, 'visual.ln_pre', 1e-5)
        for i in range(c['vision_layers']):
            at = f'visual.transformer.resblocks.{i}.'
            qkv = self.norm(x, at + 'ln_1', 1e-5) @ w[at + 'attn.in_proj_weight'].T + w[at + 'attn.in_proj_bias']
            x = x + self.linear(self.attend(*np.split(qkv, 3, 1), c['vision_heads']), at + 'attn.out_proj')
            y = self.linear(self.norm(x, at + 'ln_2', 1e-5), at + 'mlp.c_fc')
            x = x + self.linear(y / (1 + np.exp(-1.702 * y)), at + 'mlp.c_proj')
        return self.length_1(self.norm(x[0], 'visual.ln_post', 1e-5) @ w['visual.proj'])

    def text(self, text):
        np, w, c = self.np, self.w, self.c
        ids = [1, *(c['vocab'].index(s) for s in text), 2]
        e = 'bert.embeddings.'
        x = w[e + 'word_embeddings.weight'][ids] + w[e + 'position_embeddings.weight'][:len(ids)] + w[e + 'token_type_embeddings.weight'][0]
        x = self.norm(x, e + 'LayerNorm', 1e-12)
        erf = np.vectorize(math.erf)
        for i in range(c['text_layers']):
            at = f'bert.encoder.layer.{i}.'
            q, k, v = (self.linear(x, f'{at}attention.self.{p}') for p in ('query', 'key', 'value'))
            x = self.norm(x + self.linear(self.attend(q, k, v, c['text_heads']), at + 'attention.output.dense'), at + 'attention.output.LayerNorm', 1e-12)
            y = self.linear(x, at + 'intermediate.dense')
            x = self.norm(x + self.linear(y * (1 + erf(y / math.sqrt(2))) / 2, at + 'output.dense'), at + 'output.LayerNorm', 1e-12)
        return self.length_1(x[0] @ w['text_projection'])


# ---- a set ----

def made(path, lot, n=90, n_texts=30):
    """Pictures of noise, some of them twice, some turned; texts that several share and texts that only the test split has."""
    from PIL import Image
    np = need('numpy')
    (path / 'images').mkdir(parents=True)
    texts = {}
    while len(texts) < n_texts:
        kind = lot.choice(('number', 'spell', 'punctuation'))
        texts.setdefault(''.join(lot.choices(LETTERS, k=lot.randint(1, 8))), kind)
    rows, last = [], None
    for i in range(n):
        test = i % 3 == 0
        text = lot.choice(list(texts)[:n_texts if test else 2 * n_texts // 3])
        size = (lot.randint(3, 90), lot.randint(3, 60))
        mode = lot.choice(('L', 'RGB', 'P'))
        img = Image.fromarray(np.random.default_rng(lot.randrange(10**6)).integers(0, 256, (size[1], size[0], 3), 'uint8'))
        img = img.convert(mode) if lot.random() < 0.9 or last is None else last
        last = img
        name = f'images/{i}.png'
        img.save(path / name)
        rows.append(dict(id=f'p{i}', image=name, sha256=hashlib.sha256((path / name).read_bytes()).hexdigest() if lot.random() < 0.8 else None, type=texts[text],
                         text=text, parent=f'p{i - 3}' if i > 3 and lot.random() < 0.3 else None, split='test' if test else lot.choice(('train', 'train', 'val', None))))
    (path / 'manifest.jsonl').write_text(''.join(json.dumps(r, ensure_ascii=False) + '\n' for r in rows))
    return rows


def image_of(path, row):
    from PIL import Image
    with Image.open(path / row['image']) as img:
        return img.copy()


# ---- figures, as cn_clip's evaluation.py and evaluation_tr.py count them ----

def recalls(order, right, ks):
    """order[q]: gallery from the best on; right[q]: what is right. Share of queries with one of those among the first k."""
    return {k: sum(any(a in right[q] for a in o[:k]) for q, o in enumerate(order)) / len(order) if len(order) else None for k in ks}


def sorted_by(dots):
    return [sorted(range(len(row)), key=lambda i: (-row[i], i)) for row in dots]


def elect(names, dots, vote):
    """Who has the most votes, by the rules of docs/retrieval.md."""
    votes, weight = {}, {}
    for name, dot in zip(names, dots):
        votes[name] = votes.get(name, 0) + 1
        weight[name] = weight.get(name, 0) + math.exp((dot - dots[0]) / 0.07)
    first = list(votes)
    return max(first, key=(lambda v: (votes[v], weight[v], -first.index(v))) if vote == 'majority' else (lambda v: (weight[v], -first.index(v))))


def root(rows, i):
    by_id = {r['id']: k for k, r in enumerate(rows)}
    while rows[i]['parent']:
        i = by_id[rows[i]['parent']]
    return i


def expected(np, rows, split, gallery, image, text, batch=7):
    """The whole JSON from embeddings: image[i] of each picture, text[name]."""
    side = [r['split'] or 'train' for r in rows]
    asks = [i for i in range(len(rows)) if split in ('all', side[i])]
    train = [i for i in range(len(rows)) if side[i] == 'train']
    seen = {rows[i]['text'] for i in train}
    known = list(dict.fromkeys(r['text'] for r in rows))
    asked = [t for t in known if any(rows[i]['text'] == t for i in asks)]
    texts = known if gallery == 'all' else asked
    type_of = {t: next(r['type'] for r in rows if r['text'] == t) for t in known}
    dots = lambda a, b: np.array([[float(sum(x * y)) for y in b] for x in a])
    of_text = [text[t].astype('float64') for t in texts]
    of_image = [image[i].astype('float64') for i in asks]
    i2t = dots(of_image, of_text)
    t2i = dots([text[t].astype('float64') for t in asked], of_image)
    order, text_order = sorted_by(i2t), sorted_by(t2i)
    right = [{texts.index(rows[i]['text'])} for i in asks]
    text_right = [{k for k, i in enumerate(asks) if rows[i]['text'] == t} for t in asked]
    to_train = dots(of_image, [image[i].astype('float64') for i in train])
    near = []
    for q, i in enumerate(asks):
        kin = {k for k, j in enumerate(train) if root(rows, j) == root(rows, i)}
        pictures = [(to_train[q][k], rows[train[k]]['text']) for k in sorted_by(to_train)[q] if k not in kin]
        both = sorted(pictures + [(i2t[q][k], texts[k]) for k in order[q]], key=lambda x: -x[0])
        near.append({'pictures': pictures, 'both': both})

    def direction(order, right, chosen):
        r = recalls([order[q] for q in chosen], [right[q] for q in chosen], (1, 5, 10, *KS))
        ranks = sorted(1 + min(order[q].index(a) for a in right[q]) for q in chosen)
        mean = lambda *k: sum(r[x] for x in k) / len(k) if chosen else None
        return dict(n=len(chosen), acc=r[1], r1=r[1], r5=r[5], r10=r[10], mean_r=mean(1, 5, 10), mean_r_1_5=mean(1, 5),
                    median_rank=float(np.median(ranks)) if ranks else None, recall={str(k): r[k] for k in KS})

    def group(is_in):
        pictures, words = [q for q, i in enumerate(asks) if is_in(rows[i]['text'])], [q for q, t in enumerate(asked) if is_in(t)]
        return dict(pictures=len(pictures), texts=len(words), image_to_text=direction(order, right, pictures), text_to_image=direction(text_order, text_right, words))

    def share(among, vote, k, is_in):
        chosen = [q for q, i in enumerate(asks) if is_in(rows[i]['text'])]
        hits = [elect([n for _, n in near[q][among][:k]], [d for d, _ in near[q][among][:k]], vote) == rows[asks[q]]['text'] for q in chosen]
        return sum(hits) / len(hits) if hits else None

    def in_batches():
        order, draw, right, back = list(range(len(asks))), splitmix(1), 0, 0
        for i in range(len(order), 1, -1):
            k = next(draw) % i
            order[i - 1], order[k] = order[k], order[i - 1]
        whole = len(order) // batch * batch
        for at in range(0, whole, batch):
            part = order[at:at + batch]
            name = lambda q: rows[asks[q]]['text']
            for q in part:
                right += name(max(part, key=lambda p: (i2t[q][texts.index(name(p))], -part.index(p)))) == name(q)
                back += name(max(part, key=lambda p: (t2i[asked.index(name(q))][p], -part.index(p)))) == name(q)
        return dict(size=batch, n=whole, acc=right / whole, text_to_image=dict(acc=back / whole))

    types = list(dict.fromkeys(r['type'] for r in rows))
    of_type = {t: (lambda w, t=t: type_of[w] == t) for t in types}
    own = [i2t[q][texts.index(rows[i]['text'])] for q, i in enumerate(asks)]
    knn = [dict(among=a, vote=v, k=k, acc=share(a, v, k, lambda w: True), types={t: share(a, v, k, of_type[t]) for t in types},
                seen=share(a, v, k, lambda w: w in seen), unseen=share(a, v, k, lambda w: w not in seen))
           for a in ('pictures', 'both') for v in ('majority', 'similarity') for k in KS]
    everything = group(lambda w: True)
    return dict(set='set', split=split, gallery=gallery, pictures=len(asks), texts=len(texts), **everything['image_to_text'], text_to_image=everything['text_to_image'],
                types={t: group(of_type[t]) for t in types}, seen=group(lambda w: w in seen), unseen=group(lambda w: w not in seen), train_pictures=len(train),
                knn=knn, batch=in_batches(), clip_score=100 * float(np.mean(own)), clipscore_2_5=float(np.mean([2.5 * max(x, 0) for x in own])))


def compare(got, want, at=''):
    if isinstance(want, dict):
        require(set(got) - {'model', 'device', 'seconds'} == set(want), at, 'has', sorted(got), 'not', sorted(want))
        for k in want:
            compare(got[k], want[k], f'{at}.{k}')
    elif isinstance(want, list):
        require(len(got) == len(want), at, len(got), len(want))
        for i, (a, b) in enumerate(zip(got, want)):
            compare(a, b, f'{at}[{i}]')
    elif isinstance(want, float):
        require(got is not None and abs(got - want) < 1e-8 * max(1, abs(want)), at, got, 'not', want)
    else:
        require(got == want, at, got, 'not', want)


def saved(np, d, name):
    lines = lambda f: [line.split('\t') for line in (d / f).read_text().splitlines()]
    x, t = np.load(d / f'{name}-pictures.npy'), np.load(d / f'{name}-texts.npy')
    pictures, texts = lines(f'{name}-pictures.tsv'), lines(f'{name}-texts.tsv')
    require(len(x) == len(pictures) and len(t) == len(texts), x.shape, t.shape)
    return dict(zip((p[0] for p in pictures), x)), dict(zip((p[0] for p in texts), t))


def case_figures():
    np = need('numpy')
    need('PIL.Image')
    lot = random.Random(7)
    with folder() as d:
        d = pathlib.Path(d)
        tensors, config = network(np.random.default_rng(3))
        clip = save(d / 'clip.safetensors', tensors, config)
        rows = made(d / 'set', lot)
        for split, gallery in (('test', 'split'), ('test', 'all'), ('train', 'split'), ('all', 'split'), ('val', 'all')):
            got = json.loads(evaluate(d / 'set', '--clip', clip, '--split', split, '--gallery', gallery, '--k', ','.join(map(str, reversed(KS))), '--save', d / 'e',
                                      '--batch', 7, '--json'))
            image, text = saved(np, d / 'e', 'set')
            want = expected(np, rows, split, gallery, [image.get(r['id']) for r in rows], text)
            compare(got, want)
            require(split == 'val' or (0 < want['r5'] < want['r10'] < 1 and (want['unseen']['pictures'] > 0) == (split != 'train')), 'the set shows nothing', want)
        # the network itself
        reference, worst = Reference(np, tensors, config), 0
        for r in rows:
            if r['id'] in image:
                worst = max(worst, abs(reference.picture(image_of(d / 'set', r)) - image[r['id']]).max())
        for t, x in text.items():
            worst = max(worst, abs(reference.text(t) - x).max())
        print('embeddings: at most', worst, 'from NumPy')
        require(worst < 2e-5, worst)
        # the long table says the same, the list too
        table = list(csv.DictReader(io.StringIO(evaluate(d / 'set', d / 'set', '--clip', clip, '--k', '1,50', '--csv', '-', '--list', d / 'list.tsv'))))
        got = json.loads(evaluate(d / 'set', '--clip', clip, '--k', '1,50', '--json'))
        value = lambda **k: [float(r['value']) for r in table if all(r[a] == b for a, b in k.items())]
        require(value(direction='image_to_text', group='all', figure='mean_r') == [got['mean_r']] * 2, value(direction='image_to_text', group='all', figure='mean_r'))
        require(value(direction='text_to_image', group='unseen', figure='recall', k='50') == [got['unseen']['text_to_image']['recall']['50']] * 2)
        require(value(group='all', figure='knn_both_similarity', k='50') == [next(x['acc'] for x in got['knn'] if (x['among'], x['vote'], x['k']) == ('both', 'similarity', 50))] * 2)
        listed = [line.split('\t') for line in (d / 'list.tsv').read_text().splitlines()]
        require(len(listed) == 2 * got['pictures'] and sum(r[5] == '1' for r in listed) == 2 * round(got['acc'] * got['pictures']), listed[:2])
        require(all((r[4] == r[6]) == (r[5] == '1') for r in listed), 'found and rank do not agree')
        words = evaluate(d / 'set', '--clip', clip, '--k', '3')
        require(f'{100 * got["mean_r"]:.2f} %' in words and 'of the 3 nearest training pictures' in words, words)


def case_chinese():
    """An imported Chinese-CLIP: RGB, of its own size, texts by pieces; its pictures are stretched as Pillow does it."""
    np = need('numpy')
    image = need('PIL.Image')
    lot = random.Random(3)
    clip = pathlib.Path(__file__).parents[1] / 'golden/data/chinese-clip.safetensors'
    head = clip.read_bytes()
    config = json.loads(json.loads(head[8:8 + int.from_bytes(head[:8], 'little')])['__metadata__']['brailled'])
    with folder() as d:
        d = pathlib.Path(d)
        rows = made(d / 'set', lot, 45, 20)
        got = json.loads(evaluate(d / 'set', '--clip', clip, '--k', ','.join(map(str, KS)), '--save', d / 'e', '--batch', 7, '--json'))
        pictures, texts = saved(np, d / 'e', 'set')
        compare(got, expected(np, rows, 'test', 'split', [pictures.get(r['id']) for r in rows], texts))
        for r in rows:  # stretched beforehand: nothing is left to do
            img = image_of(d / 'set', r).convert('RGB').resize((config['image'],) * 2, image.BICUBIC)
            img.save(d / 'set' / r['image'])
            r['sha256'] = None
        (d / 'set/manifest.jsonl').write_text(''.join(json.dumps(r, ensure_ascii=False) + '\n' for r in rows))
        evaluate(d / 'set', '--clip', clip, '--k', '1', '--save', d / 'f')
        again, _ = saved(np, d / 'f', 'set')
        require(len(again) == len(pictures) > 20 and all((again[k] == pictures[k]).all() for k in pictures), 'a picture was stretched otherwise')
        require(len({x.tobytes() for x in pictures.values()}) > 20, 'all pictures are alike')


def case_pairs():
    """Embeddings of any network as files; CLIP score by im2wav's and by Hessel's formula."""
    np = need('numpy')
    lot = np.random.default_rng(5)
    with folder() as d:
        d = pathlib.Path(d)
        for n, dim in ((2, 1), (40, 8), (60, 512)):
            a = lot.normal(size=(n, dim)) * lot.uniform(0.01, 50, (n, 1))
            b = a / np.abs(a).max() + lot.normal(size=(n, dim)) * 0.3
            a[n // 2] = a[0]  # twice the same
            np.save(d / 'a.npy', a.astype('float32'))
            np.savetxt(d / 'b.txt', b)
            got = json.loads(evaluate('--image-embeddings', d / 'a.npy', '--text-embeddings', d / 'b.txt', '--k', '2,7', '--json'))
            unit = lambda x: (x / np.linalg.norm(x, axis=1, keepdims=True)).astype('float32').astype('float64')
            x, y = unit(a.astype('float32').astype('float64')), unit(b)
            cos = (x * y).sum(1)
            require(abs(got['clip_score'] - 100 * cos.mean()) < 1e-6 and abs(got['clipscore_2_5'] - (2.5 * np.maximum(cos, 0)).mean()) < 1e-7, got, cos)
            for one, other, at in ((x, y, got), (y, x, got['text_to_image'])):
                order = sorted_by([[float(sum(p * q)) for q in other] for p in one])
                want = recalls(order, [{i} for i in range(n)], (1, 2, 5, 7, 10))
                for key, k in (('acc', 1), ('r1', 1), ('r5', 5), ('r10', 10)):
                    require(abs(at[key] - want[k]) < 1e-9, key, at, want)
                require(abs(at['recall']['2'] - want[2]) + abs(at['recall']['7'] - want[7]) < 1e-9 and at['n'] == n, at, want)
            require(got['types'] == {} and got['split'] is None and 'unseen' not in got and got['knn'] is None, got)
        np.save(d / 'c.npy', np.zeros((60, 512)))
        np.save(d / 'd.npy', np.ones((60, 511)))
        evaluate('--image-embeddings', d / 'a.npy', code=64, says='both')
        evaluate('--image-embeddings', d / 'a.npy', '--text-embeddings', d / 'b.txt', d, code=64, says='not for embeddings')
        evaluate('--image-embeddings', d / 'a.npy', '--text-embeddings', d / 'c.npy', code=65, says='row 1')
        evaluate('--image-embeddings', d / 'a.npy', '--text-embeddings', d / 'd.npy', code=65, says='511')
        evaluate('--image-embeddings', d / 'a.npy', '--text-embeddings', d / 'none', code=66)
        require('60 pairs' in evaluate('--image-embeddings', d / 'a.npy', '--text-embeddings', d / 'b.txt'), 'no words')


def case_errors():
    np = need('numpy')
    need('PIL.Image')
    lot = random.Random(1)
    with folder() as d:
        d = pathlib.Path(d)
        tensors, config = network(np.random.default_rng(3))
        clip = save(d / 'clip.safetensors', tensors, config)
        rows = made(d / 'set', lot, 12, 6)
        write = lambda changed: (d / 'set/manifest.jsonl').write_text(''.join(json.dumps(r) + '\n' for r in changed))
        evaluate(code=64, says='BIT-DIR')
        evaluate(d / 'set', code=64, says='--clip')
        evaluate(d / 'set', '--clip', WEIGHTS / 'clip.safetensors', code=65, says='single cells')
        evaluate(d / 'set', '--clip', WEIGHTS / 'hifigan.safetensors', code=69, says='hifigan')
        evaluate(d / 'set', '--clip', d / 'none', code=69, says='none')
        for ks in ('', '0', '1,,2', '257', '1,x', '-1', '1;2', ','.join(['1'] * 33)):
            evaluate(d / 'set', '--clip', clip, '--k', ks, code=64, says='--k takes')
        for n in ('', '1', '4097', '3x', '-2'):
            evaluate(d / 'set', '--clip', clip, '--batch', n, code=64, says='--batch takes')
        require(json.loads(evaluate(d / 'set', '--clip', clip, '--batch', 4096, '--json'))['batch']['acc'] is None, 'no batch is whole')
        evaluate(d / 'set', '--clip', clip, '--split', 'dev', code=64, says='--split takes')
        evaluate(d / 'set', '--clip', clip, '--gallery', 'x', code=64, says='--gallery takes')
        evaluate(d / 'set', '--clip', clip, '--json', '--csv', '-', code=64, says='only one of')
        evaluate(d / 'none', '--clip', clip, code=66)
        evaluate(d / 'set', d / 'set', '--clip', clip, '--save', d / 'e', code=64, says="called 'set'")
        evaluate(d / 'set', '--clip', clip, '--csv', d / 'none/x.csv', code=73)
        evaluate(d / 'set', '--clip', clip, '--save', d / 'none/x', code=73)
        with open('/dev/full', 'w') as full:
            p = subprocess.run([EVAL, 'retrieval', d / 'set', '--clip', clip], stdout=full, stderr=subprocess.PIPE, timeout=100)
        require(p.returncode == 74, p)
        write([dict(r, split='train') for r in rows])
        evaluate(d / 'set', '--clip', clip, code=65, says='braille-dataset split')
        write([dict(r, split=None) for r in rows])  # counts as train
        require(json.loads(evaluate(d / 'set', '--clip', clip, '--split', 'train', '--json'))['pictures'] == len(rows), 'no split is train')
        write([dict(r, text=None) for r in rows])
        evaluate(d / 'set', '--clip', clip, code=65, says='has no text')
        write([dict(r, text='Ж') for r in rows])
        evaluate(d / 'set', '--clip', clip, code=65, says='U+0416')
        write([dict(r, id='p0') for r in rows])
        evaluate(d / 'set', '--clip', clip, code=65, says="the id 'p0'")
        write([dict(r, sha256='0' * 64) for r in rows])
        evaluate(d / 'set', '--clip', clip, code=65, says='SHA-256')
        # pictures that are each other's parents: it ends
        write([dict(r, parent=rows[i - 1]['id'], split='train') for i, r in enumerate(rows)])
        evaluate(d / 'set', '--clip', clip, '--split', 'all', '--k', '1')
        for broken in (b'', b'not a picture', (d / 'set' / rows[0]['image']).read_bytes()[:40]):
            (d / 'set' / rows[0]['image']).write_bytes(broken)
            write([dict(r, sha256=None) for r in rows])
            evaluate(d / 'set', '--clip', clip, code=65, says='0.png')
        (d / 'set' / rows[0]['image']).unlink()
        evaluate(d / 'set', '--clip', clip, code=66, says='0.png')


main({k[5:]: v for k, v in globals().items() if k.startswith('case_')})
