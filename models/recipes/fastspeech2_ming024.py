"""FastSpeech2 as ming024's code arranges it (its AISHELL3 configuration), written anew from its description: tensors have upstream's names and shapes,
so that its checkpoints load, and random checkpoints of this module are such as upstream writes. The reference of the golden test and of the importer.

  fastspeech2_ming024.py random OUT.pth.tar [--seed N]      {"model": state_dict, "optimizer": {}}, with random weights that speak phones of some frames each
  fastspeech2_ming024.py random OUT.safetensors             the same as braillectl import makes it of that

What differs from models/recipes/fastspeech2.py: tones are part of the phones, no place in the word, no place in the phone, pitch and energy by phone
(or frame) are sorted into 255 boundaries of equal steps and embedded, one after the other, a postnet, a row a speaker.
"""
import argparse
import json
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

CONFIG = dict(hidden=256, ffn=1024, kernels=[9, 1], heads=2, encoder_layers=4, decoder_layers=6, predictor=256, predictor_kernel=3, n_bins=256, n_mels=80,
              postnet=512, postnet_kernel=5, postnet_layers=5, n_phones=361, n_voices=218, max_length=1000, pitch_level="phone", energy_level="phone")
# [least, most, mean, deviation] of the corpus, in deviations and in Hz: stats.json of AISHELL3
STATS = dict(pitch=[-2.8392840501056322, 11.022401919746486, 215.83989225621028, 53.598100192528406],
             energy=[-1.620629906654358, 6.771811008453369, 59.412674114165846, 36.6257104832052])


