#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""calibrate.py READINGS [--dsbi FOLDER] [--write models/weights/clip.safetensors]: what makes probabilities of a reader's scores.

READINGS/BOOK/X.json are DSBI's pages as `braillectl read X.jpg --side both --verbatim --json --scores` reads them. p of a cell is the softmax over the texts of
temperature * cosine + dot_weight * (evidence + dot_bias) summed over the cell's raised dots; the three numbers are fitted by likelihood on the
pages that are trained on and checked on HELD_OUT (pages.py). --write puts them into the file's configuration ("calibration"); tensors stay as they are.
--corrected READINGS: the same pages with corrections; prints how many changes were right.
"""
import argparse
import json
import os
import pathlib
import struct

import cv2
import numpy as np
import torch

from pages import HELD_OUT, mirror, read_corrections, read_truth

NEAR = 0.6  # of a dot pitch: so far may a place be from the label's


def cell_of(dots):
    return sum(1 << int(d) - 1 for d in dots) if dots != "0" else 0


class Truth:
    """The labels of one side of a page, corrected where they are known to be wrong."""

    def __init__(self, page, side, shape, corrections):
        found = read_truth(f"{page}+{side}.txt", shape, corrections)
        self.centres, self.cells, self.pitch, _ = found if found else (np.zeros((0, 2)), np.zeros(0, int), 20.0, 0)
        if side == "verso":
            self.cells = np.array([mirror(int(c)) for c in self.cells], int)

    def at(self, box):
        """The label of a place; blank where no label is near. None: between two places, or where the annotated grid ends."""
        if not len(self.cells):
            return 0
        d = np.hypot(*(self.centres - [box[0] + box[2] / 2, box[1] + box[3] / 2]).T)
        k = int(d.argmin())
        return int(self.cells[k]) if d[k] < NEAR * self.pitch else 0 if d[k] > 1.5 * self.pitch else None


def load_page(path, dsbi, corrections):
    o = json.loads(path.read_text())
    page = os.path.join(dsbi, path.parent.name, path.stem)
    shape = cv2.imread(page + ".jpg", cv2.IMREAD_GRAYSCALE).shape
    return o, {side: Truth(page, side, shape, corrections) for side in ("recto", "verso")}


def load(folder, dsbi, corrections):
    """-> tops [n, k], cosines [n, k], evidence [n, 6], label [n], held out [n]"""
    rows = []
    for path in sorted(pathlib.Path(folder).glob("*/*.json")):
        o, truth = load_page(path, dsbi, corrections)
        for c in o["cells"] + o["blanks"]:
            label = truth[c["side"]].at(c["box"])
            if label is not None:
                rows.append(([cell_of(d) for d, _ in c["cosine"]], [p for _, p in c["cosine"]], c["evidence"], label, path.stem in HELD_OUT))
    return [np.array(x) for x in zip(*rows)]


def scores(q, tops, cosines, evidence, dots):
    raised = ((tops[:, :, None] >> torch.arange(6)) & 1).double()
    out = q[0].exp() * cosines
    return out + q[1].exp() * (raised * (evidence[:, None] + q[2])).sum(2) if dots else out


def fit(tops, cosines, evidence, label, dots):
    q = torch.tensor([4.0, -1.0, 0.0], dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([q], max_iter=200, line_search_fn="strong_wolfe")
    hit = (tops == label[:, None]).int().argmax(1)
    known = (tops == label[:, None]).any(1)

    def loss():
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy(scores(q, tops, cosines, evidence, dots)[known], hit[known])
        value.backward()
        return value

    optimiser.step(loss)
    return q.detach()


def check(name, q, tops, cosines, evidence, label, dots):
    s = scores(q, tops, cosines, evidence, dots)
    p, best = s.softmax(1).max(1)
    cell = tops.gather(1, best[:, None])[:, 0]
    p, right, raised = p.numpy(), (cell == label).numpy(), ((cell != 0) | (label != 0)).numpy()
    edges = np.quantile(p, np.linspace(0, 1, 16))
    bins = np.clip(np.searchsorted(edges, p, "right") - 1, 0, 14)
    ece = sum(abs((p - right)[bins == b].sum()) for b in range(15)) / len(p)
    found = ((cell == label) & (label != 0)).sum().item()
    f1 = 2 * found / ((cell != 0).sum().item() + (label != 0).sum().item())
    print(f"{name}: {len(p)} places, {raised.sum()} cells, expected calibration error {ece:.5f}, wrong {(~right).sum()}, expected {(1 - p).sum():.1f}, cell F1 at the places {f1:.5f}")
    for lo, hi in ((0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 0.99), (0.99, 0.999), (0.999, 1.01)):
        k = (p >= lo) & (p < hi) & raised
        if k.any():
            print(f"   p {lo:5.3f} to {min(hi, 1):5.3f}: {k.sum():5d} cells, mean p {p[k].mean():.4f}, right {right[k].mean():.4f}")
    return ece


def write(path, calibration):
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    config = json.loads(head["__metadata__"]["brailled"])
    config["calibration"] = calibration
    head["__metadata__"]["brailled"] = json.dumps(config, ensure_ascii=False)
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".tmp", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data[8 + n:])
        os.fsync(f.fileno())
    os.chmod(path + ".tmp", 0o644)
    os.replace(path + ".tmp", path)


def judge_changes(folder, dsbi, corrections):
    """A change is right where the label is what it was changed to, harmless where both are wrong, wrong where it was right before."""
    total = {}
    for path in sorted(pathlib.Path(folder).glob("*/*.json")):
        o, truth = load_page(path, dsbi, corrections)
        for c in o["changes"]:
            label = truth[c["side"]].at(c["box"])
            kind = "right" if label == cell_of(c["to"]) else "wrong" if label == cell_of(c["from"]) else "neither"
            total.setdefault(path.stem in HELD_OUT, {}).setdefault(kind, []).append((path.stem, c["side"], c["row"], c["column"], c["from"], c["to"], c["was"], c["is"], round(c["p"], 3)))
    for held, kinds in sorted(total.items()):
        print("held out:" if held else "trained on:", {k: len(v) for k, v in kinds.items()})
        for row in kinds.get("wrong", []) + kinds.get("neither", []):
            print("  not right:", *row)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("readings")
    a.add_argument("--dsbi", default="../shared/data/dsbi-train")
    a.add_argument("--dots", action="store_true", help="the evidence is a logit (pages, since the dot detector): fit its weight, too")
    a.add_argument("--write")
    a.add_argument("--corrected", action="store_true")
    a.add_argument("--labels", help="dataset/braille/data/dsbi-corrections.tsv: labels known to be wrong; without it they count as published")
    o = a.parse_args()
    corrections = read_corrections(o.labels) if o.labels else {}
    if o.corrected:
        return judge_changes(o.readings, o.dsbi, corrections)
    tops, cosines, evidence, label, held = load(o.readings, o.dsbi, corrections)
    tops, cosines, evidence, label = torch.tensor(tops), torch.tensor(cosines).double(), torch.tensor(evidence).double(), torch.tensor(label)
    print("labels that are not among the nearest texts:", int((~(tops == label[:, None]).any(1)).sum()), "of", len(label))
    train, test = torch.tensor(~held), torch.tensor(held)
    q = fit(tops[train], cosines[train], evidence[train], label[train], o.dots)
    calibration = {"temperature": round(float(q[0].exp()), 3), "dot_weight": round(float(q[1].exp()), 4) if o.dots else 0.0, "dot_bias": round(float(q[2]), 4) if o.dots else 0.0}
    print(calibration)
    for name, k in (("trained on", train), ("held out", test)):
        if k.any():
            check(name, q, tops[k], cosines[k], evidence[k], label[k], o.dots)
    if o.write:
        write(o.write, calibration)


main()
