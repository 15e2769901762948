"""Pages with truth that the readers train on: DSBI (scans) and Angelina (photographs), and which of them are left out.

DSBI: FOLDER/BOOK/X.jpg with X+recto.txt and X+verso.txt (arXiv 1811.10893). Angelina: PART/train.txt and val.txt list pictures, beside each a CSV of boxes
"left;top;right;bottom;label", fractions of the picture, the label's bits being the dots (Ovodov 2021). Neither may be redistributed.
"""
import glob
import os

import cv2
import numpy as np

HELD_OUT = {"M+9", "M+10", "math+9", "math+10", "OPD+3", "SYF+5"}  # the last pages of each book


def dsbi_paths(folder):
    return sorted(glob.glob(folder + "/*/*.jpg"))


def left_out(folder, fold=None, held_out=False):
    """-> names of the DSBI pages that are not trained on: those whose number in the sorted list is `fold` modulo 5, or HELD_OUT, or none."""
    names = [os.path.basename(p)[:-4] for p in dsbi_paths(folder)] if folder else []
    return {n for k, n in enumerate(names) if k % 5 == fold} if fold is not None else HELD_OUT if held_out else set()


def mirror(cell):
    return (cell & 7) << 3 | cell >> 3


def read_corrections(path):
    """{(page, side): [(row, column, cell)]}, counted from 0, of labels that are known to be wrong; `path` is dataset/braille/data/dsbi-corrections.tsv."""
    found = {}
    with open(path, encoding="utf8") as f:
        lines = [line.rstrip("\n").split("\t") for line in f if line.strip() and not line.startswith("#")]
    for page, side, row, column, _, dots, *_ in lines[1:]:
        found.setdefault((page, side), []).append((int(row) - 1, int(column) - 1, sum(1 << int(d) - 1 for d in dots if d != "0")))
    return found


