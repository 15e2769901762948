#!/usr/bin/env python3
"""golden.py OUT [dotmap|envelope|voices|bins|imported]: small models with seeded random weights, their inputs and what PyTorch computes, for tests/golden.

Each model is stored as it would be shipped (NAME.safetensors, its configuration under metadata "brailled"), with inputs and outputs in
NAME.io.safetensors. Weights are scaled so that no layer dies or saturates. The stored precision (f32, f16, bf16) differs from model to model, so that
the reader's conversions are tested too; the reference computes in f32 with the values as stored. The dot detector's weights are those the program holds: run it again when they change.
"""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn as nn
from safetensors.torch import save_file

import dotmap
import envelope
import fastspeech2
import fastspeech2_ming024 as ming024
import hifigan
from clip_model import SPECIALS, BrailleCLIP
from common import HOP, RATE

PRECISION = dict(f32=torch.float32, f16=torch.float16, bf16=torch.bfloat16)


def stored(module, precision):
    """Round all weights to how they are stored, in place -> the tensors to store."""
    out = {}
    for k, v in module.state_dict().items():
        out[k] = v.detach().to(PRECISION[precision]).contiguous()
        v.copy_(out[k].float())
    return out


def write(folder, name, tensors, config, io):
    io = {k: np.asarray(v, "float32") for k, v in io.items()}
    save_file(tensors, f"{folder}/{name}.safetensors", {"format": "pt", "brailled": json.dumps(config, ensure_ascii=False)})
    save_file({k: torch.from_numpy(v.copy()) for k, v in io.items()}, f"{folder}/{name}.io.safetensors")
    size = sum(os.path.getsize(f"{folder}/{name}{e}") for e in (".safetensors", ".io.safetensors"))
    print(f"{name}: {size / 1e3:.0f} kB; " + ", ".join(f"{k} {np.min(v):.3g} .. {np.max(v):.3g}" for k, v in io.items()))


def write_plain(path, tensors, config):
    """As it is, without inputs and outputs."""
    save_file(dict(tensors), path, {"format": "pt", "brailled": json.dumps(config, ensure_ascii=False)})


@torch.no_grad()
def scale(module, gain=1.0):
    """Normal weights of deviation gain / sqrt(fan in), small biases, norms near one."""
    for m in module.modules():
        if isinstance(m, (nn.Conv1d, nn.Linear, nn.ConvTranspose1d)):
            fan = m.weight[0].numel() if not isinstance(m, nn.ConvTranspose1d) else m.weight.shape[0] * m.weight.shape[2] / m.stride[0]
            m.weight.normal_(0, gain / math.sqrt(fan))
            if m.bias is not None:
                m.bias.normal_(0, 0.1)
        if isinstance(m, nn.LayerNorm):
            m.weight.normal_(1, 0.2), m.bias.normal_(0, 0.2)


def speech_like(frames, bands=80):
    t, c = torch.arange(frames)[None], torch.arange(bands)[:, None]
    return -4 + 2 * torch.sin(t / 3 + c / 9) + 1.5 * torch.randn(bands, frames) - c / 40


