#!/usr/bin/env python3
"""HiFi-GAN generators, and the recipe of the shipped vocoder.

  hifigan.py train CORPUS OUT.pt [--steps 12000] [--threads 1]     resumable: the same command goes on where it stopped
  hifigan.py train CORPUS FINE.pt --start OUT.pt --mels DIR --lr 3e-4 --steps 3000           on the acoustic model's own mels
  hifigan.py train CORPUS OUT.pt --more DIR --more DIR:MELS                                  with other voices (teacher.py's folders), on true or own mels
  hifigan.py train CORPUS V3.pt --config V3 --adversarial                                    upstream's generators (V1, V2, V3), as upstream trains them
  hifigan.py export OUT.pt models/weights/hifigan.safetensors

`Generator` is jik876's (V1, V2, V3 by configuration), and with `source` and `istft` set the same trunk with a harmonic source from F0
and a short inverse STFT as its last layer. Both Fourier layers are written as convolutions with fixed weights, so that one kernel serves all.
The shipped form is trained with spectral losses only (log-mel, multi-resolution STFT, compressed complex STFT), in f32: bfloat16 was seen to stall (mel L1 0.75 at step
3,000 where f32 has 0.65 at step 900; its noise floor hides the quiet bands). Measured in ../weights/hifigan.md.
"""
import argparse
import math
import random
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm

from common import HOP, RATE, Checkpoint, Ema, audio, begin, cosine, device_option, export, log, mel, rows
from discriminators import Judges

CONFIGS = {
    "V1": dict(channels=512, rates=[8, 8, 2, 2], kernels=[16, 16, 4, 4], resblock=1, res_kernels=[3, 7, 11], res_dilations=[[1, 3, 5]] * 3),
    "V2": dict(channels=128, rates=[8, 8, 2, 2], kernels=[16, 16, 4, 4], resblock=1, res_kernels=[3, 7, 11], res_dilations=[[1, 3, 5]] * 3),
    "V3": dict(channels=256, rates=[8, 8, 4], kernels=[16, 16, 8], resblock=2, res_kernels=[3, 5, 7], res_dilations=[[1, 2], [2, 6], [3, 12]]),
    "source": dict(channels=256, rates=[8, 8], kernels=[16, 16], resblock=2, res_kernels=[3, 5, 7], res_dilations=[[1, 2], [2, 6], [3, 12]],
                   istft=dict(n_fft=16, hop=4, max_log=6.0),
                   # the teacher's own source (Kokoro-82M, its SourceModuleHnNSF): 9 harmonics, mixed and squashed
                   source=dict(scale=0.1, bias=-0.02945026, weights=[-.08154187, -.18519667, -.18263398, -.17837206, -.09873895,
                                                                     .08264039, .08743999, -.39068547, -.54774433])),
}


def source(f0, n, config, hop, offset=0.5):
    """Harmonic source: F0 in Hz per `hop` samples (voiced above 10) -> n samples; sample i sits at (i + offset) / hop - 0.5 frames."""
    phase = np.cumsum(f0.astype("float64") * hop / RATE)
    cycles = np.interp((np.arange(n) + offset) / hop - 0.5, np.arange(len(f0)), phase)
    voiced = np.repeat(f0 > 10, hop)[:n].astype("float32")
    voiced = np.pad(voiced, (0, n - len(voiced)))
    w = np.array(config["weights"])[:, None]
    sines = np.sin(2 * np.pi * np.arange(1, len(w) + 1)[:, None] * cycles) * config["scale"] * voiced
    return np.tanh((sines * w).sum(0) + config["bias"]).astype("float32")


