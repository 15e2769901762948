#!/usr/bin/env python3
"""parity_voice.py BUILD WORK [--vocoder V1|V2|V3]: a FastSpeech2 of ming024's full size and a HiFi-GAN, with random weights, from PyTorch's checkpoint
through `braillectl import` and the shaders, against PyTorch: every output's largest difference over its range. Needs models/recipes/requirements.txt.

Sentences: 12 and 60 phones; more than 1,000 frames, where that code computes its table of places anew; and with other factors. Of the many random ones
those are taken in which no decision (a duration's rounding, a bin of pitch or energy) is nearer to its edge than 1e-4, where two right computations may
differ. WORK keeps the files.
"""
import argparse
import os
import subprocess
import sys

import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../models/recipes"))
import fastspeech2_ming024 as ming024  # noqa: E402
import golden  # noqa: E402
import hifigan  # noqa: E402

EDGE = 1e-4


@torch.no_grad()
def make_vocoder(kind):
    torch.manual_seed(7)
    config = hifigan.CONFIGS[kind]
    g, _ = hifigan.fused(hifigan.Generator(config).state_dict(), config)
    golden.scale(g)
    for r in g.resblocks:
        for m in r.modules():
            if isinstance(m, torch.nn.Conv1d):
                m.weight.mul_(0.5)
    g.conv_pre.weight.mul_(0.2)
    g.conv_post.weight.mul_(0.2 / torch.atanh(g(golden.speech_like(30)[None]).clamp(-0.999, 0.999)).std())
    return g, config


@torch.no_grad()
def make_sentence(m, n, voice, rate=1.0, pitch=1.0, energy=1.0, least_frames=0):
    change = dict(d_control=1 / rate, p_change=ming024.pitch_factor(pitch, *ming024.STATS["pitch"][2:]), e_change=lambda v: v * energy)
    for seed in range(60):
        ids = torch.randint(148, 360, (1, n + (10 * seed if least_frames else 0)), generator=torch.Generator().manual_seed(seed))
        out = m(ids, voice, **change)
        if ming024.edge(m, out) > EDGE and out["mel"].shape[1] >= least_frames:
            return dict(phones=ids[0], voice=[voice], factors=[rate, pitch, energy], dur=out["durations"][0], pitch=out["pitch"][0], energy=out["energy"][0],
                        before=out["mel_before"][0].T, mel=out["mel"][0].T)
    sys.exit("no sentence without a decision near its edge")


@torch.no_grad()
def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("build"), ap.add_argument("work"), ap.add_argument("--vocoder", choices=["V1", "V2", "V3"], default="V2")
    o = ap.parse_args()
    os.makedirs(o.work, exist_ok=True)
    torch.set_num_threads(1)
    m, (g, config) = ming024.randomise(ming024.FastSpeech2(), 1), make_vocoder(o.vocoder)
    checkpoint, vocoder = f"{o.work}/900000.pth.tar", f"{o.work}/generator_{o.vocoder}.safetensors"
    torch.save(dict(model=m.state_dict(), optimizer={}), checkpoint)
    golden.write_plain(vocoder, g.state_dict(), dict(config, model="hifigan", rate=22050, hop=256, n_mels=80, fmax=8000))
    subprocess.run([f"{o.build}/tools/braillectl", "import", checkpoint, "--force", "-o", f"{o.work}/fastspeech2.safetensors"], check=True)
    io = {}
    for k, sentence in enumerate([make_sentence(m, 12, 3), make_sentence(m, 60, 217), make_sentence(m, 90, 0, least_frames=1001),
                                  make_sentence(m, 30, 100, 0.8, 1.2, 0.5)]):
        sentence["samples"] = g(sentence["mel"][None])[0, 0]
        io.update({f"{name}{k}": torch.as_tensor(v).float().contiguous() for name, v in sentence.items()})
    save_file(io, f"{o.work}/io.safetensors")
    return subprocess.run([f"{o.build}/tests/bench/parity-voice", f"{o.work}/fastspeech2.safetensors", vocoder, f"{o.work}/io.safetensors"]).returncode


if __name__ == "__main__":
    sys.exit(main())
