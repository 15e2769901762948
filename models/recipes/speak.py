#!/usr/bin/env python3
"""speak.py FASTSPEECH2 HIFIGAN.pt|griffin-lim LIST.tsv DIR [--copy CORPUS] [--voice 0] [--seed 0] [-n 20]: hear checkpoints before they ship, in PyTorch.

As the product does it, the filter behind the vocoder included. Griffin-Lim (1984; librosa, 60 iterations) begins with random phases, from --seed. LIST.tsv: `id<TAB>hanzi<TAB>pinyin` with sandhi applied. With --copy the vocoder speaks the true mel and F0 of the corpus (copy synthesis) instead.
"""
import argparse
import os

import librosa
import numpy as np
import soundfile as sf
import torch

import envelope
import fastspeech2
import hifigan
from common import HOP, N_FFT, RATE, audio, mel, rows
from phones import phones


def griffin_lim(m, seed):
    """Log-mel [80, T] -> samples [256 T]: amplitudes by non-negative least squares, then phases."""
    power = librosa.feature.inverse.mel_to_stft(np.exp(m), sr=RATE, n_fft=N_FFT, power=1, fmin=0, fmax=RATE / 2)
    y = librosa.griffinlim(power, n_iter=60, hop_length=HOP, n_fft=N_FFT, center=False, random_state=seed)
    edge = (N_FFT - HOP) // 2
    return y[edge:edge + m.shape[1] * HOP]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for a in ("fastspeech2", "hifigan", "list", "dir"):
        ap.add_argument(a)
    ap.add_argument("--copy"), ap.add_argument("--voice", type=int, default=0), ap.add_argument("--seed", type=int, default=0), ap.add_argument("-n", type=int, default=10**9)
    o = ap.parse_args()
    torch.set_num_threads(1)
    state = None if o.hifigan == "griffin-lim" else torch.load(o.hifigan, map_location="cpu", weights_only=False)
    config = hifigan.CONFIGS[state.get("config", "source") if state else "source"]
    vocoder = hifigan.fused(state["ema"], config)[0] if state else None
    harmonics = config.get("source", hifigan.CONFIGS["source"]["source"])
    corpus = {r["id"]: r for r in rows(o.copy)} if o.copy else {}
    g, names, _ = (None, None, None) if o.copy else fastspeech2.restore(o.fastspeech2)
    os.makedirs(o.dir, exist_ok=True)
    with open(o.list, encoding="utf8") as f, torch.no_grad():
        for key, _, pinyin in (line.rstrip("\n").split("\t") for line in list(f)[:o.n]):
            if o.copy:
                x = audio(o.copy, corpus[key])
                n = len(x) // HOP * HOP
                m, e = mel(torch.from_numpy(x[:n])[None]), hifigan.source(np.array(corpus[key]["f0"], "float32"), n, harmonics, RATE // 80, 1 / 3)
            else:
                ids = torch.tensor([[[names.index(a), b, c] for a, b, c in phones(pinyin)[0]]])
                out = g(ids, torch.zeros(ids.shape[:2], dtype=torch.bool), voice=torch.tensor([o.voice]))
                c, p = fastspeech2.CONFIG, out["pitch"][0]
                f0 = (torch.exp(c["pitch_mean"] + c["pitch_scale"] * p[:, 0]) * p[:, 1]).numpy()
                m = out["mel"].transpose(1, 2)
                e = hifigan.source(f0, m.shape[2] * HOP, harmonics, HOP)
            y = vocoder(m, torch.from_numpy(e)[None, None])[0, 0].numpy() if vocoder else griffin_lim(m[0].numpy(), o.seed)
            y = envelope.correct(torch.from_numpy(y), m[0], 2, 0.0 if o.copy else 0.4).numpy()
            sf.write(f"{o.dir}/{key}.wav", np.clip(y, -1, 1), RATE)


if __name__ == "__main__":
    main()