@torch.no_grad()
def make_hifigan(folder, kind, channels, frames, precision):
    torch.manual_seed(len(kind) + channels)
    config = dict(hifigan.CONFIGS[kind], channels=channels)
    g, _ = hifigan.fused(hifigan.Generator(config).state_dict(), config)
    scale(g)
    for r in g.resblocks:  # residual branches add to what passes by
        for m in r.modules():
            if isinstance(m, nn.Conv1d):
                m.weight.mul_(0.5)
    g.conv_pre.weight.mul_(0.2)
    io = dict(mel=speech_like(frames))
    excitation = None
    if kind == "source":
        f0 = np.float32(150 + 60 * np.sin(np.arange(frames) / 3))
        f0[frames // 3:frames // 2] = 0
        io["f0"] = f0
        excitation = torch.from_numpy(hifigan.source(f0, frames * HOP, config["source"], HOP))[None, None]
        g.source_down.weight.mul_(3), g.source_stft.weight.mul_(3)
        g.conv_post.bias[:9] = -0.5
    before = g(io["mel"][None], excitation)
    if kind != "source":
        g.conv_post.weight.mul_(0.4 / torch.atanh(before.clamp(-0.999, 0.999)).std())
    tensors = stored(g, precision)
    samples = g(io["mel"][None], excitation)[0, 0]
    assert 0.2 < samples.abs().max() < 0.9999 and samples.std() > 0.02, (samples.abs().max(), samples.std())
    write(folder, "hifigan-" + kind.lower(), tensors, dict(config, model="hifigan", rate=RATE, hop=HOP, n_mels=80), dict(io, samples=samples))


SMALL_PHONES = ["<pad>", "sil", "，", *"bpmf", "zh", "_a", "_ang", "_v"]


def small_fastspeech2(config, seed):
    """Random weights that make phones of some frames each."""
    torch.manual_seed(seed)
    g = fastspeech2.FastSpeech2(config, len(SMALL_PHONES)).eval()
    scale(g)
    g.phone.weight.mul_(1.5)
    g.duration.linear.weight.mul_(0.7), g.duration.linear.bias.fill_(math.log(6))
    return g


@torch.no_grad()
def make_fastspeech2(folder, level, precision, rate, pitch_factor, energy_factor):
    names = SMALL_PHONES
    config = dict(fastspeech2.CONFIG, hidden=24, ffn=40, heads=2, encoder_layers=2, decoder_layers=2, n_mels=20, variance_level=level)
    for seed in range(100):  # until no decision is near its edge, where two right computations may differ
        g = small_fastspeech2(config, seed)
        tensors = stored(g, precision)
        n = 17
        ids = torch.stack([torch.randint(1, len(names), (n,)), torch.randint(0, 6, (n,)), torch.randint(0, 3, (n,))], -1)[None]
        mask = torch.zeros(1, n, dtype=torch.bool)
        plain = g(ids, mask)
        d = (torch.exp(plain["log_dur"]) - 1)[0]
        edge = min(((v - torch.floor(v) - 0.5).abs().min().item() for v in (d, d / rate)))
        if edge > 0.02 and plain["pitch_out"][..., 1].abs().min() > 0.01 and plain["pitch"][..., 1].std() > 0.2:
            slow = g(ids, mask, rate=rate)
            if slow["pitch_out"][..., 1].abs().min() > 0.01:
                break
    else:
        sys.exit("no seed without a decision near its edge")
    voiced = slow["pitch"][..., 1]
    pitch = torch.stack([(slow["pitch_out"][..., 0] + math.log(pitch_factor) / config["pitch_scale"]) * voiced, voiced], -1)
    varied = g(ids, mask, slow["dur"], pitch, slow["energy_out"] * energy_factor)

    def hz(p):
        return (torch.exp(config["pitch_mean"] + config["pitch_scale"] * p[0, :, 0]) * p[0, :, 1]) if level == "frame" else torch.zeros(0)

    io = dict(phones=ids[0], factors=[rate, pitch_factor, energy_factor], dur=plain["dur"][0], mel=plain["mel"][0].T, varied_dur=slow["dur"][0],
              varied_mel=varied["mel"][0].T)
    if level == "frame":
        io.update(f0=hz(plain["pitch"]), varied_f0=hz(pitch))
    assert (plain["mel"] - plain["mel"].mean(1, keepdim=True)).std() > 0.3
    write(folder, "fastspeech2-" + level, tensors, dict(config, model="fastspeech2", phones=names, rate=RATE, hop=HOP), io)


@torch.no_grad()
def make_voices(folder, precision):
    """Two speakers: their rows are added behind the encoder."""
    names = SMALL_PHONES
    config = dict(fastspeech2.CONFIG, hidden=24, ffn=40, heads=2, encoder_layers=1, decoder_layers=1, n_mels=20, variance_level="frame")
    for seed in range(100):  # as above
        g = small_fastspeech2(config, seed)
        tensors = stored(g, precision)
        tensors["speakers"] = torch.randn(2, config["hidden"]).to(PRECISION[precision])
        ids = torch.stack([torch.randint(1, len(names), (9,)), torch.randint(0, 6, (9,)), torch.randint(0, 3, (9,))], -1)[None]
        outs = []
        for row in tensors["speakers"].float():
            hook = g.encoder[-1].register_forward_hook(lambda _, __, y: y + row)
            outs.append(g(ids, torch.zeros(1, 9, dtype=torch.bool)))
            hook.remove()
        d = [torch.exp(o["log_dur"]) - 1 for o in outs]
        if all((v - torch.floor(v) - 0.5).abs().min() > 0.02 for v in d) and all(o["pitch_out"][..., 1].abs().min() > 0.01 for o in outs):
            break
    else:
        sys.exit("no seed without a decision near its edge")
    config = dict(config, model="fastspeech2", phones=names, rate=RATE, hop=HOP,
                  voices=[dict(name="one", gender="female", title="One"), dict(name="two", gender="male", title="二")])
    io = dict(phones=ids[0])
    for i, o in enumerate(outs):
        f0 = torch.exp(config["pitch_mean"] + config["pitch_scale"] * o["pitch"][0, :, 0]) * o["pitch"][0, :, 1]
        io.update({f"voice{i}_dur": o["dur"][0], f"voice{i}_mel": o["mel"][0].T, f"voice{i}_f0": f0})
    write(folder, "fastspeech2-voices", tensors, config, io)


@torch.no_grad()
def make_bins(folder, level, precision, d_control, pitch_factor, energy_factor):
    """ming024's arrangement: by phone with speakers and the corpus's F0, by frame with neither (then its control multiplies deviations)."""
    by_phone = level == "phone"
    config = dict(ming024.CONFIG, hidden=24, ffn=16, kernels=[9, 1] if by_phone else [5, 3], encoder_layers=1, decoder_layers=2, predictor=16 if by_phone else 24,
                  n_bins=32, n_mels=20, postnet=24, postnet_layers=5 if by_phone else 3, n_phones=12, n_voices=3 if by_phone else 1, max_length=64,
                  pitch_level=level, energy_level=level)
    stats, voice = (ming024.STATS, 2) if by_phone else (None, 0)
    f0 = stats["pitch"][2:] if stats else ()
    change = dict(p_change=ming024.pitch_factor(pitch_factor, *f0), e_change=lambda v: v * energy_factor)
    for seed in range(100):  # as above
        m = ming024.randomise(ming024.FastSpeech2(config), seed)
        for b in (m.variance_adaptor.pitch_bins, m.variance_adaptor.energy_bins):
            b.copy_(torch.linspace(-3, 5, config["n_bins"] - 1))
        tensors = {k: v for k, v in stored(m, precision).items() if not k.endswith(("position_enc", "num_batches_tracked"))}
        for stack in (m.encoder, m.decoder):  # it is not in the file
            stack.position_enc.copy_(ming024.sinusoid(config["max_length"] + 1, config["hidden"]))
        ids = torch.randint(1, config["n_phones"], (1, 15), generator=torch.Generator().manual_seed(seed))
        plain, varied = m(ids, voice), m(ids, voice, d_control, **change)
        if min(ming024.edge(m, plain), ming024.edge(m, varied)) > (2e-3 if by_phone else 2e-4):
            break
    else:
        sys.exit("no seed without a decision near its edge")
    io = dict(phones=ids[0], factors=[1 / d_control, pitch_factor, energy_factor, voice])
    for prefix, o in (("", plain), ("varied_", varied)):
        io.update({prefix + "dur": o["durations"][0], prefix + "mel": o["mel"][0].T, prefix + "before": o["mel_before"][0].T, prefix + "pitch": o["pitch"][0],
                   prefix + "energy": o["energy"][0]})
    assert plain["mel"].shape[1] > config["max_length"] and (plain["mel"] - plain["mel"].mean(1, keepdim=True)).std() > 0.2
    names = ["_", *(f"@{i}" for i in range(1, config["n_phones"]))]
    voices = ["SSB0005", "SSB0009", "SSB0011"] if by_phone else ["one"]
    write(folder, "fastspeech2-bins-" + level, tensors, ming024.metadata(config, names, voices, stats), io)


@torch.no_grad()
def make_imported(folder):
    """A voice as braillectl import leaves it, to be spoken with: all phones and speakers of AISHELL3, 22.05 kHz; no speech comes of random weights."""
    os.makedirs(folder, exist_ok=True)
    config = dict(ming024.CONFIG, hidden=16, ffn=16, encoder_layers=1, decoder_layers=1, predictor=16, postnet=16, postnet_layers=3)
    m = ming024.randomise(ming024.FastSpeech2(config), 1)
    tensors = {k: v for k, v in stored(m, "f16").items() if not k.endswith(("position_enc", "num_batches_tracked"))}
    for name in ("pitch", "energy"):  # by whose ends a corpus is known: not rounded
        tensors[f"variance_adaptor.{name}_bins"] = torch.linspace(*ming024.STATS[name][:2], config["n_bins"] - 1)
    meta = ming024.metadata(config, [*ming024.symbols(), "<unused>"], [f"SSB{5 * i:04}" for i in range(config["n_voices"])], ming024.STATS)
    write_plain(f"{folder}/fastspeech2.safetensors", tensors, meta)
    config = dict(hifigan.CONFIGS["V3"], channels=16, kernels=[16, 16, 8])
    g, _ = hifigan.fused(hifigan.Generator(config).state_dict(), config)
    scale(g)
    g.conv_pre.weight.mul_(0.2)
    g.conv_post.weight.mul_(0.2 / torch.atanh(g(speech_like(30)[None]).clamp(-0.999, 0.999)).std())
    write_plain(f"{folder}/hifigan.safetensors", stored(g, "f16"), dict(config, model="hifigan", rate=22050, hop=256, n_mels=80, fmax=8000))


@torch.no_grad()
def make_envelope(folder):
    """A buzz with noise, and the mel of something else that is loud and quiet elsewhere."""
    torch.manual_seed(11)
    t = torch.arange(14 * HOP)
    y = 0.3 * torch.sin(0.06 * t) ** 7 + 0.05 * torch.randn(len(t)) * (1 + torch.sin(t / 500))
    io = dict(mel=speech_like(14) / 2, samples=y)
    once, twice = (envelope.correct(y, io["mel"], n, sharp) for n, sharp in ((1, 0.0), (2, 0.4)))
    write(folder, "envelope", {"none": torch.zeros(1)}, {}, dict(io, once=once, twice=twice))
    os.remove(f"{folder}/envelope.safetensors")  # it has no weights


@torch.no_grad()
def make_clip(folder, precision):
    torch.manual_seed(5)
    letters = ["a", "7", "，", "我", "𠀀"]
    m = BrailleCLIP(dict(vision_width=48, vision_layers=2, vision_heads=3, embed=20, text_width=32, text_layers=2, text_heads=2, text_ffn=64, max_text=8,
                         vocab=SPECIALS + letters, px_per_pitch=9.5)).eval()
    scale(m)
    for p in (m.visual.conv1.weight, m.visual.positional_embedding, m.visual.class_embedding, m.bert.embeddings.word_embeddings.weight,
              m.bert.embeddings.position_embeddings.weight, m.bert.embeddings.token_type_embeddings.weight):
        p.normal_(0, 0.5)
    for block in m.visual.transformer.resblocks:
        block.attn.in_proj_weight.normal_(0, 1.5 / math.sqrt(48)), block.attn.in_proj_bias.normal_(0, 0.3)
    tensors = stored(m, precision)
    y, x = torch.meshgrid(torch.arange(48.), torch.arange(32.), indexing="ij")
    crops = [128 + 60 * torch.sin(x * (0.1 + i / 7) + i) * torch.cos(y / (3 + i)) + 15 * torch.randn(48, 32) for i in range(5)]
    crops.append(200 + 2 * torch.sin(x))  # nearly blank: the deviation is floored
    crops = torch.stack(crops).round().clamp(0, 255)[:, None]
    texts = ["a7", "", "我，𠀀a7我", "7"]  # the C test has the same list
    image, text = m.encode_image(crops), m.encode_text(m.tokenise(texts))
    assert (image @ image.T - torch.eye(len(image))).abs().max() < 0.95 and (text @ text.T - torch.eye(len(text))).max() < 0.95
    write(folder, "clip", tensors, m.config, dict(crops=crops[:, 0], image=image, text=text))


@torch.no_grad()
def make_dotmap(folder, weights):
    """The shipped weights of the dot detector on a small picture of random bumps and dents."""
    net, rng = dotmap.restore_shipped(weights), np.random.default_rng(2)
    y, x = np.mgrid[0:120, 0:160].astype("float64")
    picture = 150 + 10 * np.sin(x / 40) + rng.normal(0, 3, x.shape)
    for k, (px, py) in enumerate(rng.uniform(10, 110, (40, 2)) * [1.3, 1]):
        r2 = (x - px)**2 + (y - py)**2
        picture += (-1)**k * 14 * (py - y) * np.exp(-r2 / 9)
    picture = picture.clip(0, 255).round().astype("uint8")
    votes = net(torch.from_numpy(dotmap.flatten(picture))[None, None])[0].unflatten(0, (2, 3)).permute(0, 2, 3, 1)
    write(folder, "dotmap", {"none": torch.zeros(1)}, {}, dict(picture=picture, votes=votes))
    os.remove(f"{folder}/dotmap.safetensors")  # the weights are the program's


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    shipped = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dataset/braille/data/dotmap.f16")
    parts = dict(dotmap=lambda: make_dotmap(folder, shipped), envelope=lambda: make_envelope(folder), voices=lambda: make_voices(folder, "f16"),
                 bins=lambda: (make_bins(folder, "phone", "f32", 1.25, 1.15, 0.7), make_bins(folder, "frame", "f16", 0.75, 0.8, 1.5)),
                 imported=lambda: make_imported(folder + "/imported"))
    for part in sys.argv[2:] or parts:  # the dots by themselves: after its weights changed
        parts[part]()
    if sys.argv[2:]:
        return
    make_hifigan(folder, "V1", 40, 11, "f16")
    make_hifigan(folder, "V2", 32, 9, "f16")
    make_hifigan(folder, "V3", 32, 13, "bf16")
    make_hifigan(folder, "source", 40, 21, "f32")
    make_fastspeech2(folder, "frame", "f32", 1.3, 1.25, 0.7)
    make_fastspeech2(folder, "phone", "f16", 0.8, 0.75, 1.5)
    make_clip(folder, "f32")


if __name__ == "__main__":
    main()
