#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""degraded.py BUILD OUT [OPTION of braillectl read ...]: DSBI's pages spoilt as scanners and phones spoil them, read and scored; and laid down
in five ways.

Makes of each page a picture a kind (below) with the recto's truth as boxes, reads it with BUILD/tools/braillectl and scores it with
BUILD/tools/braille-eval. What cannot be read counts as a page without cells. Everything drawn by lot follows from the page's name. Then
every page turned by 0, 90, 180, 270 degrees and mirrored: how often the report names that placement (a page without a recto lies there
with its verso). Needs opencv and numpy.

--every N takes every N-th page, --only KIND,... some kinds, --no-turns leaves out the placements, --turns-only the kinds;
--corrections FILE scores against corrected labels; --keep leaves the pictures in OUT.
"""
import argparse
import csv
import json
import math
import pathlib
import shutil
import zlib

import cv2
import numpy as np

from dsbi import Annotation, annotation_path, evaluate, pages, read


def plain(picture, lot):
    return picture, lambda p: p


def dpi100(picture, lot):
    h, w = picture.shape
    small = cv2.resize(picture, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    return small, lambda p: p * (small.shape[1] / w, small.shape[0] / h)


def jpeg30(picture, lot):
    return cv2.imdecode(cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_GRAYSCALE), lambda p: p


def noise(picture, lot):
    return as_bytes(picture + lot.normal(0, 12, picture.shape)), lambda p: p


def low_light(picture, lot):
    """A fifth of the light and less to one side, and the noise of a sensor that has little."""
    h, w = picture.shape
    share = np.linspace(0.28, 0.12, w, dtype=np.float32) * np.linspace(1.1, 0.9, h, dtype=np.float32)[:, None]
    dark = picture * share
    return as_bytes(dark + lot.normal(0, 1, picture.shape) * np.sqrt(0.5 + dark / 20)), lambda p: p


def turned(deg):
    def turn(picture, lot):
        h, w = picture.shape
        m = cv2.getRotationMatrix2D((w / 2, h / 2), deg, 1)
        c, s = abs(m[0, 0]), abs(m[0, 1])
        size = math.ceil(h * s + w * c), math.ceil(h * c + w * s)
        m[:, 2] += (size[0] - w) / 2, (size[1] - h) / 2
        out = cv2.warpAffine(picture, m, size, flags=cv2.INTER_CUBIC, borderValue=int(np.median(picture)))
        return out, lambda p: p @ m[:, :2].T + m[:, 2]
    return turn


def phone(picture, lot):
    """A page that is a little curled on a dark table, from a phone held by hand: corners moved by up to 6 % of the side."""
    h, w = picture.shape
    bend = 0.008 * h * lot.choice((-1, 1))
    room = np.float32([0.08 * w, 0.08 * h])
    corners = np.float32([[0, 0], [w, 0], [w, h], [0, h]])
    moved = corners + room + lot.uniform(-0.06, 0.06, (4, 2)).astype(np.float32) * (w, h)
    m = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    size = int(w + 2 * room[0]), int(h + 2 * room[1])

    def forward(p):
        q = np.stack([p[:, 0], p[:, 1] + bend * np.sin(np.pi * p[:, 0] / w)], 1)
        return cv2.perspectiveTransform(q[None], m)[0]
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float64), np.arange(size[1], dtype=np.float64))
    flat = cv2.perspectiveTransform(np.stack([x, y], -1).reshape(1, -1, 2), np.linalg.inv(m)).reshape(size[1], size[0], 2)
    flat[..., 1] -= bend * np.sin(np.pi * np.clip(flat[..., 0], 0, w) / w)
    out = cv2.remap(picture, flat[..., 0].astype(np.float32), flat[..., 1].astype(np.float32), cv2.INTER_CUBIC, borderValue=50)
    return as_bytes(cv2.GaussianBlur(out, (0, 0), 0.6) + lot.normal(0, 3, out.shape)), forward


KINDS = {'as it is': plain, '100 dpi': dpi100, 'jpeg 30': jpeg30, 'noise': noise, 'low light': low_light, 'turned +5': turned(5), 'turned -5': turned(-5),
         'phone': phone}
# clockwise, as the report has it
TURNS = {'0': lambda p: p, '90': lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE), '180': lambda p: cv2.rotate(p, cv2.ROTATE_180),
         '270': lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE), 'mirrored': lambda p: cv2.flip(p, 1)}


def as_bytes(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def corrections(path):
    if not path:
        return {}
    with open(path, encoding='utf8') as f:
        rows = csv.DictReader((line for line in f if not line.startswith('#')), delimiter='\t')
        return {(r['page'], r['side'], int(r['row']), int(r['column'])): r['corrected'] for r in rows}


def boxes(note, changed, name, size, forward, new_size):
    """The recto's cells in the spoilt picture, as lines of boxes with the rule's margin."""
    cells = dict(note.cells)
    cells.update({k[2:]: v for k, v in changed.items() if k[:2] == (name, 'recto')})
    lines = []
    for (row, column), dots in cells.items():
        if dots.strip('0') == '':
            continue
        d = forward(np.float64(note.dots(row, column, size)))
        across = np.hypot(*(d[3:] - d[:3]).T).mean()
        down = (np.hypot(*(d[2] - d[0])) + np.hypot(*(d[5] - d[3]))) / 2
        (x, y), a = d.mean(0), (across + down / 2) / 2
        edges = (x - 0.8 * a) / new_size[0], (y - 1.3 * a) / new_size[1], (x + 0.8 * a) / new_size[0], (y + 1.3 * a) / new_size[1]
        lines.append(';'.join(f'{v:.7f}' for v in edges) + f";{sum(1 << int(k) - 1 for k in dots)}")
    return '\n'.join(lines) + '\n'


def spoil(a, page, kind):
    """Picture and truth of a page in OUT, read. -> why it was not read."""
    note = Annotation.load(annotation_path(page, 'recto'))
    picture = cv2.imread(str(page), cv2.IMREAD_GRAYSCALE)
    out, forward = KINDS[kind](picture, np.random.default_rng(zlib.crc32(f'{page.stem} {kind}'.encode())))
    base = a.out / kind.replace(' ', '-')
    truth, made, reading = base / 'truth' / page.parent.name, base / 'made', base / 'read' / page.parent.name
    for folder in (truth, made, reading):
        folder.mkdir(parents=True, exist_ok=True)
    (truth / f'{page.stem}.csv').write_text(boxes(note, a.changed, page.stem, picture.shape[::-1], forward, out.shape[::-1]))
    name = made / f'{page.stem}.png'
    cv2.imwrite(str(name), out)
    why = read(a.build, name, reading / f'{page.stem}.json', *a.words)
    if why:
        (reading / f'{page.stem}.json').write_text(json.dumps({'page': {'width': out.shape[1], 'height': out.shape[0]}, 'cells': []}))
    if not a.keep:
        name.unlink()
    return why


def score(a):
    print(f"{'recto':10} {'pages':>5}  dot F1  cell P R      F1     {'95 %':13}  worst page")
    for kind in [k for k in KINDS if not a.only or k in a.only]:
        base = a.out / kind.replace(' ', '-')
        shutil.rmtree(base, ignore_errors=True)
        lost = {}
        for page in a.pages:
            if Annotation.load(annotation_path(page, 'recto')).cells:
                why = spoil(a, page, kind)
                if why:
                    lost[page.stem] = why
        got = evaluate(a.build, base / 'truth', base / 'read')['recto']
        each = {p.stem: evaluate(a.build, p, base / 'read' / p.parent.name / f'{p.stem}.json')['recto']['cell']['f1'] for p in (base / 'truth').glob('*/*.csv')}
        worst = min(each, key=each.get)
        c = got['cell']
        ci = '{:.4f}-{:.4f}'.format(*c['ci95']['f1']) if 'ci95' in c else ''
        print(f"{kind:10} {got['pages']:5}  {got['dot']['f1']:.4f}  {c['p']:.4f} {c['r']:.4f} {c['f1']:.4f} {ci:13}  {worst} {each[worst]:.4f}", flush=True)
        for name, why in lost.items():
            print(f'    not read: {name}: {why[:120]}')


def lay(a):
    """Each page in five placements."""
    right, wrong = dict.fromkeys(TURNS, 0), []
    made, reading = a.out / 'turn.png', a.out / 'turn.json'
    for page in a.pages:
        side = 'recto' if Annotation.load(annotation_path(page, 'recto')).cells else 'verso'
        picture = cv2.imread(str(page), cv2.IMREAD_GRAYSCALE)
        for name, turn in TURNS.items():
            cv2.imwrite(str(made), turn(picture))
            why = read(a.build, made, reading, '--side', side, *a.words)
            got = {} if why else json.loads(reading.read_text())['page']
            want = (0, True) if name == 'mirrored' else (int(name), False)
            if (got.get('orientation'), got.get('mirrored')) == want:
                right[name] += 1
            else:
                wrong.append(f"{page.stem} {name}: {why or (got['orientation'], 'mirrored' if got['mirrored'] else '')}")
            reading.unlink(missing_ok=True)
    made.unlink(missing_ok=True)
    print('placements found right of', len(a.pages), 'pages:', ', '.join(f'{k} {v}' for k, v in right.items()))
    for line in wrong:
        print('    wrong:', line[:140])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('build', type=pathlib.Path)
    args.add_argument('out', type=pathlib.Path)
    args.add_argument('--every', type=int, default=1)
    args.add_argument('--only', type=lambda s: s.split(','))
    args.add_argument('--corrections')
    args.add_argument('--keep', action='store_true')
    args.add_argument('--no-turns', action='store_true')
    args.add_argument('--turns-only', action='store_true')
    a, a.words = args.parse_known_args()
    a.pages, a.changed = pages()[::a.every], corrections(a.corrections)
    if not a.pages:
        raise SystemExit('NO DSBI PAGES: set BRAILLED_DSBI')
    a.out.mkdir(parents=True, exist_ok=True)
    if not a.turns_only:
        score(a)
    if not a.no_turns:
        lay(a)


if __name__ == '__main__':
    main()
