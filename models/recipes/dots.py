#!/usr/bin/env python3
"""The recipe of the dot classifier of `braille-dataset clean` (dataset/braille/dotnet.c): is there a raised dot at this place, and where exactly?

  dots.py draw FOLDER --program build/tools/braille-dataset      100 drawn pages with their truth
  dots.py train OUT.pt --pages GLOB ... [--steps 20000] [--threads 1]
  dots.py check OUT.pt --pages GLOB ...             places of the held-out pages
  dots.py export OUT.pt ../../dataset/braille/data/dotnet.f16

--pages: pictures X.jpg or X.png with X+recto.txt and X+verso.txt beside them: DSBI/*/*.jpg, and FOLDER/*.png as `draw` makes them. The verso is seen mirrored with grey levels inverted, so that its dents look like bumps. The last pages of each DSBI book are never trained on.
A patch is 24 x 24 pixels of a picture of 10 pixels a dot pitch over its background, its light from the top, minus its mean, over the mean size of
the levels of the crop around it.
Negatives are empty places of the grid, dots of the other side, false peaks of a matched filter, and any point at least 0.45 pitches from a dot. Crops end anywhere: the patch is
often cut and its last pixels repeated, as the program does at the edge of a crop.
"""
import argparse
import glob
import os
import random
import subprocess

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from common import Ema, cosine, log
from pages import HELD_OUT, read_truth

SIDE, PX = 24, 10.0


class DotNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 12, 5, 2, 2)
        self.b = nn.Conv2d(12, 24, 3, 2, 1)
        self.c = nn.Linear(24 * 36, 32)
        self.d = nn.Linear(32, 3)  # logit; the dot's centre from the patch's, pixels right and down

    def forward(self, x):
        x = F.relu(self.b(F.relu(self.a(x))))
        return self.d(F.relu(self.c(x.permute(0, 2, 3, 1).flatten(1))))


