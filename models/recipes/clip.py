#!/usr/bin/env python3
"""The recipe of the shipped braille CLIP: crops of cells against the text of what they say ("125", the blank cell "0").

  clip.py train OUT.pt [--dsbi FOLDER] [--angelina FOLDER] [--crops PREFIX ...] [--fold K | --all] [--from BASE.pt] [--steps 6000] [--threads 1]     resumable
  clip.py export OUT.pt models/weights/clip.safetensors
  clip.py check OUT.pt [--dsbi FOLDER] [--angelina FOLDER] [--fold K]            cells of what was left out, cut at the places of the truth

--dsbi: folder of DSBI pages (arXiv 1811.10893) with truth; the last pages of each book (or fold K of 5, see pages.py) are left out. Every place of the grid is a
crop, blank ones too. --angelina: photographs (Ovodov 2021), their train lists; front side. The other side of the paper is trained on as well: mirrored and with grey levels inverted a dent looks like a bump.
--crops: PREFIX.u8 and PREFIX.tsv as `braille-dataset render` and `braille-dataset crop` write them (of the same pages too: the product's grid
also has places outside the text, on edges and margins, that must be read as blank).
Loss: symmetric contrastive cross-entropy over the distinct texts (equations (1)-(3) of arXiv 2407.14212 with several positives a text).
"""
import argparse
import os
import random
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from clip_model import CONFIG, SPECIALS, BrailleCLIP
from common import Checkpoint, Ema, cosine, export, log
from pages import dsbi_paths, left_out, load_photos, mirror, read_truth

TEXTS = ["0"] + ["".join(str(d + 1) for d in range(6) if cell >> d & 1) for cell in range(1, 64)]
MODEL = dict(CONFIG, vocab=[*SPECIALS, *"0123456"])
W, H, PITCH = MODEL["width"], MODEL["height"], MODEL["px_per_pitch"]


class Pages:
    """Pages as grey pictures of 20 px a dot pitch, and the places on them. `keep` says by name which DSBI pages; photographs are added by add_photos()."""

    def __init__(self, folder=None, keep=lambda name: True, sides=("recto", "verso")):
        self.pages, self.places = [], []  # pictures; (page, x, y, cell, angle, pitch over the page's)
        for path in dsbi_paths(folder) if folder else []:
            if keep(os.path.basename(path)[:-4]):
                for side in sides:
                    self.add_side(path, side)
        self.index()

    def index(self):
        self.by_cell = {c: [i for i, p in enumerate(self.places) if p[3] == c] for c in range(64)}

    def add_picture(self, grey, pitch):
        scale = 2 * PITCH / pitch
        self.pages.append(cv2.blur(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), (2, 2)))
        return len(self.pages) - 1, scale

    def add_side(self, path, side):
        grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        truth = read_truth(f"{path[:-4]}+{side}.txt", grey.shape)
        if not truth:
            return
        centres, cells, pitch, angle = truth
        if side == "verso":
            grey, cells, angle = cv2.flip(255 - grey, 1), mirror(cells), -angle
            centres[:, 0] = grey.shape[1] - centres[:, 0]
        page, scale = self.add_picture(grey, pitch)
        self.places += [(page, x * scale, y * scale, int(c), angle, 1) for (x, y), c in zip(centres, cells)]

    def add_photos(self, folder, which):
        """Front cells of photographs, the gaps between them on their lines, and places off the lines, as blank."""
        rng = np.random.default_rng(3)
        for photo in load_photos(folder, which):
            page, scale = self.add_picture(photo.grey, photo.pitch)
            self.places += [(page, (x + 0.5) * scale, (y + 0.5) * scale, int(c), a, z) for (x, y), c, a, z in zip(photo.centres, photo.cells, photo.angles, photo.zooms)]
            self.places += [(page, (x + 0.5) * scale, (y + 0.5) * scale, 0, a, z) for (x, y), a, z in photo.blanks(rng)]
        self.index()

    def cut(self, i, rng=None):
        page, x, y, cell, angle, zoom = self.places[i]
        picture = self.pages[page]
        turn, sx, sy, dx, dy = angle, zoom, zoom, 0, 0
        if rng:
            turn += rng.gauss(0, 0.8)
            sx *= rng.gauss(1, 0.025)
            sy = sx * rng.gauss(1, 0.015)
            dx, dy = (rng.gauss(0, 0.07) * 2 * PITCH for _ in "xy")
        # crop pixel -> page pixel; a positive angle of getRotationMatrix2D turns the page the other way
        a = np.deg2rad(-turn)
        m = 2 * np.array([[np.cos(a) * sx, np.sin(a) * sy], [-np.sin(a) * sx, np.cos(a) * sy]])
        t = np.array([x + dx, y + dy]) - 0.5 - m @ [(W - 1) / 2, (H - 1) / 2]
        return cv2.warpAffine(picture, np.hstack([m, t[:, None]]), (W, H), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE), cell


