#!/usr/bin/env python3
"""The recipe of the dot detector (dataset/braille/dotmap.c): where on a page are dots, of the front and of the back?

  dotmap.py train OUT.pt --dsbi FOLDER --angelina FOLDER --drawn GLOB [--fold K | --held-out] [--from BASE.pt] [--steps 4000]     resumable
  dotmap.py check OUT.pt --dsbi FOLDER --angelina FOLDER [--fold K | --held-out]       dots of the pages that were left out
  dotmap.py export OUT.pt ../../dataset/braille/data/dotmap.f16

A fully convolutional network on the picture at about 10 px a dot pitch, over its background. For every 4 x 4 pixels and each side: the logit of "a dot has its centre
near here" and the way to it. Receptive field 12 pitches: its neighbours tell a bump from a dent when the light is not from the top.

--dsbi: pages with truth of both sides (arXiv 1811.10893). --fold K of 5 leaves out the pages whose number in the sorted list is K modulo 5; --held-out the last pages of
each book. --angelina: photographs (Ovodov 2021), front side only: what looks like a dot elsewhere is no front dot, and the back is not trained on. Its boxes are rough;
a smooth curve is laid through the boxes of each line first. Only its train lists are used. --drawn: pages of `dots.py draw`.
Scans have their light at the top of the picture, +-15 degrees; photographs have it anywhere.
"""
import argparse
import glob
import os

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from common import Checkpoint, Ema, cosine, log
from dots import dots_of
from pages import dsbi_paths, left_out, load_photos, read_truth

PX, STRIDE, STORED = 10.0, 4, 16.0  # px a dot pitch of the network's picture; of the pages in memory
CROP = 320
WIDTH = 32


class DotMap(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 16, 5, 2, 2)
        self.b = nn.Conv2d(16, WIDTH, 3, 2, 1)
        self.body = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, 1, d, d) for d in (1, 2, 4, 1))
        self.head = nn.Conv2d(WIDTH, 6, 1)  # front: logit, right, down in px; back: the same

    def forward(self, x):
        x = F.relu(self.b(F.relu(self.a(x))))
        for layer in self.body:
            x = x + F.relu(layer(x))
        return self.head(x)


def flatten(grey):
    """Grey levels -> over the local background, in units of the local mean size."""
    x = grey.astype("float32")
    background = cv2.blur(x, (31, 31), borderType=cv2.BORDER_REPLICATE)
    flat = 128 * (x - background) / (background + 8)
    size = cv2.blur(np.abs(flat), (81, 81), borderType=cv2.BORDER_REPLICATE)
    return flat / np.maximum(size, 0.5)


class Page:
    """A picture at 16 px a dot pitch with its dots; `back` is None where it is not known."""

    def __init__(self, name, grey, front, back, pitch, scan):
        scale = STORED / pitch
        h, w = grey.shape
        self.name, self.scan = name, scan
        self.grey = cv2.resize(grey, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        to = np.array([self.grey.shape[1] / w, self.grey.shape[0] / h])
        self.sides = [None if p is None else (p + 0.5) * to - 0.5 for p in (front, back)]


def load_dsbi(folder, keep):
    return [load_sides(p) for p in dsbi_paths(folder) if keep(os.path.basename(p)[:-4])]


def load_sides(path):
    stem = os.path.splitext(path)[0]
    grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    truths = [read_truth(f"{stem}+{s}.txt", grey.shape) if os.path.exists(f"{stem}+{s}.txt") else None for s in ("recto", "verso")]
    dots = [dots_of(t)[0] if t else np.zeros((0, 2)) for t in truths]
    pitch = next(dots_of(t)[2] for t in truths if t)
    return Page(os.path.basename(stem), grey, *dots, pitch, True)


def load_angelina(folder, which):
    return [Page(p.name, p.grey, p.dots(), None, p.pitch, False) for p in load_photos(folder, which)]


def stain(x, rng):
    """Dark patches with sharp or soft edges, as spilt tea leaves them."""
    for _ in range(rng.integers(1, 4)):
        mask = np.zeros((CROP, CROP), "float32")
        mid, n = rng.uniform(0, CROP, 2), int(rng.integers(5, 12))
        far = rng.uniform(15, 110) * rng.uniform(0.6, 1.2, n)
        a = np.sort(rng.uniform(0, 2 * np.pi, n))
        shape = np.round(mid + far[:, None] * np.stack([np.cos(a), np.sin(a)], 1)).astype("int32")
        cv2.fillPoly(mask, [shape], 1)
        mask = cv2.GaussianBlur(mask, (0, 0), 5)
        mask = cv2.GaussianBlur((mask > 0.5).astype("float32"), (0, 0), rng.uniform(0.5, 4))
        x = x * (1 - rng.uniform(0.1, 0.55) * mask)
    return x


def light(x, rng):
    """Focus, grain, light, compression, stains."""
    x = x.astype("float32")
    if rng.random() < 0.2:
        x = stain(x, rng)
    u = rng.random()
    if u < 0.3:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.5))
    elif u < 0.4:
        x = x + rng.uniform(0.3, 1) * (x - cv2.GaussianBlur(x, (0, 0), 1.2))
    if rng.random() < 0.3:
        yy, xx = np.mgrid[0:1:CROP * 1j, 0:1:CROP * 1j].astype("float32")
        x = x * (rng.uniform(0.4, 1) + rng.uniform(-0.3, 0.3) * xx + rng.uniform(-0.3, 0.3) * yy)
    if rng.random() < 0.4:
        x = x + rng.normal(0, rng.uniform(0.5, 7), x.shape).astype("float32")
    x = x.clip(0, 255).astype("uint8")
    if rng.random() < 0.15:
        x = cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 70))])[1], cv2.IMREAD_GRAYSCALE)
    return x


