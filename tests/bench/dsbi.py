# SPDX-License-Identifier: Apache-2.0
"""What the measuring scripts share: DSBI pages with their annotations, running the programs."""
import dataclasses
import json
import math
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / 'shared' / 'data'
DSBI = pathlib.Path(os.environ.get('BRAILLED_DSBI') or SHARED / 'dsbi-train')
SIDES = ('recto', 'verso')
MIRROR = str.maketrans('123456', '456123')


@dataclasses.dataclass
class Annotation:
    """One side: grid lines in the turned page, cells {(row, column): dots} as they lie in the picture, from 1."""
    angle: float
    xs: list
    ys: list
    cells: dict

    @classmethod
    def load(cls, path):
        lines = [line.split() for line in pathlib.Path(path).read_text().splitlines() if line.strip()]
        if not lines:
            return cls(0, [], [], {})
        cells = {}
        for row, column, *raised in (map(int, line) for line in lines[3:]):
            cells[row, column] = ''.join(str(i + 1) for i in range(6) if raised[i])
        return cls(float(lines[0][0]), [float(v) for v in lines[1]], [float(v) for v in lines[2]], cells)

    @property
    def n_columns(self):
        return len(self.xs) // 2

    @property
    def n_rows(self):
        return len(self.ys) // 3

    def at(self, x, y, size):
        """A point of the turned page in the picture of `size` (width, height)."""
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        w, h = size
        dx = x - (abs(h * s) + abs(w * c)) / 2
        dy = y - (abs(h * c) + abs(w * s)) / 2
        return w / 2 + dx * c - dy * s, h / 2 + dx * s + dy * c

    def dots(self, row, column, size):
        """The six places of a cell in the picture; beyond the annotated lines the grid goes on."""
        def band(lines, n, i):
            if 1 <= i <= len(lines) // n:
                return lines[n * (i - 1):n * i]
            step = (lines[-n] - lines[0]) / (len(lines) / n - 1)
            near = lines[:n] if i < 1 else lines[-n:]
            return [v + step * (i - 1 if i < 1 else i - len(lines) // n) for v in near]
        xs, ys = band(self.xs, 2, column), band(self.ys, 3, row)
        return [self.at(xs[k // 3], ys[k % 3], size) for k in range(6)]

    def nearest(self, x, y, size):
        """-> (row, column, distance) of the grid's place that is nearest, up to two beyond the annotated lines."""
        best = None
        for row in range(-1, self.n_rows + 3):
            for column in range(-1, self.n_columns + 3):
                d = self.dots(row, column, size)
                far = math.hypot((d[0][0] + d[5][0]) / 2 - x, (d[0][1] + d[5][1]) / 2 - y)
                if best is None or far < best[2]:
                    best = (row, column, far)
        return best


def pages(folder=None):
    """The pictures of the data set, book by book, page by page."""
    found = list(pathlib.Path(folder or DSBI).glob('*/*.jpg'))
    return sorted(found, key=lambda p: (p.parent.name, int(p.stem.split('+')[-1])))


def annotation_path(page, side):
    return page.with_name(f'{page.stem}+{side}.txt')


def no_bus():
    env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS='unix:path=/nonexistent/bus', DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nonexistent/bus')
    env.pop('XDG_RUNTIME_DIR', None)
    return env


def program(build, name):
    path = pathlib.Path(build) / 'tools' / name
    if not path.exists():
        raise SystemExit(f'{path} is missing; build it first (ninja -C {build})')
    return path


def read(build, page, out, *words, form='json'):
    """braillectl read -> '' and `out` written, or its last word about why not."""
    out.parent.mkdir(parents=True, exist_ok=True)
    p = subprocess.run([program(build, 'braillectl'), '--local', '-q', 'read', page, '--format', form, '-o', out, *words],
                       env=no_bus(), capture_output=True, text=True, timeout=600)
    return '' if p.returncode == 0 else (p.stderr.strip().splitlines() or [f'ended with {p.returncode}'])[-1]


def evaluate(build, truth, reading, *words):
    """braille-eval reading -> its JSON."""
    p = subprocess.run([program(build, 'braille-eval'), 'reading', truth, reading, '--json', *words], capture_output=True, text=True)
    if p.returncode:
        raise SystemExit(p.stderr.strip())
    return json.loads(p.stdout)
