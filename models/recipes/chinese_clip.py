#!/usr/bin/env python3
"""Chinese-CLIP (OFA-Sys) in our file format, and transformers' ChineseCLIPModel as the reference of models/clip.

  chinese_clip.py golden FOLDER                            the tiny model of tests/golden and what it computes
  chinese_clip.py parity PROGRAM FOLDER [--vocab FILE] [--type f16|bf16|f32] [--through BRAILLECTL] [--shape B-16|L-14|L-14-336|H-14]
                                                           full-size models of random weights through tests/bench/clip-embed

There are no trained weights here: they are random, of a size that keeps every block alive, so that an error in any of them shows.
"""
import argparse
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import BertTokenizer, ChineseCLIPConfig, ChineseCLIPModel

MEAN, STD = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
BASE, LARGE = dict(text_width=768, text_layers=12, text_heads=12, text_ffn=3072), dict(text_width=1024, text_layers=24, text_heads=16, text_ffn=4096)
SHAPES = {
    "B-16": dict(image=224, patch=16, vision_width=768, vision_layers=12, vision_heads=12, embed=512, **BASE),
    "L-14": dict(image=224, patch=14, vision_width=1024, vision_layers=24, vision_heads=16, embed=768, **BASE),
    "L-14-336": dict(image=336, patch=14, vision_width=1024, vision_layers=24, vision_heads=16, embed=768, **BASE),
    "H-14": dict(image=224, patch=14, vision_width=1280, vision_layers=32, vision_heads=16, embed=1024, **LARGE),
}
TINY = dict(image=28, patch=7, vision_width=40, vision_layers=2, vision_heads=2, embed=20, text_width=32, text_layers=2, text_heads=2, text_ffn=72, max_text=12)
TEXTS = ["一只猫坐在窗台上", "她说：“Hello, wörld 2026！”", "", "zhong1guo2 shuang1 lv4", "夜" * 60, "𠀀𪛖😀 naïve ﬁn"]


