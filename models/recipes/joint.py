#!/usr/bin/env python3
"""Joint fine-tuning of the image-text and the text-speech model on BIT-DP: equation (10) of arXiv 2407.14212.

  joint.py train OUT.pt CLIP.pt FASTSPEECH2 BIT-DIR --corpus DIR [--corpus DIR ...] --teacher TEACHER.tsv [--lambda 0.5] [--stages two] [--seed 0]     resumable
  joint.py export OUT.pt FOLDER            FOLDER/clip.safetensors and FOLDER/fastspeech2.safetensors, as the programs load them

(10) L = lambda L_image-text + (1 - lambda) L_text-audio: the contrastive loss of contrastive.py on a batch of pairs, and the loss of fastspeech2.py (--loss) on
sentences that say texts of the same batch, one optimiser over both models, the norm of the whole gradient clipped. Each corpus is a folder as fastspeech2.py
reads it (teacher.py's, with single syllables, too). Numbers and signs have no speech of their own there: such pairs add to the first term only.

The models share no parameter, so the gradient of each is that of its own loss times lambda or 1 - lambda, and AdamW divides by the gradient's own size:
what lambda can change is only who is clipped, and Adam's epsilon. --stages two is the paper's other arrangement: two optimisers, two clippings, no lambda.
"""
import argparse
import random
import re
import time

import numpy as np
import torch
import torch.nn as nn

import contrastive
import fastspeech2
from bit import Pairs
from common import Checkpoint, Ema, begin, cosine, device_option, log, random_state, restore_random, rows


class Speech:
    """Sentences by the syllables they say."""

    def __init__(self, corpora, teacher, names, keep, n_items=None):
        index, tokens = {n: i for i, n in enumerate(names)}, fastspeech2.teacher_tokens(teacher)
        self.items, self.saying = [], {}
        for corpus in corpora:
            for r in rows(corpus, "train")[:n_items]:
                said = set(re.findall(r"[a-zê]+[1-5]", r["pinyin"]))
                if said & keep:
                    for syllable in said:
                        self.saying.setdefault(syllable, []).append(len(self.items))
                    self.items.append(fastspeech2.item(corpus, r, tokens, index))
        if not self.items:
            raise SystemExit("no sentence of the corpora says a text of the pictures")

    def choose(self, texts, n, rng):
        """n sentences, each saying one of the texts when any does."""
        said = [t for t in texts if t in self.saying]
        return [self.items[rng.choice(self.saying[rng.choice(said)]) if said else rng.randrange(len(self.items))] for _ in range(n)]


def speech_loss(g, items, form):
    ids, mask, dur, m, pitch, energy, voice = fastspeech2.batch_of(items, g.speakers.device)
    return fastspeech2.losses(g(ids, mask, dur, pitch, energy, voice=voice), mask, dur, m, pitch, energy, form)


