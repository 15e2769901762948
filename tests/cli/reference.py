# SPDX-License-Identifier: Apache-2.0
"""The published rule once more, slowly and on its own, from its description (tools/eval/reading.h, docs/braille.md A):
what braille-eval counts must be what this counts."""
import json
import math

MIRROR = str.maketrans('123456', '456123')


class Cell:
    def __init__(self, dots, x, y, w, h, margin, row, column):
        self.dots, self.row, self.column = frozenset(dots), row, column
        self.box = (x - w / 2 - margin, y - h / 2 - margin, x + w / 2 + margin, y + h / 2 + margin)


def annotation(text, verso, width, height):
    """Cells of a DSBI annotation, in the picture. The annotated page is the picture turned counter-clockwise."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    angle, xs, ys = float(lines[0][0]), [float(v) for v in lines[1]], [float(v) for v in lines[2]]
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    grown = (abs(height * s) + abs(width * c), abs(height * c) + abs(width * s))
    lies = 45 < abs(math.fmod(angle, 180)) < 135
    cells = []
    for row, column, *raised in (map(int, line) for line in lines[3:]):
        left, right = xs[2 * column - 2:2 * column]
        top, _, bottom = ys[3 * row - 3:3 * row]
        dots = ''.join(str(i + 1) for i in range(6) if raised[i])
        if not dots:
            continue
        dx, dy = (left + right - grown[0]) / 2, (top + bottom - grown[1]) / 2
        w, h = right - left, bottom - top
        place = len(xs) // 2 - column if verso else column - 1
        cells.append(Cell(dots.translate(MIRROR) if verso else dots, width / 2 + dx * c - dy * s, height / 2 + dx * s + dy * c,
                          *((h, w) if lies else (w, h)), 0.3 * w, row - 1, place))
    return cells


def boxes(text, width, height):
    """Cells of a CSV of boxes; the middle box tells how much of a box's width is the distance of its dots."""
    rows = [[float(v) for v in line.split(';')] for line in text.splitlines() if line.strip()]
    sizes = [((r - l) * width, (b - t) * height) for l, t, r, b, _ in rows]
    share = sorted((h - w) / w for w, h in sizes)[len(sizes) // 2] if sizes else 1
    cells = []
    for i, ((l, t, r, b, label), (w, h)) in enumerate(zip(rows, sizes)):
        a = share * w
        dots = ''.join(str(d + 1) for d in range(6) if int(label) >> d & 1)
        if dots:
            cells.append(Cell(dots, (l + r) / 2 * width, (t + b) / 2 * height, a, h - w + a, 0.3 * a, 0, i))
    return cells


def reading(text, side):
    o = json.loads(text)
    lies = o['page'].get('orientation', 0) in (90, 270)
    return [Cell(c['dots'], c['box'][0] + c['box'][2] / 2, c['box'][1] + c['box'][3] / 2, *c['box'][2:], 0.3 * c['box'][3 if lies else 2],
                 c['row'], c['column']) for c in o['cells'] if c['side'] == side and c['dots'] != '0']


def iou(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0
    area = lambda r: (r[2] - r[0]) * (r[3] - r[1])
    return w * h / (area(a) + area(b) - w * h)


def best(cell, others):
    """The one with the largest overlap, if that is more than 0.5."""
    near = [o for o in others if o.box[0] < cell.box[2] and o.box[2] > cell.box[0]]
    most = max(near, key=lambda o: iou(cell.box, o.box), default=None)
    return most if most and iou(cell.box, most.box) > 0.5 else None


def score(truth, read):
    """{'dot': (right, wrong, missed), 'cell': (right, wrong, missed)}"""
    of_truth = {t: best(t, read) for t in truth}
    of_read = {r: best(r, truth) for r in read}
    right = sum(r is not None and r.dots == t.dots for t, r in of_truth.items())
    wrong = sum(t is None or r.dots != t.dots for r, t in of_read.items())
    dot = [0, 0, 0]
    for t, r in of_truth.items():
        if r is not None and of_read[r] is t:
            dot[0] += len(t.dots & r.dots)
            dot[1] += len(r.dots - t.dots)
            dot[2] += len(t.dots - r.dots)
        else:
            dot[2] += len(t.dots)
    for r, t in of_read.items():
        if t is None or of_truth[t] is not r:
            dot[1] += len(r.dots)
    return {'dot': tuple(dot), 'cell': (right, wrong, len(truth) - right)}


def counts(o):
    """The same out of braille-eval's JSON of a side."""
    return {k: (o[k]['right'], o[k]['found'] - o[k]['right'], o[k]['there'] - o[k]['right']) for k in ('dot', 'cell')}


def splitmix(state):
    """Vigna's splitmix64, from which the draws of the bootstrap come."""
    mask = (1 << 64) - 1
    while True:
        state = state + 0x9e3779b97f4a7c15 & mask
        z = state
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & mask
        z = (z ^ z >> 27) * 0x94d049bb133111eb & mask
        yield z ^ z >> 31


def interval(pages, n_draws, seed):
    """95 % of the cell F1 of pages drawn anew."""
    draw, values = splitmix(seed), []
    for _ in range(n_draws):
        right = errors = 0
        for _ in pages:
            p = pages[next(draw) % len(pages)]['cell']
            right, errors = right + p[0], errors + p[1] + p[2]
        values.append(2 * right / (2 * right + errors) if right + errors else 1)
    values.sort()
    return values[n_draws // 40], values[n_draws - 1 - n_draws // 40]