def sinusoid(n, width):
    """Angles of row t: t / 10000^(2 floor(i / 2) / width), sine in even places and cosine in odd ones; computed in f64."""
    i = np.arange(width)
    angles = np.arange(n)[:, None] / np.power(10000.0, 2 * (i // 2) / width)[None]
    return torch.from_numpy(np.where(i % 2 == 0, np.sin(angles), np.cos(angles)).astype("float32"))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.w_qs, self.w_ks, self.w_vs = (nn.Linear(width, width) for _ in range(3))
        self.layer_norm, self.fc = nn.LayerNorm(width), nn.Linear(width, width)

    def forward(self, x):
        q, k, v = (w(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for w in (self.w_qs, self.w_ks, self.w_vs))
        y = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), -1) @ v
        return self.layer_norm(x + self.fc(y.transpose(1, 2).flatten(2)))


class FeedForward(nn.Module):
    def __init__(self, width, inner, kernels):
        super().__init__()
        self.w_1 = nn.Conv1d(width, inner, kernels[0], padding=kernels[0] // 2)
        self.w_2 = nn.Conv1d(inner, width, kernels[1], padding=kernels[1] // 2)
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x):
        return self.layer_norm(x + self.w_2(F.relu(self.w_1(x.transpose(1, 2)))).transpose(1, 2))


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.slf_attn, self.pos_ffn = Attention(c["hidden"], c["heads"]), FeedForward(c["hidden"], c["ffn"], c["kernels"])

    def forward(self, x):
        return self.pos_ffn(self.slf_attn(x))


class Stack(nn.Module):
    """Of encoder or decoder. The table of places is a stored parameter; longer input than it has rows gets a table of its own."""

    def __init__(self, c, layers, n_words=None):
        super().__init__()
        self.position_enc = nn.Parameter(sinusoid(c["max_length"] + 1, c["hidden"])[None], requires_grad=False)
        if n_words:
            self.src_word_emb = nn.Embedding(n_words, c["hidden"], padding_idx=0)
        self.layer_stack = nn.ModuleList(Block(c) for _ in range(layers))

    def forward(self, x):
        if hasattr(self, "src_word_emb"):
            x = self.src_word_emb(x)
        n, most = x.shape[1], self.position_enc.shape[1] - 1
        x = x + (self.position_enc[:, :n] if n <= most else sinusoid(n, x.shape[2])[None])
        for block in self.layer_stack:
            x = block(x)
        return x


class Conv(nn.Module):
    """A convolution over [B, T, C]; upstream's names have a `.conv` in them."""

    def __init__(self, *args, **kwargs):
        super().__init__()
        self.conv = nn.Conv1d(*args, **kwargs)

    def forward(self, x):
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


class Predictor(nn.Module):
    def __init__(self, c):
        super().__init__()
        width, k = c["predictor"], c["predictor_kernel"]
        self.conv_layer = nn.ModuleDict(dict(conv1d_1=Conv(c["hidden"], width, k, padding=k // 2), layer_norm_1=nn.LayerNorm(width),
                                             conv1d_2=Conv(width, width, k, padding=1), layer_norm_2=nn.LayerNorm(width)))
        self.linear_layer = nn.Linear(width, 1)

    def forward(self, x):
        for i in (1, 2):
            x = self.conv_layer[f"layer_norm_{i}"](F.relu(self.conv_layer[f"conv1d_{i}"](x)))
        return self.linear_layer(x)[..., 0]


class VarianceAdaptor(nn.Module):
    def __init__(self, c):
        super().__init__()
        for name in ("duration", "pitch", "energy"):
            setattr(self, name + "_predictor", Predictor(c))
        for name in ("pitch", "energy"):
            low, high = STATS[name][:2]
            setattr(self, name + "_bins", nn.Parameter(torch.linspace(low, high, c["n_bins"] - 1), requires_grad=False))
            setattr(self, name + "_embedding", nn.Embedding(c["n_bins"], c["hidden"]))
        self.c = c

    def vary(self, x, name, change, out):
        v = getattr(self, name + "_predictor")(x)
        out[name], out[name + "_used"] = v, change(v)
        return x + getattr(self, name + "_embedding")(torch.bucketize(out[name + "_used"], getattr(self, name + "_bins")))

    def forward(self, x, changes, d_control, out):
        """x [1, N, C]; changes: what is done to a predicted value before it is sorted into its boundaries -> [1, T, C]"""
        out["log_durations"] = self.duration_predictor(x)
        for name in ("pitch", "energy"):
            if self.c[name + "_level"] == "phone":
                x = self.vary(x, name, changes[name], out)
        out["durations"] = ((torch.exp(out["log_durations"]) - 1).round() * d_control).clamp(min=0).long()
        x = torch.repeat_interleave(x, out["durations"][0], 1)
        for name in ("pitch", "energy"):
            if self.c[name + "_level"] != "phone":
                x = self.vary(x, name, changes[name], out)
        return x


class PostNet(nn.Module):
    def __init__(self, c):
        super().__init__()
        widths = [c["n_mels"], *[c["postnet"]] * (c["postnet_layers"] - 1), c["n_mels"]]
        k = c["postnet_kernel"]
        self.convolutions = nn.ModuleList(nn.Sequential(Conv(a, b, k, padding=k // 2), nn.BatchNorm1d(b)) for a, b in zip(widths, widths[1:]))

    def forward(self, x):
        for i, (conv, norm) in enumerate(self.convolutions):
            x = norm(conv(x).transpose(1, 2)).transpose(1, 2)
            x = torch.tanh(x) if i + 1 < len(self.convolutions) else x
        return x


class FastSpeech2(nn.Module):
    def __init__(self, c=CONFIG):
        super().__init__()
        self.c = c
        self.encoder = Stack(c, c["encoder_layers"], c["n_phones"])
        self.variance_adaptor = VarianceAdaptor(c)
        self.decoder = Stack(c, c["decoder_layers"])
        self.mel_linear, self.postnet = nn.Linear(c["hidden"], c["n_mels"]), PostNet(c)
        if c["n_voices"] > 1:
            self.speaker_emb = nn.Embedding(c["n_voices"], c["hidden"])

    def forward(self, ids, voice=0, d_control=1.0, p_change=lambda v: v, e_change=lambda v: v):
        """ids [1, N] of one sentence -> mel_before, mel [1, T, n_mels], durations, pitch, energy [1, N or T] and what was made of the latter."""
        out = {}
        x = self.encoder(ids)
        if hasattr(self, "speaker_emb"):
            x = x + self.speaker_emb.weight[voice]
        x = self.decoder(self.variance_adaptor(x, dict(pitch=p_change, energy=e_change), d_control, out))
        out["mel_before"] = self.mel_linear(x)
        out["mel"] = out["mel_before"] + self.postnet(out["mel_before"])
        return out


def symbols():
    """The 360 phones of that code in the order of their numbers: padding, letters and signs, ARPAbet, pinyin."""
    vowels = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
    arpabet = sorted([*(v + s for v in vowels for s in ("", *"012")), *"B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()])
    initials = "b c ch d f g h j k l m n p q r s sh t w x y z zh".split()
    finals = ("a ai an ang ao e ei en eng er i ia ian iang iao ie ii iii in ing iong iou o ong ou u ua uai uan uang uei uen uo v van ve vn").split()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    toned = [f + t for f in finals for t in "12345"]
    return ["_", *"-!'(),.:;? ", *letters, *letters.lower(), *("@" + s for s in [*arpabet, *initials, *toned, "rr", "sp", "spn", "sil"])]


def metadata(c, phones, voices, stats=None, rate=22050, hop=256, fmax=8000):
    """What an imported file says under "brailled"; docs/models.md. Its tensors are the state_dict without position_enc and num_batches_tracked."""
    sizes = {k: c[k] for k in ("hidden", "ffn", "kernels", "heads", "encoder_layers", "decoder_layers", "predictor", "predictor_kernel", "n_bins", "n_mels",
                               "postnet", "postnet_kernel", "postnet_layers", "pitch_level", "energy_level")}
    return dict(model="fastspeech2", arrangement="ming024", rate=rate, hop=hop, fmax=fmax, **sizes, phones=phones, voices=voices,
                **(dict(stats=stats) if stats else {}))


def pitch_factor(factor, mean=None, deviation=None):
    """Upstream's control multiplies what is predicted, in deviations from the corpus's mean; where that is known, F0 itself can be multiplied."""
    shift = 0.0 if mean is None else (factor - 1) * mean / deviation
    return lambda v: v * factor + shift


@torch.no_grad()
def randomise(m, seed):
    """Weights under which nothing dies or saturates: a phone lasts 2 to 20 frames, pitch and energy go over many of the boundaries."""
    g = torch.Generator().manual_seed(seed)
    for name, v in m.named_parameters():
        if name.endswith("position_enc") or name.endswith("_bins"):
            continue
        if "emb" in name:
            v.normal_(0, 2.0, generator=g)  # the slow angles of the places are the same nearly everywhere
        elif v.ndim > 1:
            v.normal_(0, 1 / math.sqrt(v[0].numel()), generator=g)
        elif "norm" in name or ".1.weight" in name:
            v.normal_(1 if name.endswith("weight") else 0, 0.2, generator=g)
        else:
            v.normal_(0, 0.1, generator=g)
    m.encoder.src_word_emb.weight[0] = 0
    for block in (*m.encoder.layer_stack, *m.decoder.layer_stack):  # else what is the same everywhere grows from block to block
        block.pos_ffn.w_2.weight.sub_(block.pos_ffn.w_2.weight.mean((1, 2), keepdim=True))
        block.slf_attn.w_qs.weight.mul_(2), block.slf_attn.w_ks.weight.mul_(2)
    for name, shift, width in (("duration", math.log(8), 0.5), ("pitch", 0.5, 1.5), ("energy", 0.3, 1.0)):
        linear = getattr(m.variance_adaptor, name + "_predictor").linear_layer
        linear.weight.mul_(width), linear.bias.fill_(shift)
    m.mel_linear.weight.mul_(2.0), m.mel_linear.bias.add_(-5.0)
    for conv, norm in m.postnet.convolutions:
        norm.running_mean.normal_(0, 0.3, generator=g), norm.running_var.uniform_(0.5, 2.0, generator=g)
        norm.num_batches_tracked.fill_(1000)
    first = m.postnet.convolutions[0][0].conv
    first.weight.mul_(0.15)
    return m.eval()


def edge(m, out):
    """How near a decision is to where two right computations may differ: in frames, or in deviations of pitch or energy."""
    d = (torch.exp(out["log_durations"]) - 1)[0].double()
    near = [(d - torch.floor(d) - 0.5).abs().min().item()]
    for name in ("pitch", "energy"):
        near.append((out[name + "_used"].flatten()[:, None] - getattr(m.variance_adaptor, name + "_bins")[None]).abs().min().item())
    return min(near)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("command", choices=["random"]), ap.add_argument("out"), ap.add_argument("--seed", type=int, default=0)
    o = ap.parse_args()
    state = randomise(FastSpeech2(), o.seed).state_dict()
    if not o.out.endswith(".safetensors"):
        return torch.save(dict(model=state, optimizer={}), o.out)
    config = metadata(CONFIG, [*symbols(), "<unused>"], [str(i) for i in range(CONFIG["n_voices"])], STATS)
    save_file({k: v for k, v in state.items() if not k.endswith(("position_enc", "num_batches_tracked"))}, o.out,
              {"format": "pt", "brailled": json.dumps(config)})


if __name__ == "__main__":
    main()