CORRECTIONS = read_corrections(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dataset/braille/data/dsbi-corrections.tsv"))


def read_truth(path, shape, corrections=CORRECTIONS):
    """-> centres [n, 2] in the picture, cells [n], dot pitch, angle: all places of the annotated grid, those without a cell as 0."""
    with open(path, encoding="utf8") as f:
        lines = f.read().split("\n")
    if not lines[0].strip():
        return None  # a side that was left blank
    angle, v, h = float(lines[0]), np.array(lines[1].split(), float), np.array(lines[2].split(), float)
    cells = np.zeros((len(h) // 3, len(v) // 2), int)
    for line in lines[3:]:
        n = [int(x) for x in line.split()]
        if len(n) == 8:
            cells[n[0] - 1, n[1] - 1] = sum(b << i for i, b in enumerate(n[2:]))
    page, _, side = os.path.basename(path)[:-4].rpartition("+")
    for row, column, cell in corrections.get((page, side), ()):
        if row < cells.shape[0] and column < cells.shape[1]:
            cells[row, column] = cell
    y, x = (h[0::3] + h[2::3]) / 2, (v[0::2] + v[1::2]) / 2
    # the annotated page is the picture turned by `angle` about its centre on a canvas grown to hold it
    hh, ww = shape
    m = cv2.getRotationMatrix2D((ww / 2, hh / 2), angle, 1)
    c, s = abs(m[0, 0]), abs(m[0, 1])
    m[:, 2] += (hh * s + ww * c - ww) / 2, (hh * c + ww * s - hh) / 2
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    back = cv2.invertAffineTransform(m)
    return points @ back[:, :2].T + back[:, 2], cells.ravel(), float(np.median(v[1::2] - v[0::2])), angle


def smooth_boxes(box):
    """Boxes [n, 4] (left, top, right, bottom in px) of a page in reading order -> centres [n, 2], dot pitch [n]: boxes were drawn by hand and lines are smooth."""
    c = (box[:, :2] + box[:, 2:]) / 2
    w, h = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
    basis = np.stack([np.ones(len(c)), c[:, 0] / 1000, c[:, 1] / 1000], 1)
    pitch = basis @ np.linalg.lstsq(basis, h - w, rcond=None)[0]  # height - width = (2 a + m) - (a + m)
    start = [0] + [i for i in range(1, len(c)) if c[i, 0] < c[i - 1, 0] or abs(c[i, 1] - c[i - 1, 1]) > 0.6 * h[i]] + [len(c)]
    out = c.copy()
    for a, b in zip(start, start[1:]):
        if b - a < 4:
            continue
        x, y = c[a:b, 0], c[a:b, 1]
        step = np.median(np.diff(x))
        column = np.concatenate([[0], np.cumsum(np.maximum(1, np.round(np.diff(x) / max(step, 1))))])
        degree = 1 if b - a < 8 else 2 if b - a < 16 else 3
        t = (column - column.mean()) / 10
        fx, fy = np.polyval(np.polyfit(t, x, degree), t), np.polyval(np.polyfit(t, y, degree), t)
        good = np.hypot(fx - x, fy - y) < 0.5 * pitch[a:b]
        out[a:b][good] = np.stack([fx, fy], 1)[good]
    return out, pitch


class Photo:
    """A photograph, its cells in reading order; pixel centres at whole numbers."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        self.grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        with open(os.path.splitext(path)[0] + ".csv", encoding="utf8") as f:
            rows = [r.split(";") for r in f.read().split("\n") if r.count(";") >= 4]
        self.cells = np.array([int(r[4]) for r in rows], int)
        if len(rows) < 20:
            return  # too few to learn from
        h, w = self.grey.shape
        self.centres, self.pitches = smooth_boxes(np.array([[float(v) for v in r[:4]] for r in rows]) * [w, h, w, h] - 0.5)
        self.pitch = float(np.median(self.pitches))
        self.zooms = self.pitches / self.pitch
        follows = np.diff(self.centres, axis=0)
        near = (follows[:, 0] > 0) & (np.abs(follows[:, 1]) < self.pitch)
        turn = np.where(near, np.degrees(np.arctan2(follows[:, 1], follows[:, 0])), np.nan)
        with np.errstate(all="ignore"):
            both = np.nan_to_num(np.append(turn, np.nan), nan=0) + np.nan_to_num(np.append(np.nan, turn), nan=0)
            both = both / (~np.isnan(np.append(turn, np.nan)) + 1.0 * ~np.isnan(np.append(np.nan, turn)))
        # as DSBI's angle: positive turns the page counter-clockwise upright
        self.angles = np.where(np.isnan(both), np.nanmedian(both), both)
        self.near, self.follows = near, follows

    def dots(self):
        """-> places of the raised dots [n, 2]."""
        out = []
        for d in range(6):
            up = self.cells >> d & 1 == 1
            a, t = self.pitches[up], np.radians(self.angles[up])
            u, v = (d // 3 - 0.5) * a, (d % 3 - 1) * a
            out.append(self.centres[up] + np.stack([np.cos(t) * u - np.sin(t) * v, np.sin(t) * u + np.cos(t) * v], 1))
        return np.concatenate(out)

    def blanks(self, rng):
        """-> (place, angle, zoom) of blank cells: gaps within lines, and some places well away from any cell."""
        out = []
        step = np.median(np.hypot(*self.follows[self.near].T)) if self.near.any() else 2.4 * self.pitch
        for k in np.nonzero(self.near)[0]:
            gaps = int(round(np.hypot(*self.follows[k]) / step)) - 1
            for g in range(1, gaps + 1 if gaps <= 6 else 1):
                out.append((self.centres[k] + self.follows[k] * g / (gaps + 1), self.angles[k], self.zooms[k]))
        h, w = self.grey.shape
        for at in rng.uniform(0, 1, (60, 2)) * [w - 1, h - 1]:
            if np.min(np.hypot(*(self.centres - at).T)) > 3.2 * self.pitch:
                out.append((at, float(np.median(self.angles)), 1.0))
        return out


def load_photos(folder, which):
    """`which`: "train" or "val"; books and handwritten pages that have at least 20 cells."""
    photos = []
    for part in ("books", "handwritten"):
        with open(f"{folder}/{part}/{which}.txt", encoding="utf8") as f:
            names = [line.strip().replace("\\", "/") for line in f if line.strip()]
        photos += [Photo(f"{folder}/{part}/{name}") for name in names]
    return [p for p in photos if len(p.cells) >= 20]