def crop(page, rng):
    """-> picture [320, 320] over its background, sides (front, back) of dots [n, 2] in it or None."""
    h, w = page.grey.shape
    px = PX * np.exp(rng.uniform(-0.25, 0.25))
    turn = np.deg2rad(rng.normal(0, 5 if page.scan else 6))
    sx, sy = px / STORED * np.exp(rng.normal(0, 0.03, 2))
    if rng.random() < 0.8:  # around a dot
        at = page.sides[0] if len(page.sides[0]) else page.sides[1]
        mid = at[rng.integers(len(at))] + rng.uniform(-120, 120, 2)
    else:
        mid = rng.uniform(0, 1, 2) * [w, h]
    flip = rng.random() < 0.5 and page.scan
    c, s = np.cos(turn), np.sin(turn)
    m = np.array([[c * sx, -s * sy], [s * sx, c * sy]])
    shear = np.array([[1, rng.normal(0, 0.02)], [0, 1]])
    m = m @ shear
    if flip:
        m[0] *= -1
    t = np.array([CROP / 2, CROP / 2]) - m @ mid
    grey = page.grey if px > 8.5 else cv2.blur(page.grey, (2, 2))
    out = cv2.warpAffine(grey, np.hstack([m, t[:, None]]), (CROP, CROP), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    sides = [None if p is None else p @ m.T + t for p in page.sides]
    out = light(out, rng)
    if page.scan and rng.random() < 0.2:  # a dent looks like a bump in the negative
        out, sides = 255 - out, sides[::-1]
    return flatten(out), sides


def targets(sides):
    """-> label [2, n, n] (1, 0, nan: not trained on), way to the dot [2, 2, n, n]."""
    n = CROP // STRIDE
    label, way = np.zeros((2, n, n), "float32"), np.zeros((2, 2, n, n), "float32")
    for k, dots in enumerate(sides):
        if dots is None:
            label[k] = np.nan
            continue
        far = np.full((n, n), 1e9, "float32")
        for x, y in dots[((dots > -6) & (dots < CROP + 6)).all(1)]:
            j0, i0 = int(round((x - 1.5) / STRIDE)), int(round((y - 1.5) / STRIDE))
            for i in range(max(i0 - 2, 0), min(i0 + 3, n)):
                for j in range(max(j0 - 2, 0), min(j0 + 3, n)):
                    dx, dy = x - (STRIDE * j + 1.5), y - (STRIDE * i + 1.5)
                    d = dx * dx + dy * dy
                    if d < far[i, j]:
                        far[i, j], way[k, 0, i, j], way[k, 1, i, j] = d, dx, dy
        label[k][far < 5.0**2] = np.nan
        label[k][far < 3.0**2] = 1
    return label, way


def batch(pages, size, rng):
    parts = []
    for _ in range(size):
        kind = pages[rng.choice(len(pages), p=np.array([s for s, _ in pages]) / sum(s for s, _ in pages))][1]
        x, sides = crop(kind[rng.integers(len(kind))], rng)
        parts.append((x, *targets(sides)))
    return [torch.from_numpy(np.stack([p[k] for p in parts])) for k in range(3)]


def loss_of(out, label, way):
    out = out.unflatten(1, (2, 3))
    known, yes = ~label.isnan(), label == 1
    y = torch.nan_to_num(label)
    bce = F.binary_cross_entropy_with_logits(out[:, :, 0], y * 0.994 + 0.003, reduction="none")
    seen = (bce * known).sum() / yes.sum().clamp(min=1)
    miss = F.smooth_l1_loss(out[:, :, 1:].permute(0, 1, 3, 4, 2)[yes], way.permute(0, 1, 3, 4, 2)[yes], beta=0.5)
    return seen + 0.15 * miss, seen, miss


def load_train(o):
    out, sets = left_out(o.dsbi, o.fold, o.held_out), []
    if o.dsbi:
        pages = load_dsbi(o.dsbi, lambda name: name not in out)
        if o.pages:
            order = np.random.default_rng(1).permutation(len(pages))
            pages = [pages[i] for i in order[:o.pages]]
        sets.append((0.5, pages))
    if o.angelina:
        sets.append((0.3, load_angelina(o.angelina, "train")))
    if o.drawn:
        sets.append((0.2, [load_sides(p) for p in sorted(glob.glob(o.drawn))]))
    for _, pages in sets:
        log(f"{len(pages)} pages, {sum(len(s) for p in pages for s in p.sides if s is not None)} dots")
    return sets


def train(o):
    torch.set_num_threads(o.threads), torch.manual_seed(o.seed), cv2.setNumThreads(1)
    sets, net = load_train(o), DotMap()
    if o.base:
        net.load_state_dict(torch.load(o.base, weights_only=False)["ema"])
    ema, opt = Ema(net), torch.optim.AdamW(net.parameters(), o.rate, weight_decay=1e-4)
    keeper = Checkpoint(o.out, 120)
    state, start = keeper.load(), 0
    if state:
        net.load_state_dict(state["net"]), opt.load_state_dict(state["opt"])
        ema.shadow, start = state["ema"], state["step"]
    log(f"{sum(p.numel() for p in net.parameters())} parameters, from step {start}")
    past = []
    for step in range(start, o.steps):
        for g in opt.param_groups:
            g["lr"] = cosine(step, o.steps, o.rate, warm=50)
        x, label, way = batch(sets, 8, np.random.default_rng((o.seed, step)))
        total, seen, miss = loss_of(net(x[:, None]), label, way)
        opt.zero_grad(), total.backward(), opt.step()
        ema.update(net, step)
        past.append([seen.item(), miss.item()])
        if (step + 1) % 100 == 0:
            log("step %d/%d loss %.4f way %.4f" % (step + 1, o.steps, *np.mean(past[-100:], 0)))
        keeper.save(dict(net=net.state_dict(), opt=opt.state_dict(), ema=ema.shadow, step=step + 1), step + 1 == o.steps)


def restore(path):
    net = DotMap()
    net.load_state_dict(torch.load(path, weights_only=False)["ema"])
    return net.eval()


@torch.no_grad()
def find(net, page, px=PX):
    """-> for each side: places [n, 2] in the page's stored pixels, p [n]."""
    scale = px / STORED
    h, w = (int(np.ceil(v * scale / 8)) * 8 for v in page.grey.shape)
    small = cv2.resize(page.grey, (round(page.grey.shape[1] * scale), round(page.grey.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    to = np.array([page.grey.shape[1] / small.shape[1], page.grey.shape[0] / small.shape[0]])
    small = cv2.copyMakeBorder(small, 0, h - small.shape[0], 0, w - small.shape[1], cv2.BORDER_REPLICATE)
    out = net(torch.from_numpy(flatten(small))[None, None])[0].unflatten(0, (2, 3)).numpy()
    sides = []
    for logit, dx, dy in out:
        i, j = np.nonzero((logit == cv2.dilate(logit, np.ones((3, 3)))) & (logit > -3))
        at = np.stack([STRIDE * j + 1.5 + dx[i, j], STRIDE * i + 1.5 + dy[i, j]], 1)
        order = np.argsort(-logit[i, j])
        at, p, keep = at[order], logit[i, j][order], []
        for k in range(len(at)):  # two peaks that point to one dot
            if all(np.hypot(*(at[k] - at[m])) > 0.4 * PX for m in keep if abs(at[k][1] - at[m][1]) < 5):
                keep.append(k)
        sides.append(((at[keep] + 0.5) * to - 0.5, 1 / (1 + np.exp(-p[keep]))))
    return sides


def match(found, truth, reach):
    """-> number of true dots that a found one lies near to, found, true; mean distance."""
    from scipy.spatial import cKDTree
    if not len(found) or not len(truth):
        return 0, len(found), len(truth), 0.0
    d, i = cKDTree(truth).query(found, distance_upper_bound=reach)
    best = {}
    for k, (a, b) in enumerate(zip(d, i)):
        if np.isfinite(a) and (b not in best or a < d[best[b]]):
            best[b] = k
    return len(best), len(found), len(truth), float(np.sum(d[list(best.values())]))


def check(o):
    torch.set_num_threads(o.threads)
    net, out = restore(o.out), left_out(o.dsbi, o.fold, o.held_out)
    sets = [("dsbi", load_dsbi(o.dsbi, lambda name: name in out))] if o.dsbi else []
    if o.angelina:
        sets.append(("angelina", load_angelina(o.angelina, "val")))
    for name, pages in sets:
        total = np.zeros((2, 4))
        for page in pages:
            for k, (at, p) in enumerate(find(net, page)):
                if page.sides[k] is not None:
                    m = np.array(match(at[p > 0.5], page.sides[k], 0.45 * STORED))
                    total[k] += m
                    if o.verbose:
                        log(page.name, "front back".split()[k], "found %d of %d, %d said" % (m[0], m[2], m[1]))
        for side, (hit, said, true, away) in zip(("front", "back"), total):
            if true:
                log("%s %s: precision %.4f recall %.4f F1 %.4f, off by %.3f pitch" % (name, side, hit / said, hit / true, 2 * hit / (said + true), away / hit / STORED))


def layers_of(net):
    return [net.a, net.b, *net.body, net.head]


@torch.no_grad()
def restore_shipped(path):
    """What export() wrote."""
    net, data = DotMap(), torch.from_numpy(np.fromfile(path, "<f2").astype("float32"))
    for layer in layers_of(net):
        o, i, h, w = layer.weight.shape
        n = layer.weight.numel()
        layer.weight.copy_(data[:n].view(i, h, w, o).permute(3, 0, 1, 2)), layer.bias.copy_(data[n:n + o])
        data = data[n + o:]
    assert not len(data)
    return net.eval()


def export(o):
    net = restore(o.out)
    # filters as [in][height][width][out], so that the inner loop runs over the outputs
    parts = [p for layer in layers_of(net) for p in (layer.weight.permute(1, 2, 3, 0), layer.bias)]
    np.concatenate([p.detach().contiguous().numpy().ravel() for p in parts]).astype("<f2").tofile(o.weights)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    for name, run in (("train", train), ("check", check)):
        c = sub.add_parser(name)
        c.set_defaults(run=run)
        c.add_argument("out"), c.add_argument("--dsbi"), c.add_argument("--angelina"), c.add_argument("--threads", type=int, default=1)
        c.add_argument("--fold", type=int), c.add_argument("--held-out", action="store_true"), c.add_argument("--verbose", action="store_true")
        if name == "train":
            c.add_argument("--drawn"), c.add_argument("--steps", type=int, default=4000), c.add_argument("--rate", type=float, default=2e-3)
            c.add_argument("--seed", type=int, default=0), c.add_argument("--from", dest="base"), c.add_argument("--pages", type=int, help="so many of the DSBI pages only")
    e = sub.add_parser("export")
    e.set_defaults(run=export)
    e.add_argument("out"), e.add_argument("weights")
    o = ap.parse_args()
    o.run(o)


if __name__ == "__main__":
    main()