def read_crops(prefix, out):
    crops = np.fromfile(prefix + ".u8", np.uint8).reshape(-1, H, W)
    with open(prefix + ".tsv", encoding="utf8") as f:
        head = f.readline().lstrip("#").split()
        rows = [dict(zip(head, line.rstrip("\n").split("\t"))) for line in f]
    cells = np.array([-1 if r["dots"] == "-" else TEXTS.index(r["dots"]) for r in rows])
    known = np.array([os.path.splitext(os.path.basename(r["page"]))[0] not in out for r in rows])
    assert len(crops) == len(cells), prefix
    keep = (cells >= 0) & known
    return crops[keep], cells[keep]


def shift(crop, rng):
    m = np.array([[1, 0, rng.gauss(0, 0.5)], [0, 1, rng.gauss(0, 0.5)]])
    return cv2.warpAffine(crop, m, (W, H), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def weather(crops, rng):
    """Light, focus, paper: what scans and photographs differ in. The model normalises mean and contrast by itself."""
    x = crops.astype(np.float32)
    n = len(x)
    yy, xx = np.mgrid[-1:1:H * 1j, -1:1:W * 1j]
    slope = rng.normal(0, 6, (2, n, 1, 1))
    for i in range(n):
        u = rng.random()
        if u < 0.25:
            x[i] = cv2.GaussianBlur(x[i], (0, 0), 0.3 + 0.8 * rng.random())
        elif u < 0.4:
            x[i] += (0.3 + 0.7 * rng.random()) * (x[i] - cv2.GaussianBlur(x[i], (0, 0), 1.0))
    x = x * rng.uniform(0.7, 1.4, (n, 1, 1)) + slope[0] * yy + slope[1] * xx
    return x + rng.normal(0, 1, x.shape) * rng.uniform(0, 5, (n, 1, 1))


def cut_even(pages, n, rng):
    """n places, cells that are rare more often than they stand on the pages."""
    cells = [k for k in range(64) if pages.by_cell[k]]
    weight = [len(pages.by_cell[k])**0.5 for k in cells]
    return [pages.cut(rng.choice(pages.by_cell[k]), rng) for k in rng.choices(cells, weight, k=n)]


def batches(pages, photos, sets, size, seed, start):
    """Batch number `start` and on; each depends on the seed and its number alone, so that a resumed run sees what an unbroken one would."""
    step = start
    while True:
        rng, nrng = random.Random(f"{seed}/{step}"), np.random.default_rng([seed, step])
        shares = [2 * bool(pages), 1 * bool(photos), 1 * bool(sets)]
        n_pages, n_photos, _ = (size * s // sum(shares) for s in shares)
        picked = cut_even(pages, n_pages, rng) if n_pages else []
        picked += cut_even(photos, n_photos, rng) if n_photos else []
        while len(picked) < size:
            crops, labels = rng.choice(sets) if sets else (None, None)
            if not sets:
                picked += cut_even(pages or photos, size - len(picked), rng)
                break
            i = rng.randrange(len(crops))
            picked.append((shift(crops[i], rng), labels[i]))
        x = weather(np.stack([p[0] for p in picked]), nrng)
        yield torch.from_numpy(x[:, None]).float(), torch.tensor([int(p[1]) for p in picked])
        step += 1


def contrastive(image, text, scale, cells):
    """Image to text: cross-entropy over the 64 texts. Text to image: over the batch, all images of the text being positives."""
    logits = scale * image @ text.T
    to_text = F.cross_entropy(logits, cells)
    hit = F.one_hot(cells, 64).bool()
    present = hit.any(0)
    log_p = F.log_softmax(logits, 0)
    to_image = -(log_p * hit).sum(0)[present] / hit.sum(0)[present]
    return (to_text + to_image.mean() - torch.log(hit.sum(0)[present].float()).mean()) / 2


@torch.no_grad()
def check(g, pages):
    """-> share of right cells among all places, and among places where truth or reading is not blank."""
    text, got = g.encode_text(g.tokenise(TEXTS)), []
    truth = np.array([p[3] for p in pages.places])
    for i in range(0, len(truth), 256):
        x = np.stack([pages.cut(j)[0] for j in range(i, min(i + 256, len(truth)))])
        got.append((g.encode_image(torch.from_numpy(x[:, None]).float()) @ text.T).argmax(1).numpy())
    got = np.concatenate(got)
    tp, fp, fn = ((got == truth) & (truth > 0)).sum(), ((got > 0) & (got != truth)).sum(), ((truth > 0) & (got != truth)).sum()
    return dict(accuracy=float((got == truth).mean()), precision=float(tp / (tp + fp)), recall=float(tp / (tp + fn)), f1=float(2 * tp / (2 * tp + fp + fn)))


def train(o):
    torch.set_num_threads(o.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(o.seed)
    g = BrailleCLIP(MODEL)
    decay = [p for p in g.parameters() if p.ndim > 1]
    opt = torch.optim.AdamW([dict(params=decay, weight_decay=0.05), dict(params=[p for p in g.parameters() if p.ndim <= 1], weight_decay=0)], 1e-3, (0.9, 0.98))
    ema, keep, step = Ema(g, 0.998), Checkpoint(o.out), 0
    if o.base:
        g.load_state_dict(torch.load(o.base, weights_only=False)["ema"])
        ema = Ema(g, 0.998)
    state = keep.load()
    if state:
        g.load_state_dict(state["g"]), opt.load_state_dict(state["opt"])
        ema.shadow, step = state["ema"], state["step"]
    out = left_out(o.dsbi, o.fold, not o.all)
    pages = Pages(o.dsbi, lambda name: name not in out) if o.dsbi else None
    held = Pages(o.dsbi, lambda name: name in out, ["recto"]) if o.dsbi and out else None
    photos = Pages() if o.angelina else None
    if photos:
        photos.add_photos(o.angelina, "train")
    sets = [read_crops(p, out) for p in o.crops]
    log(f"{len(pages.places) if pages else 0} places on pages, {len(photos.places) if photos else 0} on photographs, {sum(len(s[0]) for s in sets)} crops,",
        f"{sum(p.numel() for p in g.parameters()) / 1e6:.2f} M parameters, from step {step} of {o.steps}")
    if not pages and not photos and not sets:
        raise SystemExit("nothing to train on: name --dsbi, --angelina or --crops")
    ids, past, t0, source = g.tokenise(TEXTS), [], time.time(), batches(pages, photos, sets, o.batch, o.seed, step)
    while step < o.steps:
        for p in opt.param_groups:
            p["lr"] = cosine(step, o.steps, o.rate, warm=min(300, o.steps // 5))
        x, cells = next(source)
        with torch.autocast("cpu", torch.bfloat16):
            image, text, scale = g(x, ids)
        loss = contrastive(image.float(), text.float(), scale.clamp(max=100), cells)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(g.parameters(), 1.0)
        opt.step()
        with torch.no_grad():
            g.logit_scale.clamp_(0, 4.6052)
        step += 1
        ema.update(g, step)
        with torch.no_grad():
            right = ((image.float() @ text.float().T).argmax(1) == cells).float().mean().item()
        past.append([loss.item(), right])
        if step % 50 == 0:
            log(f"step {step}/{o.steps} {(time.time() - t0) / len(past):.2f} s/step  loss %.4f  right %.4f" % tuple(np.mean(past[-50:], 0)))
        if held and (step % 1000 == 0 or step == o.steps):
            shadow = BrailleCLIP(MODEL).eval()
            shadow.load_state_dict(ema.shadow)
            log(f"step {step} held-out pages {check(shadow, held)}")
        keep.save(dict(g=g.state_dict(), opt=opt.state_dict(), ema=ema.shadow, step=step), step == o.steps)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    t = sub.add_parser("train")
    t.add_argument("out"), t.add_argument("--dsbi"), t.add_argument("--crops", nargs="*", default=[])
    t.add_argument("--steps", type=int, default=6000), t.add_argument("--batch", type=int, default=256), t.add_argument("--threads", type=int, default=1)
    t.add_argument("--seed", type=int, default=0), t.add_argument("--rate", type=float, default=1e-3), t.add_argument("--from", dest="base")
    c = sub.add_parser("check")
    c.add_argument("checkpoint"), c.add_argument("--dsbi")
    for p in (t, c):
        p.add_argument("--angelina"), p.add_argument("--fold", type=int), p.add_argument("--all", action="store_true")
    e = sub.add_parser("export")
    e.add_argument("checkpoint"), e.add_argument("out")
    o = ap.parse_args()
    if o.command == "train":
        return train(o)
    state = torch.load(o.checkpoint, weights_only=False)
    g = BrailleCLIP(MODEL).eval()
    g.load_state_dict(state["ema"])
    if o.command == "export":
        return export(o.out, g.state_dict(), dict(MODEL, model="clip", texts=TEXTS, steps=state["step"]))
    out = left_out(o.dsbi, o.fold, not o.all)
    for side in ("recto", "verso") if o.dsbi else ():
        log(side, check(g, Pages(o.dsbi, lambda name: name in out, [side])))
    if o.angelina:
        photos = Pages()
        photos.add_photos(o.angelina, "val")
        log("photographs", check(g, photos))


if __name__ == "__main__":
    main()