def synthetic_vocab(n, letters="abcdefghijklmnopqrstuvwxyz0123456789"):
    """BERT's specials where BERT has them, signs, letters that begin and continue words, ideographs."""
    vocab = ["[PAD]", *(f"[unused{i}]" for i in range(1, 100)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"] if n > 1000 else ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocab += [*"!\",.:;?，。：！？（）", *letters, *("##" + s for s in letters), "##ong", "##uan", "hel", "##lo", "猫", "夜", "一", "她", "说", "在"]
    seen = set(vocab)
    vocab += [c for c in map(chr, range(0x4E00, 0x4E00 + n)) if c not in seen]
    return vocab[:n]


@torch.no_grad()
def build(shape, vocab):
    """A ChineseCLIPModel of random weights."""
    s = shape
    config = ChineseCLIPConfig(
        projection_dim=s["embed"], logit_scale_init_value=math.log(1 / 0.07),
        text_config=dict(vocab_size=len(vocab), hidden_size=s["text_width"], num_hidden_layers=s["text_layers"], num_attention_heads=s["text_heads"],
                         intermediate_size=s["text_ffn"], max_position_embeddings=512 if s["text_width"] > 100 else 16, pad_token_id=0),
        vision_config=dict(hidden_size=s["vision_width"], num_hidden_layers=s["vision_layers"], num_attention_heads=s["vision_heads"], intermediate_size=4 * s["vision_width"],
                           image_size=s["image"], patch_size=s["patch"], projection_dim=s["embed"]))
    m = ChineseCLIPModel(config).eval()
    for name, p in m.named_parameters():
        if name == "logit_scale":
            continue
        if p.ndim == 1:
            near_one = name.endswith("weight") and ("norm" in name.lower())
            p.normal_(1.0 if near_one else 0.0, 0.2 if near_one or "bias" in name else 0.5)
        elif "embedding" in name:
            p.normal_(0, 0.5 if "patch" not in name else p[0].numel()**-0.5)
        else:
            p.normal_(0, (1.5 if re.search(r"q_proj|k_proj|query|key", name) else 1.0) * p.shape[1]**-0.5)
    return m


def ours(model):
    """The state under OFA-Sys's names (docs/models.md), in_proj fused, projections [width, embed]."""
    state, out = model.state_dict(), {}
    fused = {}
    for name, v in state.items():
        n = name
        if n.endswith("position_ids") or n.endswith("token_type_ids"):
            continue
        if n.startswith("text_model."):
            n = "bert." + n.removeprefix("text_model.")
        elif n.startswith("vision_model."):
            n = n.removeprefix("vision_model.")
            n = n.replace("embeddings.class_embedding", "class_embedding").replace("embeddings.patch_embedding", "conv1")
            n = n.replace("embeddings.position_embedding.weight", "positional_embedding").replace("pre_layrnorm", "ln_pre").replace("post_layernorm", "ln_post")
            n = n.replace("encoder.layers", "transformer.resblocks").replace("layer_norm1", "ln_1").replace("layer_norm2", "ln_2")
            n = n.replace("mlp.fc1", "mlp.c_fc").replace("mlp.fc2", "mlp.c_proj").replace("self_attn", "attn")
            part = re.fullmatch(r"(.*attn)\.([qkv])_proj\.(weight|bias)", n)
            if part:
                fused.setdefault(f"visual.{part[1]}.in_proj_{part[3]}", {})[part[2]] = v
                continue
            n = "visual." + n
        elif n == "visual_projection.weight":
            n, v = "visual.proj", v.T
        elif n == "text_projection.weight":
            n, v = "text_projection", v.T
        out[n] = v
    for n, parts in fused.items():
        out[n] = torch.cat([parts[k] for k in "qkv"])
    return out


def save(path, model, shape, vocab, dtype):
    tensors = {k: v.detach().to(dtype if v.ndim > 1 else torch.float32).contiguous() for k, v in ours(model).items()}
    config = dict(model="chinese-clip", max_text=52, vocab=vocab)
    save_file(tensors, path, {"format": "pt", "brailled": json.dumps(dict(config, **shape), ensure_ascii=False)})


def imported(braillectl, path, model, vocab, dtype):
    """The same file, by way of a folder as Hugging Face has them and braillectl import."""
    folder = path.with_suffix(".hf")
    model.to(dtype).save_pretrained(folder)
    model.float()
    (folder / "vocab.txt").write_text("".join(s + "\n" for s in vocab), "utf8")
    subprocess.run([braillectl, "import", folder, "-o", path, "--force"], check=True)
    shutil.rmtree(folder)


def rounded(model, dtype):
    """The model with its matrices as a file of that type holds them."""
    for p in model.parameters():
        if p.ndim > 1:
            p.data = p.data.to(dtype).float()
    return model


def tokens(vocab, texts, max_text, folder):
    """Ids of transformers' tokeniser, cut at max_text; curved quotation marks as OFA-Sys replaces them in its data."""
    path = pathlib.Path(folder, "vocab.txt")
    path.write_text("".join(s + "\n" for s in vocab), "utf8")
    t = BertTokenizer(str(path))
    rows = [t.encode(s.replace("“", '"').replace("”", '"'), add_special_tokens=False)[:max_text - 2] for s in texts]
    path.unlink()
    first, last, pad = (vocab.index(s) for s in ("[CLS]", "[SEP]", "[PAD]"))
    rows = [[first, *r, last] for r in rows]
    n = max(map(len, rows))
    return torch.tensor([r + [pad] * (n - len(r)) for r in rows]), torch.tensor([[1] * len(r) + [0] * (n - len(r)) for r in rows])


@torch.no_grad()
def embed(model, pictures, ids, mask):
    """RGB pictures [n, h, w, 3] of bytes, in the model's size, and rows of ids -> their embeddings of length 1."""
    x = (torch.from_numpy(np.stack(pictures)).float() / 255 - MEAN) / STD
    image = model.get_image_features(pixel_values=x.permute(0, 3, 1, 2)).pooler_output
    text = model.get_text_features(input_ids=ids, attention_mask=mask).pooler_output
    return torch.nn.functional.normalize(image, dim=1), torch.nn.functional.normalize(text, dim=1)


def pictures(n, size):
    """Waves, edges and noise of odd sizes, as PIL images."""
    rng = np.random.default_rng(3)
    out = []
    for i in range(n):
        h, w = size[0] + 17 * i, size[1] - 11 * i
        y, x = np.mgrid[0:h, 0:w].astype("float64")
        planes = [128 + 70 * np.sin(x * (0.03 + 0.02 * (i + k))) * np.cos(y / (9 + 4 * i)) + 50 * ((x // 29 + y // 37 + k) % 2) * (i % 2) + rng.normal(0, 12, x.shape) for k in range(3)]
        out.append(Image.fromarray(np.stack(planes, 2).round().clip(0, 255).astype("uint8")))
    return out


def fitted(picture, side):
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC).convert("RGB"))


def golden(folder):
    torch.manual_seed(6)
    torch.set_num_threads(1)
    vocab = synthetic_vocab(180)
    model = rounded(build(TINY, vocab), torch.float16)
    texts = TEXTS[:5] + ["shuang1 zhong1 the cat"]  # test-golden.c has the same list
    crops = [fitted(p, TINY["image"]) for p in pictures(5, (90, 70))]
    image, text = embed(model, crops, *tokens(vocab, texts, TINY["max_text"], folder))
    for e in (image, text):
        assert (e @ e.T - torch.eye(len(e))).max() < 0.97, "the embeddings are all alike"
    save(f"{folder}/chinese-clip.safetensors", model, TINY, vocab, torch.float16)
    save_file(dict(crops=torch.from_numpy(np.stack(crops)).float(), image=image.contiguous(), text=text.contiguous()), f"{folder}/chinese-clip.io.safetensors")


def difference(name, got, want):
    got, want = torch.tensor(got), want.float()
    worst = float((got - want).abs().max() / (want.max() - want.min()))
    cosine = float(torch.nn.functional.cosine_similarity(got, want).min())
    print(f"{name}: largest difference {worst:.1e} of the range, smallest cosine {cosine:.7f}", flush=True)
    return worst < 1e-3 and cosine > 0.9999


def parity(args):
    vocab = pathlib.Path(args.vocab).read_text("utf8").removesuffix("\n").split("\n") if args.vocab else synthetic_vocab(21128)
    dtype, good = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}[args.type], True
    folder = pathlib.Path(args.folder)
    files = []
    for i, p in enumerate(pictures(2, (300, 420))):
        files.append(folder / f"picture-{i}.png")
        p.save(files[-1])
    for name in args.shape or SHAPES:
        torch.manual_seed(1)
        shape, path, start = SHAPES[name], folder / f"chinese-clip-{name}.safetensors", time.time()
        model = build(shape, vocab)
        if args.through:
            rounded(model, dtype)
            imported(args.through, path, model, vocab, dtype)
        else:
            save(path, model, shape, vocab, dtype)
            rounded(model, dtype)
        print(f"{name}: {path.stat().st_size / 2**20:.0f} MiB, made in {time.time() - start:.0f} s", flush=True)
        image, text = embed(model, [fitted(Image.open(f), shape["image"]) for f in files], *tokens(vocab, TEXTS, 52, folder))
        spread = [float((e @ e.T - torch.eye(len(e))).max()) for e in (image, text)]
        print(f"{name}: cosine of the two likest pictures {spread[0]:.3f}, texts {spread[1]:.3f}", flush=True)
        del model
        done = subprocess.run([args.program, path, *map(str, files), "--", *TEXTS], stdout=subprocess.PIPE, text=True, check=True)
        got = json.loads(done.stdout)
        good &= difference(f"{name} images", got["image"], image) & difference(f"{name} texts", got["text"], text)
        path.unlink()
    return good


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(dest="what", required=True)
    g = sub.add_parser("golden")
    g.add_argument("folder")
    g = sub.add_parser("parity")
    g.add_argument("program"), g.add_argument("folder"), g.add_argument("--shape", action="append", choices=SHAPES)
    g.add_argument("--through", metavar="BRAILLECTL"), g.add_argument("--vocab"), g.add_argument("--type", default="f16", choices=("f16", "bf16", "f32"))
    args = p.parse_args()
    if args.what == "golden":
        os.makedirs(args.folder, exist_ok=True)
        return golden(args.folder)
    raise SystemExit(not parity(args))


if __name__ == "__main__":
    main()
