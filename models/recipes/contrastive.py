#!/usr/bin/env python3
"""Contrastive training of a whole-crop CLIP on BIT: equations (1)-(3) of arXiv 2407.14212.

  contrastive.py train OUT.pt BIT-DIR ... [--size mini|small|base] [--seed 0] [--steps 1500] [--start OTHER.pt] [--without BIT-DIR]     resumable
  contrastive.py export OUT.pt chinese-braille.safetensors              what models/clip loads: braille-eval retrieval --clip FILE
  contrastive.py check OUT.pt BIT-DIR                                   share of test pictures whose text is the nearest of all test texts

(1) I = normalise(image tower), T = normalise(text tower); (2) logits = exp(t) I T'; (3) loss = (cross-entropy over rows + cross-entropy over columns) / 2,
the pairs of the batch being the positives. No text comes twice in a batch: 1,290 of BIT's clean pictures share 21 signs, and the equation would
take equal texts for wrong answers. --without leaves out the texts that only the test split of BIT-DIR has, so that a pre-training has not seen them.
"""
import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F

from bit import LETTERS, Pairs
from clip_model import CONFIG, SPECIALS, BrailleCLIP
from common import Checkpoint, Ema, begin, cosine, device_option, export, log

SHARED = dict(CONFIG, width=96, height=32, patch=8, max_text=10, vocab=[*SPECIALS, *LETTERS], fit="stretch", px_per_pitch=1.0)
SIZES = {
    "tiny": dict(SHARED, vision_width=32, vision_layers=1, vision_heads=2, embed=32, text_width=32, text_layers=1, text_heads=2, text_ffn=64),  # for tests
    "mini": dict(SHARED, vision_width=32, vision_layers=2, vision_heads=2, embed=64, text_width=64, text_layers=2, text_heads=2, text_ffn=256),
    "small": dict(SHARED, vision_width=64, vision_layers=3, vision_heads=4, embed=64, text_width=64, text_layers=2, text_heads=2, text_ffn=256),
    "base": dict(SHARED, vision_width=96, vision_layers=5, vision_heads=4, embed=64, text_width=64, text_layers=2, text_heads=2, text_ffn=256),
}


def contrastive_loss(image, text, scale):
    """Equations (2) and (3): pair i is (image i, text i)."""
    logits = scale * image @ text.T
    pairs = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs)) / 2


def only_in_test(folder):
    from bit import records

    rows = records(folder)
    return {r["text"] for r in rows if r["split"] == "test"} - {r["text"] for r in rows if r["split"] != "test"}


def optimizer(g, rate):
    decay = [p for p in g.parameters() if p.ndim > 1]
    return torch.optim.AdamW([dict(params=decay, weight_decay=0.05), dict(params=[p for p in g.parameters() if p.ndim <= 1], weight_decay=0)], rate, (0.9, 0.98), 1e-6)


def image_text_loss(g, pairs, batch):
    """-> loss of equation (3) of a batch, and the share of pictures nearest to their own text."""
    device = g.logit_scale.device
    image, text, scale = g(torch.from_numpy(pairs.crops[batch]).to(device), g.tokenise([pairs.texts[i] for i in batch]).to(device))
    right = (image @ text.T).argmax(1) == torch.arange(len(batch), device=device)
    return contrastive_loss(image, text, scale), right.float().mean().item()


def restore(path):
    state = torch.load(path, map_location="cpu", weights_only=False)
    g = BrailleCLIP(SIZES[state["size"]])
    g.load_state_dict(state["ema"])
    return g.eval(), state


def train(o):
    device, config = begin(o), SIZES[o.size]
    g = BrailleCLIP(config).to(device)
    if o.start:
        g.load_state_dict(torch.load(o.start, map_location="cpu", weights_only=False)["ema"])
    opt, ema, keep, step = optimizer(g, o.rate), Ema(g, 0.995), Checkpoint(o.out, 60), 0
    state = keep.load()
    if state:
        g.load_state_dict(state["g"]), opt.load_state_dict(state["opt"])
        ema.load(state["ema"])
        step = state["step"]
    pairs = Pairs(o.folders, "train", config["width"], config["height"], o.cache, only_in_test(o.without) if o.without else ())
    log(f"{len(pairs)} pictures, {len(pairs.distinct)} texts, {sum(p.numel() for p in g.parameters()) / 1e6:.2f} M parameters, from step {step} of {o.steps}")
    past, t0, source = [], time.time(), pairs.batches(o.batch, o.seed, step)
    while step < o.steps:
        for p in opt.param_groups:
            p["lr"] = cosine(step, o.steps, o.rate, warm=min(100, o.steps // 5))
        loss, right = image_text_loss(g, pairs, next(source))
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(g.parameters(), 1.0)
        opt.step()
        with torch.no_grad():
            g.logit_scale.clamp_(0, 4.6052)
        step += 1
        ema.update(g, step)
        past.append([loss.item(), right])
        if step % 50 == 0:
            log(f"step {step}/{o.steps} {(time.time() - t0) / len(past):.3f} s/step  loss %.4f  right in batch %.4f" % tuple(np.mean(past[-50:], 0)))
        keep.save(dict(g=g.state_dict(), opt=opt.state_dict(), ema=ema.shadow, step=step, size=o.size), step == o.steps)


@torch.no_grad()
def accuracy(g, pairs):
    text = g.encode_text(g.tokenise(pairs.distinct))
    image = torch.cat([g.encode_image(torch.from_numpy(pairs.crops[i:i + 256])) for i in range(0, len(pairs), 256)])
    right = ((image @ text.T).argmax(1).numpy() == pairs.label)
    return dict(all=right.mean(), **{t: right[np.array(pairs.types) == t].mean() for t in sorted(set(pairs.types))})


def write(path, g, state):
    export(path, g.state_dict(), dict(g.config, model="clip", steps=state["step"]))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    t = sub.add_parser("train")
    t.add_argument("out"), t.add_argument("folders", nargs="+"), t.add_argument("--size", choices=SIZES, default="small")
    t.add_argument("--steps", type=int, default=1500), t.add_argument("--batch", type=int, default=128), t.add_argument("--rate", type=float, default=2e-3)
    t.add_argument("--seed", type=int, default=0), t.add_argument("--threads", type=int, default=1), t.add_argument("--start"), t.add_argument("--without")
    device_option(t)
    c = sub.add_parser("check")
    c.add_argument("checkpoint"), c.add_argument("folder")
    for p in (t, c):
        p.add_argument("--cache", help="folder that keeps the stretched pictures")
    e = sub.add_parser("export")
    e.add_argument("checkpoint"), e.add_argument("out")
    o = ap.parse_args()
    if o.command == "train":
        return train(o)
    g, state = restore(o.checkpoint)
    if o.command == "export":
        return write(o.out, g, state)
    log({k: round(float(v), 4) for k, v in accuracy(g, Pairs([o.folder], "test", g.config["width"], g.config["height"], o.cache)).items()})


if __name__ == "__main__":
    main()