def train(o):
    device = begin(o)
    eye, clip_state = contrastive.restore(o.clip)
    voice, names, voice_step = fastspeech2.restore(o.fastspeech2)
    both = nn.ModuleDict(dict(eye=eye.train(), voice=voice.train())).to(device)
    together = o.stages == "joint"
    opts = [contrastive.optimizer(eye, o.rate), torch.optim.AdamW(voice.parameters(), o.voice_rate, (0.9, 0.98), weight_decay=0.01)]
    ema, keep, step = Ema(both, 0.99), Checkpoint(o.out, 60), 0
    state = keep.load()
    if state:
        both.load_state_dict(state["g"]), restore_random(state["random"])
        for opt, s in zip(opts, state["opts"]):
            opt.load_state_dict(s)
        ema.load(state["ema"])
        step = state["step"]
    c = eye.config
    pairs = Pairs([o.folder], "train", c["width"], c["height"], o.cache)
    speech = Speech(o.corpus, o.teacher, names, set(pairs.distinct), o.n_items)
    weight = (o.weight, 1 - o.weight) if together else (1, 1)
    log(f"{len(pairs)} pictures, {len(speech.items)} sentences, {o.stages}, lambda {weight[0]:.1f} and {weight[1]:.1f}, from step {step} of {o.steps}")
    past, t0, source = [], time.time(), pairs.batches(o.batch, o.seed, step)
    while step < o.steps:
        for opt, top in zip(opts, (o.rate, o.voice_rate)):
            for p in opt.param_groups:
                p["lr"] = cosine(step, o.steps, top, warm=min(50, o.steps // 5))
        batch = next(source)
        rng = random.Random(f"{o.seed}/{step}")
        image_text, right = contrastive.image_text_loss(eye, pairs, batch)
        parts, text_audio = speech_loss(voice, speech.choose([pairs.texts[i] for i in batch], o.sentences, rng), o.loss)
        for opt in opts:
            opt.zero_grad()
        (weight[0] * image_text + weight[1] * text_audio).backward()
        norms = [nn.utils.clip_grad_norm_(m.parameters(), 1.0) for m in ([both] if together else [eye, voice])]
        for opt in opts:
            opt.step()
        with torch.no_grad():
            eye.logit_scale.clamp_(0, 4.6052)
        step += 1
        ema.update(both, step)
        past.append([image_text.item(), right, text_audio.item(), parts[0].item(), float(norms[0])])
        if step % 20 == 0:
            log(f"step {step}/{o.steps} {(time.time() - t0) / len(past):.2f} s/step  image-text %.4f  right in batch %.4f  text-audio %.4f  mel %.4f  gradient %.2f"
                % tuple(np.mean(past[-50:], 0)))
        keep.save(dict(g=both.state_dict(), opts=[opt.state_dict() for opt in opts], ema=ema.shadow, step=step, size=clip_state["size"],
                       clip_step=clip_state["step"], voice_step=voice_step, weight=o.weight, stages=o.stages, random=random_state()), step == o.steps)


def export_both(path, folder):
    import os

    state = torch.load(path, map_location="cpu", weights_only=False)
    part = lambda name: {k[len(name) + 1:]: v for k, v in state["ema"].items() if k.startswith(name + ".")}
    eye = contrastive.BrailleCLIP(contrastive.SIZES[state["size"]])
    eye.load_state_dict(part("eye"))
    names, weights = fastspeech2.vocabulary(), part("voice")
    voice = fastspeech2.FastSpeech2(fastspeech2.CONFIG, len(names), len(weights["speakers"]))
    voice.load_state_dict(weights)
    os.makedirs(folder, exist_ok=True)
    contrastive.write(f"{folder}/clip.safetensors", eye, dict(step=state["clip_step"] + state["step"]))
    fastspeech2.write(f"{folder}/fastspeech2.safetensors", voice, names, state["voice_step"] + state["step"])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    t = sub.add_parser("train")
    for a in ("out", "clip", "fastspeech2", "folder"):
        t.add_argument(a)
    t.add_argument("--corpus", action="append", required=True), t.add_argument("--teacher", required=True)
    t.add_argument("--lambda", dest="weight", type=float, default=0.5), t.add_argument("--stages", choices=("joint", "two"), default="joint")
    t.add_argument("--steps", type=int, default=300), t.add_argument("--batch", type=int, default=64), t.add_argument("--sentences", type=int, default=2)
    t.add_argument("--rate", type=float, default=5e-4), t.add_argument("--voice-rate", type=float, default=2e-4)
    t.add_argument("--loss", choices=fastspeech2.LOSSES, default="shipped")
    t.add_argument("--seed", type=int, default=0), t.add_argument("--threads", type=int, default=1)
    t.add_argument("--n-items", type=int, help="only the first N sentences of each corpus (for a trial)"), t.add_argument("--cache")
    device_option(t)
    e = sub.add_parser("export")
    e.add_argument("checkpoint"), e.add_argument("folder")
    o = ap.parse_args()
    if o.command == "export":
        return export_both(o.checkpoint, o.folder)
    if not 0 <= o.weight <= 1:
        ap.error("--lambda is between 0 and 1")
    train(o)


if __name__ == "__main__":
    main()
