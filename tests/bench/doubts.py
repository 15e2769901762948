#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""doubts.py READINGS OUT --eval BRAILLE-EVAL: pictures of every cell where a reading and DSBI's labels differ, for the eye to judge.

READINGS is a folder as braille-eval reading takes it. Writes OUT/doubts.tsv (a line a cell, sheet and number first) and OUT/sheet-01.png ...:
each cell as both its pictures show it, since a verso is also the recto of the sheet's other page (its mate). Every view is turned into
the order of that side's reader and made to look like bumps lit from the top; ticks at the edges point to the cell. Needs opencv and numpy.

--corrections FILE leaves out what FILE has judged already; --known also lists those.
"""
import argparse
import csv
import pathlib
import subprocess

import cv2
import numpy as np

from dsbi import DSBI, MIRROR, Annotation, annotation_path, pages

ZOOM, HALF = 3, (64, 44)  # of a view: pixels of the scan on each side of the cell's centre
COLUMNS, ROWS = 1, 5


def load(folder):
    found = {}
    for page in pages(folder):
        picture = cv2.imread(str(page), cv2.IMREAD_GRAYSCALE)
        found[f'{page.parent.name}/{page.stem}'] = picture, {s: Annotation.load(annotation_path(page, s)) for s in ('recto', 'verso')}
    return found


def mirrored(x, y):
    """-> (share of the cells of x that y has, mirrored; rows, columns to add). The grids may begin at different places."""
    best = (0, 0, 0)
    for dr in range(-3, 4):
        for dc in range(-4, 5):
            same = sum(y.cells.get((r + dr, x.n_columns + 1 - c + dc), '') == ''.join(sorted(d.translate(MIRROR))) for (r, c), d in x.cells.items())
            best = max(best, (same / max(len(x.cells), 1), dr, dc))
    return best


def find_mates(known):
    """{(page, side): (page of the sheet's other picture, side there, rows, columns to add)}: its verso has the cells of this recto, mirrored."""
    mates = {}
    for name, (_, notes) in known.items():
        book, number = name.rsplit('+', 1)
        other = f'{book}+{int(number) + 1}'
        for a, b in (('recto', 'verso'), ('verso', 'recto')) if other in known else ():
            x, y = notes[a], known[other][1][b]
            share, dr, dc = mirrored(x, y)
            if share > 0.9:
                mates[name, a] = other, b, dr, dc
                mates[other, b] = name, a, -dr, dc + x.n_columns - y.n_columns
    return mates


def place_of_mate(mates, known, name, side, row, column):
    """The same cell in the other picture -> (page, side, row, column), or None."""
    if (name, side) not in mates:
        return None
    other, other_side, dr, dc = mates[name, side]
    return other, other_side, row + dr, known[name][1][side].n_columns + 1 - column + dc


def view(picture, note, row, column, side, zoom=ZOOM):
    """A cell and what is around it, as that side's reader meets it."""
    size = picture.shape[::-1]
    d = note.dots(row, column, size)
    cx, cy = (d[0][0] + d[5][0]) / 2, (d[0][1] + d[5][1]) / 2
    # to_view: picture -> view, upright
    turn = cv2.getRotationMatrix2D((cx, cy), note.angle, zoom)
    turn[:, 2] += (HALF[0] * zoom - cx, HALF[1] * zoom - cy)
    out = cv2.warpAffine(picture, turn, (2 * HALF[0] * zoom, 2 * HALF[1] * zoom), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    out = out.astype(np.float32)
    low, high = np.percentile(out, (0.5, 99.5))
    out = np.clip((out - low) / max(high - low, 30), 0, 1) * 255
    points = [turn @ (x, y, 1) for x, y in d]
    if side == 'verso':
        out = cv2.flip(255 - out, 1)
        points = [(out.shape[1] - 1 - x, y) for x, y in points]
    out = cv2.cvtColor(out.astype(np.uint8), cv2.COLOR_GRAY2BGR)
    for x in {round(p[0]) for p in points}:
        for y0 in (0, out.shape[0] - 10):
            cv2.line(out, (x, y0), (x, y0 + 10), (0, 0, 255), 2)
    for y in {round(p[1]) for p in points}:
        for x0 in (0, out.shape[1] - 10):
            cv2.line(out, (x0, y), (x0 + 10, y), (0, 0, 255), 2)
    return out


def panel(known, mates, doubt):
    """Both views of a cell, side by side, with a line of words above."""
    picture, notes = known[doubt['page']]
    views = [view(picture, notes[doubt['side']], doubt['row'], doubt['column'], doubt['side'])]
    words = f"{doubt['n']}: {doubt['page'].split('/')[1]} {doubt['side']} r{doubt['row']} c{doubt['column']}  truth {doubt['truth']}  read {doubt['reading']}"
    mate = place_of_mate(mates, known, doubt['page'], doubt['side'], doubt['row'], doubt['column'])
    if mate:
        picture, others = known[mate[0]]
        views.append(view(picture, others[mate[1]], mate[2], mate[3], mate[1]))
        words += f"  | {mate[0].split('+')[-1]}{mate[1][0]} {doubt['mate']}"
    if len(views) == 1:
        views.append(np.full_like(views[0], 200))
    head = np.full((26, views[0].shape[1] * 2 + 4, 3), 255, np.uint8)
    cv2.putText(head, words, (4, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([head, np.hstack([views[0], np.full((views[0].shape[0], 4, 3), 255, np.uint8), views[1]])])


def listed(program, truth, readings):
    p = subprocess.run([program, 'reading', truth, readings, '--list', '--skip-missing'], capture_output=True, text=True, check=True)
    return list(csv.DictReader(p.stdout.splitlines(), delimiter='\t'))


def collect(lines, known, mates):
    """Places in the annotation's own numbers; a cell that both pages of a sheet name is one doubt."""
    doubts, seen = [], {}
    for line in lines:
        picture, notes = known[line['page']]
        note = notes[line['side']]
        row, column, far = note.nearest(float(line['x']), float(line['y']), picture.shape[::-1])
        d = {'page': line['page'], 'side': line['side'], 'row': row, 'column': column, 'truth': line['truth'], 'reading': line['reading'],
             'p': line['p'], 'off_px': round(far), 'mate': ''}
        if line['truth'] == '-' and note.cells.get((row, column)):
            d['truth'] = '(-)'  # a place that has a cell: the reading's box lies between two
        other = place_of_mate(mates, known, line['page'], line['side'], row, column)
        if other in seen:
            doubts[seen[other]]['mate'] = f"truth {line['truth']} read {line['reading']}"
            continue
        seen[line['page'], line['side'], row, column] = len(doubts)
        doubts.append(d)
    return doubts


def judged(path):
    with open(path, encoding='utf8') as f:
        rows = csv.DictReader((line for line in f if not line.startswith('#')), delimiter='\t')
        return {(r['page'], r['side'], r['row'], r['column']) for r in rows}


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('readings')
    args.add_argument('out', type=pathlib.Path)
    args.add_argument('--eval', required=True)
    args.add_argument('--truth', default=str(DSBI))
    args.add_argument('--corrections')
    args.add_argument('--known', action='store_true')
    a = args.parse_args()
    known = load(a.truth)
    mates = find_mates(known)
    doubts = collect(listed(a.eval, a.truth, a.readings), known, mates)
    if a.corrections and not a.known:
        done = judged(a.corrections)
        doubts = [d for d in doubts if (d['page'].split('/')[-1], d['side'], str(d['row']), str(d['column'])) not in done]
    a.out.mkdir(parents=True, exist_ok=True)
    per = COLUMNS * ROWS
    for i, d in enumerate(doubts):
        d['n'], d['sheet'] = i + 1, i // per + 1
    with open(a.out / 'doubts.tsv', 'w', encoding='utf8') as f:
        out = csv.DictWriter(f, ['sheet', 'n', 'page', 'side', 'row', 'column', 'truth', 'reading', 'p', 'mate', 'off_px'], delimiter='\t', lineterminator='\n')
        out.writeheader()
        out.writerows(doubts)
    for s in range(0, len(doubts), per):
        panels = [panel(known, mates, d) for d in doubts[s:s + per]]
        panels += [np.full_like(panels[0], 255)] * (-len(panels) % COLUMNS)
        rows = [np.hstack(panels[k:k + COLUMNS]) for k in range(0, len(panels), COLUMNS)]
        cv2.imwrite(str(a.out / f'sheet-{s // per + 1:02d}.png'), np.vstack(rows))
    print(len(doubts), 'cells on', -(-len(doubts) // per), 'sheets in', a.out)


if __name__ == '__main__':
    main()
