"""Braille CLIP: a ViT over crops of braille cells and a BERT-like text tower, into one space.

Arrangement and tensor names of Chinese-CLIP (OFA-Sys, MIT): pre-LN ViT with QuickGELU, post-LN BERT with the exact GELU and a key mask,
`visual.proj` and `text_projection` into E channels, both features L2-normalised. Ours: grey crops of one channel that need not be square, and a
vocabulary of single characters. This is the reference of models/clip/clip.c (its golden test builds it from here).
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

SPECIALS = ["[PAD]", "[CLS]", "[SEP]"]
CONFIG = dict(model="clip", width=32, height=48, patch=8, vision_width=96, vision_layers=4, vision_heads=3, embed=64, text_width=64, text_layers=2,
              text_heads=2, text_ffn=256, max_text=12, vocab=SPECIALS, px_per_pitch=10.0)


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class VisionBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", QuickGELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class VisionTransformer(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, p = c["vision_width"], c["patch"]
        self.conv1 = nn.Conv2d(1, d, p, p, bias=False)
        self.class_embedding = nn.Parameter(d**-0.5 * torch.randn(d))
        self.positional_embedding = nn.Parameter(d**-0.5 * torch.randn(1 + (c["width"] // p) * (c["height"] // p), d))
        self.ln_pre, self.ln_post = nn.LayerNorm(d), nn.LayerNorm(d)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(VisionBlock(d, c["vision_heads"]) for _ in range(c["vision_layers"]))
        self.proj = nn.Parameter(d**-0.5 * torch.randn(d, c["embed"]))

    def forward(self, x):
        x = self.conv1(x).flatten(2).transpose(1, 2)  # patches row by row
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1) + self.positional_embedding
        x = self.ln_pre(x)
        for block in self.transformer.resblocks:
            x = block(x)
        return self.ln_post(x[:, 0]) @ self.proj


def _module(**parts):
    m = nn.Module()
    for name, part in parts.items():
        m.add_module(name, part)
    return m


class TextBlock(nn.Module):
    def __init__(self, width, heads, ffn):
        super().__init__()
        self.heads = heads
        self.attention = nn.Module()
        self.attention.self = _module(query=nn.Linear(width, width), key=nn.Linear(width, width), value=nn.Linear(width, width))
        self.attention.output = _module(dense=nn.Linear(width, width), LayerNorm=nn.LayerNorm(width, 1e-12))
        self.intermediate = _module(dense=nn.Linear(width, ffn))
        self.output = _module(dense=nn.Linear(ffn, width), LayerNorm=nn.LayerNorm(width, 1e-12))

    def forward(self, x, keep):
        a = self.attention
        q, k, v = (f(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for f in (a.self.query, a.self.key, a.self.value))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=keep[:, None, None]).transpose(1, 2).flatten(2)
        x = a.output.LayerNorm(x + a.output.dense(y))
        return self.output.LayerNorm(x + self.output.dense(F.gelu(self.intermediate.dense(x))))


class Bert(nn.Module):
    def __init__(self, c):
        super().__init__()
        h = c["text_width"]
        self.embeddings = _module(word_embeddings=nn.Embedding(len(c["vocab"]), h), position_embeddings=nn.Embedding(c["max_text"], h),
                                  token_type_embeddings=nn.Embedding(2, h), LayerNorm=nn.LayerNorm(h, 1e-12))
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(TextBlock(h, c["text_heads"], c["text_ffn"]) for _ in range(c["text_layers"]))

    def forward(self, ids):
        e, keep = self.embeddings, ids != 0
        x = e.word_embeddings(ids) + e.position_embeddings.weight[:ids.shape[1]] + e.token_type_embeddings.weight[0]
        x = e.LayerNorm(x)
        for layer in self.encoder.layer:
            x = layer(x, keep)
        return x[:, 0]


class BrailleCLIP(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = self.config = dict(CONFIG, **config)
        assert c["vocab"][:3] == SPECIALS and c["width"] % c["patch"] == 0 and c["height"] % c["patch"] == 0
        self.index = {s: i for i, s in enumerate(c["vocab"])}
        assert len(self.index) == len(c["vocab"]) and all(len(s) == 1 for s in c["vocab"][3:])
        self.visual, self.bert = VisionTransformer(c), Bert(c)
        self.text_projection = nn.Parameter(c["text_width"]**-0.5 * torch.randn(c["text_width"], c["embed"]))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.start()

    def start(self):
        """Initial weights: OpenAI CLIP's scheme for the image tower, BERT's for the text tower."""
        c = self.config
        d, layers = c["vision_width"], c["vision_layers"]
        for block in self.visual.transformer.resblocks:
            nn.init.normal_(block.attn.in_proj_weight, std=d**-0.5)
            nn.init.normal_(block.attn.out_proj.weight, std=d**-0.5 * (2 * layers)**-0.5)
            nn.init.normal_(block.mlp.c_fc.weight, std=(2 * d)**-0.5)
            nn.init.normal_(block.mlp.c_proj.weight, std=d**-0.5 * (2 * layers)**-0.5)
        for m in self.bert.modules():
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, std=0.02 if isinstance(m, nn.Embedding) else c["text_width"]**-0.5)
            if isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)

    @staticmethod
    def normalised(crops):
        """[B, 1, H, W] levels 0..255 -> mean 0, deviation 1 per crop; the deviation is floored at 8 levels."""
        x = crops.float()
        mean = x.mean((1, 2, 3), keepdim=True)
        std = (x - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
        return (x - mean) / std.clamp(min=8)

    def encode_image(self, crops):
        """Crops [B, 1, H, W], uint8 or float 0..255 -> [B, E] of length 1."""
        return F.normalize(self.visual(self.normalised(crops)), dim=-1)

    def encode_text(self, ids):
        """Token ids [B, L], 0 = padding -> [B, E] of length 1."""
        return F.normalize(self.bert(ids) @ self.text_projection, dim=-1)

    def tokenise(self, texts):
        """[CLS], one id a character, [SEP]; padded to the longest. A character outside the vocabulary is a KeyError."""
        rows = [[1, *(self.index[s] for s in t), 2] for t in texts]
        n = max(map(len, rows))
        if n > self.config["max_text"]:
            raise ValueError(f"a text of {n} tokens; the model takes {self.config['max_text']}")
        return torch.tensor([r + [0] * (n - len(r)) for r in rows])

    def forward(self, crops, ids):
        """-> image features [B, E], text features [B', E], exp(logit_scale)."""
        return self.encode_image(crops), self.encode_text(ids), self.logit_scale.exp()
