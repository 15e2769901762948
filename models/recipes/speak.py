#!/usr/bin/env python3
"""speak.py FASTSPEECH2.pt HIFIGAN.pt LIST.tsv DIR [--copy CORPUS] [--voice 0] [-n 20]: hear checkpoints before they ship, in PyTorch.

As the product does it, the filter behind the vocoder included. LIST.tsv: `id<TAB>hanzi<TAB>pinyin` with sandhi applied. With --copy the vocoder speaks the true mel and F0 of the corpus (copy synthesis) instead.
"""
import argparse
import os

import numpy as np
import soundfile as sf
import torch

import envelope
import fastspeech2
import hifigan
from common import HOP, RATE, audio, mel, rows
from phones import phones


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for a in ("fastspeech2", "hifigan", "list", "dir"):
        ap.add_argument(a)
    ap.add_argument("--copy"), ap.add_argument("--voice", type=int, default=0), ap.add_argument("-n", type=int, default=10**9)
    o = ap.parse_args()
    torch.set_num_threads(1)
    config = hifigan.CONFIGS["source"]
    vocoder = hifigan.fused(torch.load(o.hifigan, weights_only=False)["ema"], config)[0]
    corpus = {r["id"]: r for r in rows(o.copy)} if o.copy else {}
    g, names, _ = (None, None, None) if o.copy else fastspeech2.restore(o.fastspeech2)
    os.makedirs(o.dir, exist_ok=True)
    with open(o.list, encoding="utf8") as f, torch.no_grad():
        for key, _, pinyin in (line.rstrip("\n").split("\t") for line in list(f)[:o.n]):
            if o.copy:
                x = audio(o.copy, corpus[key])
                n = len(x) // HOP * HOP
                m, e = mel(torch.from_numpy(x[:n])[None]), hifigan.source(np.array(corpus[key]["f0"], "float32"), n, config["source"], RATE // 80, 1 / 3)
            else:
                ids = torch.tensor([[[names.index(a), b, c] for a, b, c in phones(pinyin)[0]]])
                out = g(ids, torch.zeros(ids.shape[:2], dtype=torch.bool), voice=torch.tensor([o.voice]))
                c, p = fastspeech2.CONFIG, out["pitch"][0]
                f0 = (torch.exp(c["pitch_mean"] + c["pitch_scale"] * p[:, 0]) * p[:, 1]).numpy()
                m = out["mel"].transpose(1, 2)
                e = hifigan.source(f0, m.shape[2] * HOP, config["source"], HOP)
            y = vocoder(m, torch.from_numpy(e)[None, None])[0, 0].numpy()
            y = envelope.correct(torch.from_numpy(y), m[0], 2, 0.0 if o.copy else 0.4).numpy()
            sf.write(f"{o.dir}/{key}.wav", np.clip(y, -1, 1), RATE)


if __name__ == "__main__":
    main()