def fourier(n_fft):
    """-> analysis [n_fft + 2, 1, n_fft], synthesis [n_fft + 2, 1, n_fft]: Hann-windowed DFT and its overlap-add inverse at hop n_fft / 4."""
    n, k = torch.arange(n_fft), torch.arange(n_fft // 2 + 1)[:, None]
    hann = torch.hann_window(n_fft)
    angle = 2 * math.pi * k * n / n_fft
    analysis = torch.cat([torch.cos(angle), -torch.sin(angle)]) * hann
    twice = torch.where((k == 0) | (k == n_fft // 2), 1.0, 2.0)
    synthesis = torch.cat([torch.cos(angle) * twice, -torch.sin(angle) * twice]) * hann / n_fft / 1.5
    return analysis[:, None], synthesis[:, None]


class ResBlock1(nn.Module):
    def __init__(self, c, k, dilations):
        super().__init__()
        self.convs1 = nn.ModuleList(weight_norm(nn.Conv1d(c, c, k, dilation=d, padding=(k - 1) * d // 2)) for d in dilations)
        self.convs2 = nn.ModuleList(weight_norm(nn.Conv1d(c, c, k, padding=k // 2)) for _ in dilations)

    def forward(self, x):
        for a, b in zip(self.convs1, self.convs2):
            x = x + b(F.leaky_relu(a(F.leaky_relu(x, 0.1)), 0.1))
        return x


class ResBlock2(nn.Module):
    def __init__(self, c, k, dilations):
        super().__init__()
        self.convs = nn.ModuleList(weight_norm(nn.Conv1d(c, c, k, dilation=d, padding=(k - 1) * d // 2)) for d in dilations)

    def forward(self, x):
        for a in self.convs:
            x = x + a(F.leaky_relu(x, 0.1))
        return x


class Generator(nn.Module):
    """mel [B, 80, T] (and, with a source, excitation [B, 1, 256 T]) -> samples [B, 1, 256 T]."""

    def __init__(self, config):
        super().__init__()
        self.config, c = config, config["channels"]
        block = ResBlock1 if config["resblock"] == 1 else ResBlock2
        self.conv_pre = weight_norm(nn.Conv1d(80, c, 7, padding=3))
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for i, (r, k) in enumerate(zip(config["rates"], config["kernels"])):
            self.ups.append(weight_norm(nn.ConvTranspose1d(c >> i, c >> (i + 1), k, r, padding=(k - r) // 2)))
            self.resblocks.extend(block(c >> (i + 1), k2, d) for k2, d in zip(config["res_kernels"], config["res_dilations"]))
        last = c >> len(config["rates"])
        self.istft = config.get("istft")
        if self.istft:
            n = self.istft["n_fft"]
            analysis, synthesis = fourier(n)
            self.register_buffer("analysis", analysis, persistent=False)
            self.register_buffer("synthesis", synthesis, persistent=False)
            stride = HOP // config["rates"][0]
            self.source_down = nn.Conv1d(1, c >> 1, 2 * stride, stride, padding=stride // 2)
            self.source_stft = nn.Conv1d(n + 2, last, 7, padding=3)
        self.conv_post = weight_norm(nn.Conv1d(last, self.istft["n_fft"] + 2 if self.istft else 1, 7, padding=3))

    def forward(self, m, excitation=None):
        n = len(self.config["res_kernels"])
        x = self.conv_pre(m)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            if self.istft and i == 0:
                x = x + self.source_down(excitation)
            if self.istft and i == 1:
                p = (self.istft["n_fft"] - self.istft["hop"]) // 2
                x = x + self.source_stft(F.conv1d(excitation, self.analysis, stride=self.istft["hop"], padding=p))
            x = sum(b(x) for b in self.resblocks[i * n:i * n + n]) / n
        x = self.conv_post(F.leaky_relu(x))  # 0.01, upstream's default slope
        if not self.istft:
            return torch.tanh(x)
        half = self.istft["n_fft"] // 2 + 1
        amplitude, phase = torch.exp(x[:, :half].clamp(max=self.istft["max_log"])), math.pi * torch.sin(x[:, half:])
        z = torch.cat([amplitude * torch.cos(phase), amplitude * torch.sin(phase)], 1)
        return F.conv_transpose1d(z, self.synthesis, stride=self.istft["hop"], padding=(self.istft["n_fft"] - self.istft["hop"]) // 2)


_WINDOWS = {n: torch.hann_window(n) for n in (2048, 1024, 512, 128)}


def spectral_losses(a, b):
    """Multi-resolution log-magnitude L1 + spectral convergence, and the L1 of complex spectra with magnitudes raised to 0.3."""
    magnitude = compressed = 0
    for n, hop in ((2048, 512), (1024, 256), (512, 128), (128, 32)):
        x, y = (torch.stft(v, n, hop, n, _WINDOWS[n].to(v.device), return_complex=True) for v in (a, b))
        mx, my = x.abs().clamp(min=1e-5), y.abs().clamp(min=1e-5)
        magnitude = magnitude + F.l1_loss(mx.log(), my.log()) + (mx - my).norm() / my.norm()
        if n in (1024, 512):
            compressed = compressed + (x * mx**-0.7 - y * my**-0.7).abs().mean()
    return magnitude / 4, compressed / 2


def load(corpus, config, segment, count=None, mels=None):
    """-> (samples, source, mel or None) a sentence; the mels of `mels` are the acoustic model's (fastspeech2.py mels)."""
    data, harmonics = [], config.get("source", CONFIGS["source"]["source"])
    for r in rows(corpus, "train")[:count]:
        x = audio(corpus, r)
        own = torch.from_numpy(np.load(f"{mels}/{r['id']}.npy")) if mels else None
        n = min(len(x) // HOP, own.shape[1] if mels else 10**9) * HOP
        if n > segment + HOP:
            # the teacher's F0 comes every 12.5 ms; the resampled sample i sits at (i + 1/3) / 200 - 0.5
            e = source(np.array(r["f0"], "float32"), n, harmonics, RATE // 80, 1 / 3)
            data.append((torch.from_numpy(x[:n]), torch.from_numpy(e).half(), own))
    return data


def start_from(g, path):
    """A checkpoint, or what ships: there weight norm was folded in, and setting a weight takes it apart again."""
    if not path.endswith(".safetensors"):
        return g.load_state_dict(torch.load(path, map_location="cpu", weights_only=False)["ema"])
    from safetensors.torch import load_file

    state = load_file(path)
    with torch.no_grad():
        for name, m in g.named_modules():
            if name + ".weight" in state:
                m.weight = nn.Parameter(state[name + ".weight"].float()) if not hasattr(m, "parametrizations") else state[name + ".weight"].float()
                m.bias.copy_(state[name + ".bias"])


def train(o):
    device, config = begin(o), CONFIGS[o.config]
    random.seed(o.seed)
    g = Generator(config).to(device)
    opt = torch.optim.AdamW(g.parameters(), 1e-3, (0.8, 0.99))
    judges = Judges(o.lr, device) if o.adversarial else None
    ema, keep, step = Ema(g), Checkpoint(o.out), 0
    state = keep.load()
    if state:
        g.load_state_dict(state["g"]), opt.load_state_dict(state["opt"])
        ema.load(state["ema"])
        step = state["step"]
        random.setstate(state["random"])
        if judges:
            judges.restore(state["judges"])
    elif o.start:
        start_from(g, o.start)
        ema = Ema(g)
    data = load(o.corpus, config, o.segment, o.n_items, o.mels)
    for folder, _, mels in (m.partition(":") for m in o.more):
        data += load(folder, config, o.segment, o.n_items, mels or None)
    log(f"{len(data)} sentences, {sum(p.numel() for p in g.parameters()) / 1e6:.2f} M parameters, from step {step} of {o.steps}")
    past, t0 = [], time.time()
    while step < o.steps:
        for p in opt.param_groups:
            p["lr"] = cosine(step, o.steps, o.lr)
        batch = []
        for _ in range(o.batch):
            x, e, own = random.choice(data)
            i = random.randrange(0, len(x) // HOP - o.segment // HOP)
            at, to = i * HOP, i * HOP + o.segment
            batch.append((x[at:to], e[at:to].float(), None if own is None else own[:, i:i + o.segment // HOP].float()))
        y, e = (torch.stack([b[k] for b in batch]).to(device) for k in (0, 1))
        m = mel(y)
        got = g(torch.stack([true if b[2] is None else b[2].to(device) for b, true in zip(batch, m)]), e[:, None])[:, 0]
        l_mel = F.l1_loss(mel(got), m)
        l_mag, l_complex = spectral_losses(got, y)
        # upstream's weights for its own generators: 45 mel, 2 features, 1 adversarial; they have no spectral terms
        loss = 45 * l_mel + (10 * l_mag + 30 * l_complex if "istft" in config or not judges else 0)
        if judges:
            loss = loss + judges.step(y, got)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(g.parameters(), 50.0)
        opt.step()
        step += 1
        ema.update(g, step)
        past.append([l_mel.item(), l_mag.item(), l_complex.item()])
        if step % 20 == 0:
            log(f"step {step}/{o.steps} {(time.time() - t0) / len(past):.2f} s/step  mel %.4f  stft %.4f  complex %.4f" % tuple(np.mean(past[-50:], 0)))
        keep.save(dict(g=g.state_dict(), opt=opt.state_dict(), ema=ema.shadow, step=step, random=random.getstate(), config=o.config,
                       judges=judges.state() if judges else None), step == o.steps)


def fused(state, config):
    """State with weight norm -> plain weights under upstream's names, and the configuration."""
    g = Generator(config)
    g.load_state_dict(state)
    for m in g.modules():
        if hasattr(m, "parametrizations"):
            torch.nn.utils.parametrize.remove_parametrizations(m, "weight")
    return g.eval(), dict(g.state_dict())


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    t = sub.add_parser("train")
    t.add_argument("corpus"), t.add_argument("out")
    t.add_argument("--steps", type=int, default=12000), t.add_argument("--batch", type=int, default=4), t.add_argument("--segment", type=int, default=8192)
    t.add_argument("--threads", type=int, default=1), t.add_argument("--seed", type=int, default=0)
    t.add_argument("--lr", type=float, default=1e-3), t.add_argument("--start", help="weights to begin with: a checkpoint, or the safetensors that ships"), t.add_argument("--mels", help="folder of mels to speak from")
    t.add_argument("--n-items", type=int, help="only the first N sentences (for a trial)")
    t.add_argument("--more", action="append", default=[], metavar="DIR[:MELS]"), t.add_argument("--config", choices=CONFIGS, default="source")
    t.add_argument("--adversarial", action="store_true", help="with upstream's discriminators")
    device_option(t)
    e = sub.add_parser("export")
    e.add_argument("checkpoint"), e.add_argument("out")
    o = ap.parse_args()
    if o.command == "train":
        return train(o)
    state = torch.load(o.checkpoint, map_location="cpu", weights_only=False)
    config = CONFIGS[state.get("config", "source")]
    export(o.out, fused(state["ema"], config)[1], dict(config, model="hifigan", rate=RATE, hop=HOP, n_mels=80, steps=state["step"]))


if __name__ == "__main__":
    main()
