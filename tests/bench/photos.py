#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""photos.py BUILD OUT [OPTION of braillectl read ...]: photographs of braille, read and scored; and pictures without braille.

Reads the val lists of ../shared/data/angelina-train (Ovodov, ICCV Workshops 2021; not redistributed), which nothing was trained on, with
BUILD/tools/braillectl into OUT, and scores the front side with BUILD/tools/braille-eval. A photograph that cannot be read counts as one
without cells. Then its pictures without braille: what is said about each, "read" being what should not be.

--every N takes every N-th picture; --again keeps what OUT has from an earlier run and only scores.
"""
import argparse
import json
import pathlib

from dsbi import SHARED, evaluate, read

PHOTOS = SHARED / 'angelina-train'
PARTS = ('books', 'handwritten')


def size(path):
    """Width and height of a JPEG."""
    data = path.read_bytes()
    at = 2
    while data[at + 1] not in (0xC0, 0xC1, 0xC2):
        at += 2 + int.from_bytes(data[at + 2:at + 4], 'big')
    return int.from_bytes(data[at + 7:at + 9], 'big'), int.from_bytes(data[at + 5:at + 7], 'big')


def read_part(a, part):
    names = (PHOTOS / part / 'val.txt').read_text().split('\n')
    failed = []
    for name in [n.strip().replace('\\', '/') for n in names if n.strip()][::a.every]:
        out = (a.out / part / name).with_suffix('.json')
        if a.again and out.exists():
            continue
        why = read(a.build, PHOTOS / part / name, out, *a.words)
        if why:
            failed.append(f'{name}: {why}')
            width, height = size(PHOTOS / part / name)
            out.write_text(json.dumps({'page': {'width': width, 'height': height}, 'cells': []}))
    return failed


def row(name, o):
    c, d = o['cell'], o['dot']
    ci = '{:.4f}-{:.4f}'.format(*c['ci95']['f1']) if 'ci95' in c else ''
    return f"{name:28} {o['pages']:4}  {d['f1']:.4f}  {c['p']:.4f} {c['r']:.4f} {c['f1']:.4f} {ci:13}  {c['there']:6}"


def no_braille(a):
    made_up = 0
    for path in sorted((PHOTOS / 'not_braille').glob('*.jpg'))[::a.every]:
        out = a.out / 'not_braille' / (path.stem + '.json')
        why = read(a.build, path, out, *a.words)
        if not why:
            cells = json.loads(out.read_text())['cells']
            p = sorted(c['p'] for c in cells)
            made_up += bool(cells)
            why = f'READ: {len(cells)} cells, p of the middle one {p[len(p) // 2]:.3f}' if cells else 'read as a page without cells'
        print(f'  {path.name:28} {why[:120]}')
    print('pictures without braille that were read as braille:', made_up)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('build', type=pathlib.Path)
    args.add_argument('out', type=pathlib.Path)
    args.add_argument('--every', type=int, default=1)
    args.add_argument('--again', action='store_true')
    a, a.words = args.parse_known_args()
    if not PHOTOS.exists():
        raise SystemExit(f'NO PHOTOGRAPHS in {PHOTOS}')
    for part in PARTS:
        for line in read_part(a, part):
            print('  not read:', line[:150])
    print(f"{'photographs, front side':28} {'n':>4}  dot F1  cell P R      F1     {'95 %':13}  {'cells':>6}")
    for part in PARTS:
        got = evaluate(a.build, PHOTOS / part, a.out / part, '--skip-missing')
        for book, o in got['books'].items():
            print(row(f'{part}/{book}', o['recto']))
        print(row(part, got['recto']))
    no_braille(a)


if __name__ == '__main__':
    main()