def dots_of(truth):
    """-> raised [n, 2], empty places [m, 2] in the picture, pitch."""
    centres, cells, pitch, angle = truth
    t = np.deg2rad(angle)
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    raised, empty = [], []
    for d in range(6):
        at = centres + turn @ np.array([(d // 3 - 0.5) * pitch, (d % 3 - 1) * pitch])
        up = cells >> d & 1 == 1
        raised.append(at[up]), empty.append(at[~up])
    return np.concatenate(raised), np.concatenate(empty), pitch


class Page:
    def __init__(self, grey, raised, other, empty, pitch):
        scale = PX / pitch
        h, w = grey.shape
        small = cv2.resize(grey, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA).astype("float32")
        to = np.array([small.shape[1] / w, small.shape[0] / h])
        self.raised, self.other, self.empty = ((p + 0.5) * to - 0.5 for p in (raised, other, empty))
        background = cv2.blur(np.round(small).astype("uint8"), (31, 31), borderType=cv2.BORDER_REPLICATE).astype("float32") + 8
        flat = 128 * small / background - 128
        self.deviation = np.maximum(cv2.blur(np.abs(flat), (80, 45)), 0.5)
        self.picture = torch.from_numpy(flat)[None, None]
        grid = np.zeros(small.shape, "uint8")
        for x, y in np.round(self.raised).astype(int):
            if 0 <= x < grid.shape[1] and 0 <= y < grid.shape[0]:
                grid[y, x] = 1
        self.far = cv2.distanceTransform(1 - grid, cv2.DIST_L2, 5)  # to the next raised dot, px
        # what a matched filter takes for dots and is none: light above, shade below
        slope = -cv2.Sobel(cv2.GaussianBlur(flat, (0, 0), 2), cv2.CV_32F, 0, 1)
        peak = (slope == cv2.dilate(slope, np.ones((5, 5)))) & (slope > 0.12 * np.quantile(slope, 0.999)) & (self.far > 0.42 * PX)
        self.false = np.stack(np.nonzero(peak)[::-1], 1).astype(float)

    def sample(self, points, scale, turn, gain, left, top, right, bottom):
        """[n, 1, 24, 24]: points [n, 2] and lists of n; the crop ends left .. bottom pixels away."""
        h, w = self.picture.shape[2:]
        k = torch.arange(SIDE) - (SIDE - 1) / 2
        v, u = torch.meshgrid(k, k, indexing="ij")
        t = lambda a: torch.as_tensor(np.asarray(a), dtype=torch.float32)[:, None, None]
        s, c, i = t(scale), torch.cos(t(turn)), torch.sin(t(turn))
        du, dv = s * (c * u - i * v), s * (i * u + c * v)
        du = torch.maximum(torch.minimum(du, t(right)), -t(left))
        dv = torch.maximum(torch.minimum(dv, t(bottom)), -t(top))
        p = torch.as_tensor(points, dtype=torch.float32)
        x, y = p[:, 0, None, None] + du, p[:, 1, None, None] + dv
        grid = torch.stack([2 * x / (w - 1) - 1, 2 * y / (h - 1) - 1], -1).reshape(1, -1, SIDE, 2)
        out = F.grid_sample(self.picture, grid, padding_mode="border", align_corners=True).reshape(-1, 1, SIDE, SIDE)
        at = np.round(points).astype(int)
        dev = self.deviation[np.clip(at[:, 1], 0, h - 1), np.clip(at[:, 0], 0, w - 1)]
        return (out - out.mean((2, 3), keepdim=True)) / (t(dev) / t(gain))[:, None]


def load(patterns, held_out=None):
    pages = []
    for path in sorted(p for pattern in patterns for p in glob.glob(pattern)):
        stem = os.path.splitext(path)[0]
        if held_out is not None and (os.path.basename(stem) in HELD_OUT) != held_out:
            continue
        grey = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        sides = [read_truth(f"{stem}+{s}.txt", grey.shape) if os.path.exists(f"{stem}+{s}.txt") else None for s in ("recto", "verso")]
        sides = [dots_of(t) if t else None for t in sides]
        none = np.zeros((0, 2))
        for k in (0, 1):
            if not sides[k]:
                continue
            raised, empty, pitch = sides[k]
            other = sides[1 - k][0] if sides[1 - k] else none
            if k == 1:
                flip = lambda p: np.stack([grey.shape[1] - 1 - p[:, 0], p[:, 1]], 1)
                pages.append(Page(cv2.flip(255 - grey, 1), flip(raised), flip(other), flip(empty), pitch))
            else:
                pages.append(Page(grey, raised, other, empty, pitch))
    return pages


def batch(page, n, rng):
    """-> patches, labels, centres [n, 2] of the dots (nan: no dot)."""
    def pick(points, m, spread):
        if not len(points):
            return np.zeros((0, 2))
        return points[rng.integers(len(points), size=m)] + rng.normal(0, spread * PX, (m, 2)).clip(-0.16 * PX, 0.16 * PX)

    h, w = page.picture.shape[2:]
    true = pick(page.raised, n // 3, 0)
    a, far = rng.uniform(0, 2 * np.pi, len(true)), 0.24 * PX * np.sqrt(rng.uniform(0, 1, len(true)))
    yes = true + (far * np.stack([np.cos(a), np.sin(a)])).T
    no = [pick(page.empty, n // 5, 0.08), pick(page.other, n // 8, 0.15), pick(page.false, n // 3, 0.08), rng.uniform(0, 1, (n // 8, 2)) * [w - 1, h - 1]]
    near = pick(page.raised, n // 8, 0)
    a = rng.uniform(0, 2 * np.pi, len(near))
    no.append(near + (rng.uniform(0.45, 1.1, len(near)) * PX * np.stack([np.cos(a), np.sin(a)])).T)
    no = np.concatenate(no)
    at = np.round(no).astype(int)
    inside = (at >= 0).all(1) & (at < [w, h]).all(1)
    no, at = no[inside], at[inside]
    no = no[page.far[at[:, 1], at[:, 0]] > 0.42 * PX]
    points = np.concatenate([yes, no])
    m = len(points)
    ends = rng.uniform(0.25, 1.3, (4, m)) * PX  # only some crops end within the patch
    ends[rng.random((4, m)) < 0.75] = 1e3
    scale, turn = np.exp(rng.normal(0, 0.05, m)), rng.normal(0, 0.02, m)
    x = page.sample(points, scale, turn, np.exp(rng.normal(0, 0.3, m)), *ends)
    off = (true - yes) / scale[:len(yes), None]  # the turn is too small to matter
    return x, torch.cat([torch.ones(len(yes)), torch.zeros(len(no))]), torch.from_numpy(np.concatenate([off, np.full((len(no), 2), np.nan)])).float()


def draw(o):
    """Pages of random cells, four in five with the look of scans, one in four written on from one side only."""
    lot = random.Random(7)
    os.makedirs(o.out, exist_ok=True)

    def text(path):
        cells = [[lot.choice([lot.randrange(64), lot.randrange(64) & lot.randrange(64)]) if lot.random() < 0.85 else 0 for _ in range(20)] for _ in range(12)]
        with open(path, "w", encoding="utf8") as f:
            f.write("".join("".join(chr(0x2800 + c) for c in line) + "\n" for line in cells))
        return path

    for k in range(100):
        page = os.path.join(o.out, f"p{k}")
        words = [o.program, "render", "--page", text(page + "-recto.brl"), "-o", page + ".png", "--dsbi", "--scan" if k % 5 else "--weather", "--seed", str(k + 100)]
        words += ["--geometry", ("us", "europe", "press", "press-wide", "embosser")[k % 5], "--dpi", str(lot.choice([170, 200, 200, 200, 230, 260]))]
        words += ["--light", str(lot.choice([0, 0, 0, 8, -8, 15, -15, 22, -22]))]
        if k % 4:
            words += ["--verso", text(page + "-verso.brl")]
        subprocess.run(words, check=True)


def train(o):
    torch.set_num_threads(o.threads), torch.manual_seed(o.seed)
    rng = np.random.default_rng(o.seed)
    pages = load(o.pages, False)
    net = DotNet()
    ema, opt = Ema(net), torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-4)
    log(f"{len(pages)} sides, {sum(len(p.raised) for p in pages)} dots, {sum(p.numel() for p in net.parameters())} parameters")
    past = []
    for step in range(o.steps):
        for g in opt.param_groups:
            g["lr"] = cosine(step, o.steps, 2e-3)
        parts = [batch(pages[rng.integers(len(pages))], 192, rng) for _ in range(4)]
        x, y, off = (torch.cat([p[k] for p in parts]) for k in range(3))
        out = net(x)
        loss = F.binary_cross_entropy_with_logits(out[:, 0], y * 0.996 + 0.002)  # some labels are wrong
        miss = F.smooth_l1_loss(out[y > 0.5, 1:], off[y > 0.5], beta=0.5)
        opt.zero_grad(), (loss + 0.1 * miss).backward(), opt.step()
        ema.update(net, step)
        past.append([loss.item(), ((out[:, 0] > 0) == (y > 0.5)).float().mean().item(), (out[y > 0.5, 1:] - off[y > 0.5]).norm(dim=1).mean().item()])
        if (step + 1) % 200 == 0:
            log("step %d/%d loss %.4f right %.4f centre off by %.3f px of 10 a pitch" % (step + 1, o.steps, *np.mean(past[-200:], 0)))
        if (step + 1) % 1000 == 0 or step + 1 == o.steps:
            torch.save(dict(ema=ema.shadow, step=step + 1), o.out)


def restore(path):
    net = DotNet()
    net.load_state_dict(torch.load(path, weights_only=False)["ema"])
    return net.eval()


@torch.no_grad()
def check(o):
    net, pages = restore(o.out), load(o.pages, True)
    for name in ("raised", "empty", "other"):
        score = []
        for p in pages:
            points = getattr(p, name)
            points = points[p.far[np.round(points).astype(int)[:, 1].clip(0, p.far.shape[0] - 1), np.round(points).astype(int)[:, 0].clip(0, p.far.shape[1] - 1)] > 4.2] if name == "other" else points
            one = np.ones(len(points))
            score.append(net(p.sample(points, one, 0 * one, one, *(1e3 * np.ones((4, len(points))))))[:, 0])
        s = torch.cat(score)
        log(f"{name}: {len(s)} places, taken for a dot {(s > 0).float().mean():.5f}; quantiles of the logit", s.quantile(torch.tensor([0.001, 0.01, 0.5, 0.99, 0.999])).numpy().round(2))


def export(o):
    net = restore(o.out)
    # filters as [in][height][width][out], so that the inner loop runs over the outputs
    parts = [net.a.weight.permute(1, 2, 3, 0), net.a.bias, net.b.weight.permute(1, 2, 3, 0), net.b.bias, net.c.weight.T, net.c.bias, net.d.weight, net.d.bias]
    np.concatenate([p.detach().contiguous().numpy().ravel() for p in parts]).astype("<f2").tofile(o.weights)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    for name, run in (("train", train), ("check", check)):
        c = sub.add_parser(name)
        c.set_defaults(run=run)
        c.add_argument("out"), c.add_argument("--pages", nargs="+", required=True)
        c.add_argument("--steps", type=int, default=20000), c.add_argument("--threads", type=int, default=1), c.add_argument("--seed", type=int, default=0)
    d = sub.add_parser("draw")
    d.set_defaults(run=draw)
    d.add_argument("out"), d.add_argument("--program", required=True)
    e = sub.add_parser("export")
    e.set_defaults(run=export)
    e.add_argument("out"), e.add_argument("weights")
    o = ap.parse_args()
    random.seed(0)
    o.run(o)


if __name__ == "__main__":
    main()
