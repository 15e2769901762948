#!/usr/bin/env python3
"""FastSpeech2, and the recipe of the shipped acoustic model.

  fastspeech2.py train CORPUS TEACHER.tsv OUT.pt [--steps 6000] [--threads 1] [--bf16]   resumable
  fastspeech2.py train CORPUS TEACHER.tsv OUT.pt --start ONE.pt --more DIR:0 --more DIR:1   more speech (teacher.py's folders), the number is the voice
  fastspeech2.py export OUT.pt models/weights/fastspeech2.safetensors
  fastspeech2.py mels OUT.pt CORPUS TEACHER.tsv DIR     its own mels of the training sentences, true durations and pitch (to finish the vocoder on)

TEACHER.tsv is kokoro_zh_syllables.tsv (how many of the teacher's tokens a syllable has). Arrangement after Ren et al. 2020 (arXiv 2006.04558) and
ming024's code: FFT blocks with post-layer-norm, log-duration predictor, pitch and energy added to the hidden sequence. Ours: pitch and energy by
frame (or by phone, `variance_level`), embedded by a convolution of their values instead of 256 bins, the place inside the phone added after the
length regulator, no postnet.

--loss: equations (4)-(9) of arXiv 2407.14212 add the errors of mel, duration, pitch and energy; its text and the code it cites differ in which.
  shipped  MAE(mel) + MSE(log duration) + (MAE(log F0) + MSE(energy)) / 2
  paper    MSE(mel) + MAE(log duration) + MAE(log F0) + MAE(energy), as the equations have it
  ming024  MAE(mel) + MSE(log duration) + MSE(log F0) + MSE(energy), as the cited code has it (there the mel counts twice, before and after a postnet)
Whether a frame is voiced is a yes or no here and adds BCE(voicing) / 2 to each.
"""
import argparse
import json
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file

from common import HOP, RATE, Checkpoint, Ema, audio, begin, cosine, device_option, export, log, mel, random_state, restore_random, rows
from phones import phones, vocabulary

CONFIG = dict(hidden=192, ffn=512, kernel=5, heads=2, encoder_layers=4, decoder_layers=4, n_mels=80, variance_level="frame", predictor_kernel=5,
              duration_kernel=3, variance_kernel=9, n_tones=6, n_positions=3, pitch_mean=5.4, pitch_scale=0.25, energy_shift=1.0, energy_scale=3.0,
              max_duration_scale=20.0)
VOICES = [dict(name="xiaobei", gender="female", title="小北"), dict(name="yunjian", gender="male", title="云健")]  # rows of `speakers`


def sinusoid(n, width):
    pos, rate = torch.arange(n)[:, None], torch.exp(torch.arange(0, width, 2) * (-math.log(1e4) / width))
    out = torch.zeros(n, width)
    out[:, 0::2], out[:, 1::2] = torch.sin(pos * rate), torch.cos(pos * rate)
    return out


class FFTBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, f, k = c["hidden"], c["ffn"], c["kernel"]
        self.attn = nn.MultiheadAttention(h, c["heads"], batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(h), nn.LayerNorm(h)
        self.conv1, self.conv2 = nn.Conv1d(h, f, k, padding=k // 2), nn.Conv1d(f, h, 1)

    def forward(self, x, mask):
        y = self.attn(x, x, x, key_padding_mask=mask, need_weights=False)[0]
        x = self.norm1(x + F.dropout(y, 0.1, self.training)).masked_fill(mask[..., None], 0)
        y = self.conv2(F.relu(self.conv1(x.transpose(1, 2)))).transpose(1, 2)
        return self.norm2(x + F.dropout(y, 0.1, self.training)).masked_fill(mask[..., None], 0)


class Predictor(nn.Module):
    def __init__(self, h, out, k, drop=0.3):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(h, h, k, padding=k // 2), nn.Conv1d(h, h, k, padding=k // 2)
        self.norm1, self.norm2, self.linear, self.drop = nn.LayerNorm(h), nn.LayerNorm(h), nn.Linear(h, out), drop

    def forward(self, x, mask):
        x = x.masked_fill(mask[..., None], 0)
        for conv, norm in ((self.conv1, self.norm1), (self.conv2, self.norm2)):
            x = F.dropout(norm(F.relu(conv(x.transpose(1, 2))).transpose(1, 2)), self.drop, self.training).masked_fill(mask[..., None], 0)
        return self.linear(x)


class FastSpeech2(nn.Module):
    def __init__(self, c, n_phones, n_voices=1):
        super().__init__()
        self.c, h = c, c["hidden"]
        self.phone, self.tone, self.position = nn.Embedding(n_phones, h), nn.Embedding(c["n_tones"], h), nn.Embedding(c["n_positions"], h)
        self.encoder = nn.ModuleList(FFTBlock(c) for _ in range(c["encoder_layers"]))
        self.decoder = nn.ModuleList(FFTBlock(c) for _ in range(c["decoder_layers"]))
        self.duration = Predictor(h, 1, c["duration_kernel"])
        self.pitch, self.energy = Predictor(h, 2, c["predictor_kernel"]), Predictor(h, 1, c["predictor_kernel"])
        self.variance = nn.Conv1d(3, h, c["variance_kernel"], padding=c["variance_kernel"] // 2)  # log F0, voiced, energy
        self.place, self.mel = nn.Linear(3, h), nn.Linear(h, c["n_mels"])
        self.speakers = nn.Parameter(torch.zeros(n_voices, h))  # what a voice adds to the encoder's output
        self.register_buffer("angles", sinusoid(4000, h), persistent=False)

    def vary(self, x, mask, pitch, energy):
        """Predict pitch [.., 2] (log F0 in units, voicing logit) and energy [..]; add the embedding of the given (else the predicted) values."""
        p, e = self.pitch(x, mask), self.energy(x, mask)[..., 0]
        if pitch is None:
            voiced = (p[..., 1] > 0).to(p.dtype)
            pitch = torch.stack([p[..., 0] * voiced, voiced], -1)
        values = torch.cat([pitch, (e if energy is None else energy)[..., None]], -1).masked_fill(mask[..., None], 0)
        return x + self.variance(values.transpose(1, 2)).transpose(1, 2), p, e, pitch

    def forward(self, ids, mask, dur=None, pitch=None, energy=None, rate=1.0, voice=None):
        """ids [B, N, 3] phone, tone, position; mask [B, N] true where padded; voice [B], else the first -> mel [B, T, 80] and what the losses need."""
        x = self.phone(ids[..., 0]) + self.tone(ids[..., 1]) + self.position(ids[..., 2]) + self.angles[:ids.shape[1]]
        x = x.masked_fill(mask[..., None], 0)
        for block in self.encoder:
            x = block(x, mask)
        x = (x + (self.speakers[:1] if voice is None else self.speakers[voice])[:, None]).masked_fill(mask[..., None], 0)
        log_dur = self.duration(x, mask)[..., 0]
        by_phone = self.c["variance_level"] == "phone"
        if by_phone:
            x, p, e, pitch = self.vary(x, mask, pitch, energy)
        if dur is None:
            dur = torch.round((torch.exp(log_dur.float()) - 1) / rate).long().clamp(min=1).masked_fill(mask, 0)
        length = dur.sum(1)
        t = torch.arange(int(length.max()), device=ids.device)[None].expand(len(ids), -1).contiguous()
        ends = dur.cumsum(1)
        index = torch.searchsorted(ends, t, right=True).clamp(max=ids.shape[1] - 1)
        start, d = torch.gather(ends - dur, 1, index), torch.gather(dur, 1, index).clamp(min=1)
        part = (t - start) / d
        frames = t >= length[:, None]
        place = torch.stack([part, 1 - part, d / self.c["max_duration_scale"]], -1)
        y = torch.gather(x, 1, index[..., None].expand(-1, -1, x.shape[-1])) + self.place(place)
        y = y.masked_fill(frames[..., None], 0)
        if not by_phone:
            y, p, e, pitch = self.vary(y, frames, pitch, energy)
        y = (y + self.angles[:y.shape[1]]).masked_fill(frames[..., None], 0)
        for block in self.decoder:
            y = block(y, frames)
        with torch.autocast(y.device.type, enabled=False):  # log-mels reach -11.5, where bfloat16 steps by 0.06
            m = self.mel(y.float())
        return dict(mel=m, log_dur=log_dur, pitch_out=p, energy_out=e, pitch=pitch, frames=frames, length=length, dur=dur)


def teacher_tokens(path):
    out = {}
    with open(path, encoding="utf8") as f:
        for line in f:
            if line[0] != "#":
                base, tone, _, ids = line.rstrip("\n").split("\t")
                out[base + tone] = len(ids.split())
    return out


def item(corpus, row, tokens, index, voice=0):
    """One sentence -> ids [N, 3], durations in frames [N], mel [T, 80], pitch [T, 2], energy [T], number of the voice."""
    ph, units = phones(row["pinyin"], tokens, row["dur"])
    m = mel(torch.from_numpy(audio(corpus, row))[None])[0].T
    ends = np.minimum(np.round(np.cumsum(units) * 25e-3 * RATE / HOP).astype(int), len(m))
    t, f0 = ends[-1], np.array(row["f0"], "float32")
    at = (np.arange(t) + 0.5) * (HOP / RATE * 80) - 0.5  # F0 comes every 12.5 ms
    f = np.interp(at, np.arange(len(f0)), f0)
    voiced = f > 50
    pitch = np.where(voiced, (np.log(np.maximum(f, 50)) - CONFIG["pitch_mean"]) / CONFIG["pitch_scale"], 0)
    m = m[:t]
    energy = (torch.logsumexp(m, 1) - CONFIG["energy_shift"]) / CONFIG["energy_scale"]
    ids = torch.tensor([[index[a], b, c] for a, b, c in ph])
    return ids, torch.tensor(np.diff(ends, prepend=0)), m.half(), torch.tensor(np.stack([pitch, voiced], -1)).float(), energy, voice


def pad(parts):
    return nn.utils.rnn.pad_sequence([p.float() if p.dtype == torch.half else p for p in parts], True)


def batch_of(items, device="cpu"):
    n = torch.tensor([len(a[0]) for a in items])
    ids = pad([a[0] for a in items])
    parts = ids, torch.arange(ids.shape[1])[None] >= n[:, None], *(pad([a[i] for a in items]) for i in (1, 2, 3, 4)), torch.tensor([a[5] for a in items])
    return tuple(p.to(device) for p in parts)


LOSSES = {  # errors of mel, log duration, log F0 and energy, and their weights
    "shipped": ((F.l1_loss, F.mse_loss, F.l1_loss, F.mse_loss), (1, 1, 0.5, 0.5)),
    "paper": ((F.mse_loss, F.l1_loss, F.l1_loss, F.l1_loss), (1, 1, 1, 1)),
    "ming024": ((F.l1_loss, F.mse_loss, F.mse_loss, F.mse_loss), (1, 1, 1, 1)),
}


def losses(out, mask, dur, m, pitch, energy, form="shipped"):
    """-> errors of mel, log duration, log F0, voicing, energy; their weighted sum, the loss."""
    keep = ~out["frames"]
    voiced = keep & (pitch[..., 1] > 0)
    (mel_error, dur_error, pitch_error, energy_error), w = LOSSES[form]
    parts = (mel_error(out["mel"].float()[keep], m[keep]), dur_error(out["log_dur"].float()[~mask], torch.log(dur[~mask].float() + 1)),
             pitch_error(out["pitch_out"][..., 0].float()[voiced], pitch[..., 0][voiced]),
             F.binary_cross_entropy_with_logits(out["pitch_out"][..., 1].float()[keep], pitch[..., 1][keep]),
             energy_error(out["energy_out"].float()[keep], energy[keep]))
    return parts, w[0] * parts[0] + w[1] * parts[1] + w[2] * parts[2] + 0.5 * parts[3] + w[3] * parts[4]


def train(o):
    device = begin(o)
    random.seed(o.seed)
    names = vocabulary()
    index, tokens = {n: i for i, n in enumerate(names)}, teacher_tokens(o.teacher)
    more = [(d, int(v)) for d, v in (m.rsplit(":", 1) for m in o.more)]
    g = FastSpeech2(CONFIG, len(names), 1 + max([v for _, v in more], default=0)).to(device)
    opt = torch.optim.AdamW(g.parameters(), 1e-3, (0.9, 0.98), weight_decay=0.01)
    ema, keep, step = Ema(g, 0.998), Checkpoint(o.out), 0
    state = keep.load()
    if state:
        g.load_state_dict(state["g"]), opt.load_state_dict(state["opt"])
        ema.load(state["ema"])
        step = state["step"]
        random.setstate(state["random"]), restore_random(state["torch_random"])
    elif o.start:
        start_from(g, load_file(o.start) if o.start.endswith(".safetensors") else torch.load(o.start, map_location="cpu", weights_only=False)["ema"])
        ema = Ema(g, 0.998)
    data = [item(o.corpus, r, tokens, index) for r in rows(o.corpus, "train")[:o.n_items]]
    for folder, voice in more:
        data.extend(item(folder, r, tokens, index, voice) for r in rows(folder, "train")[:o.n_items])
    data.sort(key=lambda a: len(a[2]))
    log(f"{len(data)} sentences, {sum(p.numel() for p in g.parameters()) / 1e6:.2f} M parameters, from step {step} of {o.steps}")
    past, t0 = [], time.time()
    while step < o.steps:
        for p in opt.param_groups:
            p["lr"] = cosine(step, o.steps, o.lr, warm=200)
        i = random.randrange(0, len(data) - o.batch + 1)  # neighbours in length
        ids, mask, dur, m, pitch, energy, voice = batch_of(data[i:i + o.batch], device)
        with torch.autocast(device.type, torch.bfloat16, enabled=o.bf16):
            out = g(ids, mask, dur, pitch, energy, voice=voice)
        parts, loss = losses(out, mask, dur, m, pitch, energy, o.loss)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(g.parameters(), 1.0)
        opt.step()
        step += 1
        ema.update(g, step)
        past.append([v.item() for v in parts])
        if step % 20 == 0:
            log(f"step {step}/{o.steps} {(time.time() - t0) / len(past):.2f} s/step  mel %.3f  dur %.4f  pitch %.3f  voicing %.3f  energy %.4f"
                % tuple(np.mean(past[-100:], 0)))
        keep.save(dict(g=g.state_dict(), opt=opt.state_dict(), ema=ema.shadow, step=step, random=random.getstate(), torch_random=random_state()),
                  step == o.steps)


def start_from(g, state):
    """Weights of a model with fewer voices, or of one from before there were any."""
    speakers = g.speakers.data.clone()
    old = state.get("speakers", speakers[:0])
    speakers[:len(old)] = old[:len(speakers)]
    g.load_state_dict({**state, "speakers": speakers})


def restore(path):
    """A checkpoint, or what ships -> model, names of its phones, how long it was trained."""
    if path.endswith(".safetensors"):
        with safe_open(path, "pt") as f:
            step = json.loads(f.metadata()["brailled"])["steps"]
        weights = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=False)
        weights, step = state["ema"], state["step"]
    names = vocabulary()
    g = FastSpeech2(CONFIG, len(names), len(weights.get("speakers", [0])))
    start_from(g, weights)
    return g.eval(), names, step


def write(path, g, names, step):
    export(path, g.state_dict(), dict(CONFIG, model="fastspeech2", phones=names, rate=RATE, hop=HOP, steps=step, voices=VOICES[:len(g.speakers)]))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest="command", required=True)
    t = sub.add_parser("train")
    t.add_argument("corpus"), t.add_argument("teacher"), t.add_argument("out")
    t.add_argument("--steps", type=int, default=6000), t.add_argument("--batch", type=int, default=4), t.add_argument("--threads", type=int, default=1)
    t.add_argument("--seed", type=int, default=0), t.add_argument("--bf16", action="store_true")
    t.add_argument("--n-items", type=int, help="only the first N sentences (for a trial)")
    t.add_argument("--lr", type=float, default=1e-3), t.add_argument("--start", help="weights to begin with: a checkpoint, or the safetensors that ships")
    t.add_argument("--more", action="append", default=[], metavar="DIR:VOICE"), t.add_argument("--loss", choices=LOSSES, default="shipped")
    device_option(t)
    e = sub.add_parser("export")
    e.add_argument("checkpoint"), e.add_argument("out")
    s = sub.add_parser("mels")
    s.add_argument("checkpoint"), s.add_argument("corpus"), s.add_argument("teacher"), s.add_argument("dir")
    s.add_argument("--n-items", type=int, help="only the first N sentences"), s.add_argument("--threads", type=int, default=1)
    s.add_argument("--voice", type=int, default=0)
    o = ap.parse_args()
    if o.command == "train":
        return train(o)
    g, names, step = restore(o.checkpoint)
    if o.command == "export":
        return write(o.out, g, names, step)
    os.makedirs(o.dir, exist_ok=True)
    torch.set_num_threads(o.threads)
    index, tokens = {n: i for i, n in enumerate(names)}, teacher_tokens(o.teacher)
    with torch.no_grad():
        for r in rows(o.corpus, "train")[:o.n_items]:
            one = batch_of([item(o.corpus, r, tokens, index, o.voice)])
            np.save(f"{o.dir}/{r['id']}.npy", g(one[0], one[1], one[2], one[4], one[5], voice=one[6])["mel"][0].T.numpy().astype("float16"))


if __name__ == "__main__":
    main()
