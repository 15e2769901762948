"""What the recipes share: the speech corpus, the log-mel definition, checkpoints, safetensors with a card's facts.

Mel definition (used by both speech models and by dataset/audio): 16 kHz, n_fft 1024, hop 256, periodic Hann,
reflect padding of (1024 - 256) / 2, magnitude sqrt(re^2 + im^2 + 1e-9), Slaney mel bank of 80 bands 0-8000 Hz,
natural logarithm floored at 1e-5. One frame is 16 ms.
"""
import json
import os
import sys
import time

import librosa
import numpy as np
import soundfile as sf
import torch

RATE, N_FFT, HOP, MELS = 16000, 1024, 256, 80
_BANK = torch.tensor(librosa.filters.mel(sr=RATE, n_fft=N_FFT, n_mels=MELS, fmin=0, fmax=8000))
_HANN = torch.hann_window(N_FFT)


def mel(x):
    """[B, T] samples -> [B, 80, T / 256] natural-log mel."""
    pad = (N_FFT - HOP) // 2
    x = torch.nn.functional.pad(x[:, None], (pad, pad), "reflect")[:, 0]
    s = torch.stft(x, N_FFT, HOP, N_FFT, _HANN.to(x.device), center=False, return_complex=True)
    return torch.log(torch.clamp(_BANK.to(x.device) @ torch.sqrt(s.real**2 + s.imag**2 + 1e-9), min=1e-5))


def rows(corpus, split=None):
    with open(os.path.join(corpus, "meta.jsonl"), encoding="utf8") as f:
        all_rows = [json.loads(line) for line in f]
    return [r for r in all_rows if split is None or r.get("split", "train") == split]  # teacher.py's own have no split


def audio(corpus, row):
    """Samples at RATE; CORPUS/audio holds them at that rate, or CORPUS itself at the teacher's 24 kHz, as teacher.py writes them."""
    path = f"{corpus}/audio/{row['id']}.flac"
    x, rate = sf.read(path if os.path.exists(path) else f"{corpus}/{row['id']}.flac", dtype="float32")
    return x if rate == RATE else librosa.resample(x, orig_sr=rate, target_sr=RATE, res_type="soxr_hq")


class Checkpoint:
    """One file, replaced whole (temporary name, fsync, rename), so that a kill loses minutes and never the run."""

    def __init__(self, path, every_s=240):
        self.path, self.every_s, self.last = path, every_s, time.time()

    def load(self):
        return torch.load(self.path, map_location="cpu", weights_only=False) if os.path.exists(self.path) else None

    def save(self, state, force=False):
        if not force and time.time() - self.last < self.every_s:
            return
        self.last = time.time()
        tmp = self.path + ".tmp"
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with open(tmp, "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(tmp, self.path)


class Ema:
    """Exponential moving average of a module's parameters: what is shipped."""

    def __init__(self, module, decay=0.999):
        self.decay, self.shadow = decay, {k: v.detach().clone() for k, v in module.state_dict().items()}

    def load(self, shadow):
        for k, v in shadow.items():
            self.shadow[k].copy_(v)

    @torch.no_grad()
    def update(self, module, step):
        d = min(self.decay, (1 + step) / (10 + step))
        for k, v in module.state_dict().items():
            if v.dtype.is_floating_point:
                self.shadow[k].lerp_(v, 1 - d)
            else:
                self.shadow[k].copy_(v)


def export(path, tensors, config):
    """safetensors with the configuration as one JSON string under metadata "brailled"; matrices and filters as f16, as the kernels read them."""
    from safetensors.torch import save_file

    tmp = path + ".tmp"
    save_file({k: v.detach().contiguous().cpu().to(torch.float16 if v.ndim > 1 else v.dtype) for k, v in tensors.items()}, tmp,
              {"format": "pt", "brailled": json.dumps(config, ensure_ascii=False)})
    with open(tmp, "rb") as f:
        os.fsync(f.fileno())
    os.chmod(tmp, 0o644)
    os.replace(tmp, path)


def begin(o):
    """What every training does first: threads, seed, device (--device; auto is a GPU where PyTorch has one)."""
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)  # a seed gives the same weights again; on a GPU as far as its kernels can
    return torch.device("cuda" if o.device == "auto" and torch.cuda.is_available() else "cpu" if o.device == "auto" else o.device)


def device_option(parser):
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1 ...; auto (default): a GPU where PyTorch has one")


def random_state():
    return dict(cpu=torch.get_rng_state(), gpu=torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [])


def restore_random(state):
    torch.set_rng_state(state["cpu"])
    if state["gpu"] and torch.cuda.device_count() == len(state["gpu"]):
        torch.cuda.set_rng_state_all(state["gpu"])


def log(*words):
    print(*words, flush=True)


def cosine(step, steps, top, floor=0.05, warm=0):
    if step < warm:
        return top * (step + 1) / warm
    t = min(1.0, (step - warm) / max(1, steps - warm))
    return top * (floor + (1 - floor) * 0.5 * (1 + float(np.cos(np.pi * t))))


if sys.version_info < (3, 9):
    sys.exit("the recipes need Python 3.9 or later")
