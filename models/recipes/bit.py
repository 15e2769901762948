"""The BIT family as `braille-dataset build` writes it: pictures of a few cells, each with the text they say, in arrays for training.

A picture is stretched to the model's width and height with Pillow's bicubic filter, as Chinese-CLIP does it (and as `braille-eval retrieval` does it).
"""
import hashlib
import json
import os

import numpy as np
from PIL import Image

# every character of a label: digits, letters (v is ü), the signs of the codes
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz·—‘“…、。〉《》！（），：；？［｛｝～"


def records(folder, split=None):
    with open(os.path.join(folder, "manifest.jsonl"), encoding="utf8") as f:
        rows = [json.loads(line) for line in f]
    return [r for r in rows if split is None or (r["split"] or "train") == split]  # what was generated and not yet split trains


def pictures(folder, rows, width, height, cache=None):
    """-> uint8 [n, 1, height, width]. `cache`: folder that keeps them, by the pictures' hashes."""
    key = hashlib.sha256(f"{width}x{height} ".encode() + "".join(r["sha256"] for r in rows).encode()).hexdigest()[:24]
    kept = os.path.join(cache, key + ".npy") if cache else None
    if kept and os.path.exists(kept):
        return np.load(kept)
    out = np.empty((len(rows), 1, height, width), np.uint8)
    for i, r in enumerate(rows):
        with Image.open(os.path.join(folder, r["image"])) as picture:
            out[i, 0] = np.asarray(picture.convert("L").resize((width, height), Image.BICUBIC))
    if kept:
        os.makedirs(cache, exist_ok=True)
        tmp = f"{kept[:-4]}.{os.getpid()}.npy"
        np.save(tmp, out)
        os.replace(tmp, kept)
    return out


class Pairs:
    """Pictures and texts of one or more folders; `without`: texts to leave out."""

    def __init__(self, folders, split, width, height, cache=None, without=()):
        crops, self.texts, self.types = [], [], []
        for folder in folders:
            rows = [r for r in records(folder, split) if r["text"] not in without]
            crops.append(pictures(folder, rows, width, height, cache))
            self.texts += [r["text"] for r in rows]
            self.types += [r["type"] for r in rows]
        self.crops = np.concatenate(crops) if crops else np.empty((0, 1, height, width), np.uint8)
        self.distinct = sorted(set(self.texts))
        index = {t: i for i, t in enumerate(self.distinct)}
        self.label = np.array([index[t] for t in self.texts], int)

    def __len__(self):
        return len(self.texts)

    def batches(self, size, seed, first=0):
        """Indices of batch number `first` and on, no text twice in a batch, so that the pairs of equation (3) are the only positives there are. An epoch
        sees each picture at most once; what repeats a text too often to be placed waits for the next. Each epoch follows from the seed and its number."""
        number, epoch = 0, 0
        while True:
            order = np.random.default_rng([seed, epoch]).permutation(len(self))
            made = 0
            for batch in self._epoch(order, size):
                if number >= first:
                    yield batch
                number, made = number + 1, made + 1
            if not made:
                raise SystemExit(f"{len(self.distinct)} distinct texts do not fill a batch of {size}")
            epoch += 1

    def _epoch(self, order, size):
        waiting = list(order)
        while len(waiting) >= size:
            batch, seen, rest = [], set(), []
            for i in waiting:
                if len(batch) < size and self.label[i] not in seen:
                    batch.append(i)
                    seen.add(self.label[i])
                else:
                    rest.append(i)
            if len(batch) < size:
                return
            waiting = rest
            yield np.array(batch)
