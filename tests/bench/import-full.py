#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl import at full size, against PyTorch.

  import-full.py BUILD WORK [MODEL...]        MODEL: B-16 L-14 L-14-336 H-14 V1 V2 V3 (all); embed-B-16 ...: what an imported model makes of
                                              pictures and texts on the Vulkan device, against transformers
      --cn-clip DIR   folder of the package cn_clip (the wheel, unpacked): names and shapes of OFA-Sys' own class
      --vocab FILE    vocab.txt; else one of the right length is made

Checkpoints have the names and shapes that the reference classes give (transformers' ChineseCLIPModel, OFA-Sys' CLIP, HiFi-GAN of
models/recipes) and random values. Each is imported once, and every tensor of the result compared with what PyTorch holds: bit for bit;
folded weight norm with torch's own remove_weight_norm, as the largest difference over the largest value. HiFi-GAN then speaks a mel on the
Vulkan device and in PyTorch. Memory is looked at every 5 ms: VmHWM, which counts the pages of the mapped files, and
RssAnon, which does not. Not a test of
the build: it needs torch, transformers, 8 GB of memory and 6 GB of disk. What is in WORK is deleted when it was looked at.
"""
import argparse
import gc
import json
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time
import types

import torch
from safetensors import safe_open
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
BASE, LARGE = dict(width=768, layers=12, heads=12, ffn=3072), dict(width=1024, layers=24, heads=16, ffn=4096)
CLIPS = {
    'B-16': dict(image=224, patch=16, width=768, layers=12, heads=12, embed=512, text=BASE, ofa='ViT-B-16', roberta='base'),
    'L-14': dict(image=224, patch=14, width=1024, layers=24, heads=16, embed=768, text=BASE, ofa='ViT-L-14', roberta='base'),
    'L-14-336': dict(image=336, patch=14, width=1024, layers=24, heads=16, embed=768, text=BASE, ofa='ViT-L-14-336', roberta='base'),
    'H-14': dict(image=224, patch=14, width=1280, layers=32, heads=16, embed=1024, text=LARGE, ofa='ViT-H-14', roberta='large'),
}


def say(*words):
    print(*words, flush=True)


def fill(shape, dtype):
    """Random finite values of all sizes, quickly: random bits without the highest exponent."""
    n, bits, top = 1, {torch.float16: torch.int16, torch.bfloat16: torch.int16, torch.float32: torch.int32}[dtype], {torch.float16: 0x7c00, torch.bfloat16: 0x7f80,
                                                                                                                     torch.float32: 0x7f800000}[dtype]
    for s in shape:
        n *= s
    return torch.randint(0, top, (n,), dtype=bits).view(dtype).reshape(shape)


# ---- running it -------------------------------------------------------------------------------------------------------------------
def run_import(o, source, out, *more):
    """-> the answer, seconds, peak of all its pages and of its own, MiB."""
    start, own, whole = time.time(), [0], [0]
    p = subprocess.Popen([f'{o.build}/tools/braillectl', 'import', source, '-o', out, '--json', '--force', *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def look():
        while p.returncode is None:
            try:
                for line in open(f'/proc/{p.pid}/status'):
                    for key, most in (('RssAnon:', own), ('VmHWM:', whole)):
                        if line.startswith(key) and 'braillectl' in open(f'/proc/{p.pid}/comm').read():
                            most[0] = max(most[0], int(line.split()[1]))
            except OSError:
                return
            time.sleep(0.005)
    t = threading.Thread(target=look, daemon=True)
    t.start()
    text, error = p.stdout.read(), p.stderr.read().decode()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    t.join()
    if p.returncode:
        sys.exit(f'import failed ({p.returncode}): {error}')
    return json.loads(text), time.time() - start, whole[0] / 1024, own[0] / 1024, usage.ru_utime + usage.ru_stime


def compare(path, wanted):
    """Every tensor bit for bit. -> how many."""
    with safe_open(path, 'pt') as f:
        names = set(f.keys())
        assert names == set(wanted), sorted(names ^ set(wanted))[:5]
        for name, t in wanted.items():
            got = f.get_tensor(name)
            assert got.dtype == t.dtype and got.shape == t.shape, (name, got.dtype, got.shape, t.dtype, t.shape)
            size = got.element_size()
            bits = {2: torch.int16, 4: torch.int32}[size]
            assert torch.equal(got.contiguous().view(bits), t.contiguous().view(bits)), name
    return len(names)


def report(name, what, answer, seconds, peak, own, cpu, result):
    say(f'{name:9} {what:38} {answer["tensors"]:4} tensors {answer["parameters"]:>11,} parameters {answer["bytes"] / 1e6:7.1f} MB  {seconds:5.1f} s ({cpu:.1f} s of CPU)  '
        f'peak {peak:.0f} MiB, own {own:.1f} MiB  {result}')


# ---- Chinese-CLIP ------------------------------------------------------------------------------------------------------------------
def transformers_state(m):
    from transformers import ChineseCLIPConfig, ChineseCLIPModel
    t = m['text']
    config = ChineseCLIPConfig(
        projection_dim=m['embed'],
        vision_config=dict(hidden_size=m['width'], num_hidden_layers=m['layers'], num_attention_heads=m['heads'], intermediate_size=4 * m['width'], image_size=m['image'],
                           patch_size=m['patch'], projection_dim=m['embed']),
        text_config=dict(vocab_size=21128, hidden_size=t['width'], num_hidden_layers=t['layers'], num_attention_heads=t['heads'], intermediate_size=t['ffn']))
    with torch.device('meta'):
        model = ChineseCLIPModel(config)
    return config, {k: tuple(v.shape) for k, v in model.state_dict().items()}


def ofa_shapes(o, m):
    """Names and shapes of OFA-Sys' class; its picture transforms, which are not used here, need torchvision and are replaced."""
    if 'torchvision' not in sys.modules:
        fake = types.ModuleType('torchvision.transforms')
        for n in ('Compose', 'ToTensor', 'Normalize', 'Resize', 'InterpolationMode'):
            setattr(fake, n, type(n, (), {'BICUBIC': 3}))
        sys.modules['torchvision'], sys.modules['torchvision.transforms'] = types.ModuleType('torchvision'), fake
        sys.path.insert(0, o.cn_clip)
    from cn_clip.clip.model import CLIP
    folder = pathlib.Path(o.cn_clip) / 'cn_clip/clip/model_configs'
    config = json.loads((folder / f'{m["ofa"]}.json').read_text())
    config.update(json.loads((folder / f'RoBERTa-wwm-ext-{m["roberta"]}-chinese.json').read_text()))
    if isinstance(config['vision_layers'], str):
        config['vision_layers'] = eval(config['vision_layers'])
    with torch.device('meta'):
        model = CLIP(**config)
    return {k: tuple(v.shape) for k, v in model.state_dict().items()}


def to_ofa(hf):
    """transformers' names -> OFA-Sys'."""
    out = {}
    renamed = [('vision_model.embeddings.class_embedding', 'visual.class_embedding'), ('vision_model.embeddings.patch_embedding', 'visual.conv1'),
               ('vision_model.embeddings.position_embedding.weight', 'visual.positional_embedding'), ('vision_model.pre_layrnorm', 'visual.ln_pre'),
               ('vision_model.post_layernorm', 'visual.ln_post'), ('vision_model.encoder.layers', 'visual.transformer.resblocks'), ('text_model.', 'bert.'),
               ('.layer_norm1.', '.ln_1.'), ('.layer_norm2.', '.ln_2.'), ('.self_attn.out_proj', '.attn.out_proj'), ('.mlp.fc1', '.mlp.c_fc'), ('.mlp.fc2', '.mlp.c_proj')]
    for name, t in hf.items():
        new = name
        for a, b in renamed:
            new = new.replace(a, b)
        if 'pooler' in name or name.endswith('position_ids'):
            continue
        if '.q_proj.' in name:
            parts = [hf[name.replace('.q_proj.', f'.{x}_proj.')] for x in 'qkv']
            out[new.replace('.self_attn.q_proj.', '.attn.in_proj_')] = torch.cat(parts)
        elif '.k_proj.' in name or '.v_proj.' in name:
            pass
        elif name == 'visual_projection.weight':
            out['visual.proj'] = t.t()
        elif name == 'text_projection.weight':
            out['text_projection'] = t.t()
        else:
            out[new] = t
    return out


def to_flash(state):
    out = {}
    for k, v in state.items():
        if '.attention.self.query.' in k:
            out[k.replace('.query.', '.Wqkv.')] = torch.cat([v, state[k.replace('.query.', '.key.')], state[k.replace('.query.', '.value.')]])
        elif '.attention.self.key.' not in k and '.attention.self.value.' not in k:
            out[k.replace('.attn.in_proj_', '.attn.Wqkv.').replace('.attention.output.dense.', '.attention.self.out_proj.')] = v
    return out


def clip(o, name):
    m, work = CLIPS[name], o.work
    config, shapes = transformers_state(m)
    hf = {k: fill(s, torch.float16) for k, s in shapes.items() if not k.endswith('position_ids')}
    wanted = to_ofa(hf)
    if o.cn_clip:
        theirs = {k: v for k, v in ofa_shapes(o, m).items() if 'pooler' not in k}
        assert theirs == {k: tuple(v.shape) for k, v in wanted.items()}, sorted(set(theirs) ^ set(wanted))[:6]
    vocab = o.vocab or make_vocab(work)
    out = f'{work}/out.safetensors'

    def check(what, source, state, *more):
        result = run_import(o, source, out, '--vocab', vocab, *more)
        n = compare(out, state)
        with safe_open(out, 'pt') as f:
            said = json.loads(f.metadata()['brailled'])
        assert said['model'] == 'chinese-clip' and (said['image'], said['patch'], said['vision_heads'], said['text_heads']) == (
            m['image'], m['patch'], m['heads'], m['text']['heads']) and len(said['vocab']) == 21128, {k: v for k, v in said.items() if k != 'vocab'}
        report(name, what, *result, f'{n} tensors bit for bit')
        os.unlink(out)

    def save(state, old=False):
        path = f'{work}/clip.pt'
        torch.save({'epoch': 15, 'step': 99, 'name': 'clip', 'state_dict': {'module.' + k: v for k, v in state.items()} | pooler}, path, _use_new_zipfile_serialization=not old)
        return path
    h = m['text']['width']
    pooler = {'module.bert.pooler.dense.weight': fill((h, h), torch.float16), 'module.bert.pooler.dense.bias': fill((h,), torch.float16)}
    folder = f'{work}/hf'
    os.makedirs(folder, exist_ok=True)
    config.to_json_file(f'{folder}/config.json')
    save_file({k: v.contiguous() for k, v in hf.items()}, f'{folder}/model.safetensors', {'format': 'pt'})
    check('Hugging Face folder, safetensors f16', folder, wanted)
    os.unlink(f'{folder}/model.safetensors')
    if name in ('B-16', 'H-14'):
        keys = sorted(hf)
        parts = {f'model-{i + 1:05}-of-00003.safetensors': keys[i::3] for i in range(3)}
        for file, part in parts.items():
            save_file({k: hf[k].contiguous() for k in part}, f'{folder}/{file}', {'format': 'pt'})
        with open(f'{folder}/model.safetensors.index.json', 'w') as f:
            json.dump({'metadata': {}, 'weight_map': {k: file for file, part in parts.items() for k in part}}, f)
        check('Hugging Face folder, three shards f16', folder, wanted)
        for file in (*parts, 'model.safetensors.index.json'):
            os.unlink(f'{folder}/{file}')
    del hf
    gc.collect()
    wanted = {k: v.contiguous() for k, v in wanted.items()}
    check('OFA-Sys .pt, zip, f16', save(wanted), wanted)
    if name == 'B-16':
        check('OFA-Sys .pt, before 1.6, f16', save(wanted, old=True), wanted)
        check('OFA-Sys .pt, Flash Attention, f16', save(to_flash(wanted)), wanted)
        bf16 = {k: fill(v.shape, torch.bfloat16) for k, v in wanted.items()}
        check('OFA-Sys .pt, zip, bf16', save(bf16), bf16)
        f32 = {k: fill(v.shape, torch.float32) for k, v in wanted.items()}
        check('OFA-Sys .pt, zip, f32', save(f32), f32)
    os.unlink(f'{work}/clip.pt')


def make_vocab(work):
    lines = [f'[unused{i}]' for i in range(21128)]
    for i, piece in ((0, '[PAD]'), (100, '[UNK]'), (101, '[CLS]'), (102, '[SEP]'), (103, '[MASK]')):
        lines[i] = piece
    with open(f'{work}/vocab.txt', 'w') as f:
        f.write('\n'.join(lines) + '\n')
    return f'{work}/vocab.txt'


@torch.no_grad()
def embeddings(o, name):
    """A model that transformers itself saves, imported, on the device."""
    sys.path.insert(0, str(HERE.parents[1] / 'models/recipes'))
    import chinese_clip as reference
    torch.manual_seed(1)
    shape, work, vocab = reference.SHAPES[name], o.work, reference.synthetic_vocab(21128)
    folder, out = f'{work}/saved', f'{work}/chinese-clip.safetensors'
    model = reference.build(shape, vocab).half()
    model.save_pretrained(folder, max_shard_size='500MB')
    pathlib.Path(f'{folder}/vocab.txt').write_text('\n'.join(vocab) + '\n', 'utf8')
    result = run_import(o, folder, out)
    files = sorted(f for f in os.listdir(folder) if f.endswith('.safetensors'))
    for f in files:
        os.unlink(f'{folder}/{f}')
    pictures = []
    for i, p in enumerate(reference.pictures(2, (300, 420))):
        pictures.append(f'{work}/picture-{i}.png')
        p.save(pictures[-1])
    model = model.float()
    fitted = [reference.fitted(reference.Image.open(f), shape['image']) for f in pictures]
    image, text = reference.embed(model, fitted, *reference.tokens(vocab, reference.TEXTS, 52, work))
    del model
    gc.collect()
    p = subprocess.run([f'{o.build}/tests/bench/clip-embed', out, *pictures, '--', *reference.TEXTS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    got = json.loads(p.stdout)
    report(name, f'saved by transformers, {len(files)} files', *result, '')
    good = reference.difference(f'{name} images', got['image'], image) & reference.difference(f'{name} texts', got['text'], text)
    os.unlink(out)
    if not good:
        sys.exit('too far from transformers')


# ---- HiFi-GAN -----------------------------------------------------------------------------------------------------------------------
def old_norm(state):
    return {k.replace('parametrizations.weight.original0', 'weight_g').replace('parametrizations.weight.original1', 'weight_v'): v for k, v in state.items()}


def largest(got, wanted):
    return ((got - wanted).abs().max() / wanted.abs().max()).item()


@torch.no_grad()
def vocoder(o, name):
    sys.path.insert(0, str(HERE.parents[1] / 'models/recipes'))
    import golden
    import hifigan
    torch.manual_seed(8)
    config = hifigan.CONFIGS[name]
    g = hifigan.Generator(config).eval()
    golden.scale(g)  # weight norm takes what is set apart again
    for m in g.modules():
        if isinstance(m, torch.nn.Conv1d) and m not in (g.conv_pre, g.conv_post):
            m.weight = m.weight * 0.5
    mel = golden.speech_like(48)
    g.conv_pre.weight = g.conv_pre.weight * 0.2
    g.conv_post.weight = g.conv_post.weight * (0.4 / torch.atanh(g(mel[None]).clamp(-0.999, 0.999)).std())
    wanted = g(mel[None])[0, 0]
    _, folded = hifigan.fused(g.state_dict(), config)
    mel.numpy().astype('float32').tofile(f'{o.work}/mel.f32')
    for what, state, old in (('weight_g and weight_v, before 1.6', old_norm(g.state_dict()), True), ('parametrizations, zip', g.state_dict(), False), ('folded, zip', folded, False)):
        out, path = f'{o.work}/hifigan.safetensors', f'{o.work}/g_02500000'
        torch.save({'generator': state}, path, _use_new_zipfile_serialization=not old)
        result = run_import(o, path, out)
        with safe_open(out, 'pt') as f:
            assert set(f.keys()) == set(folded)
            worst = max(largest(f.get_tensor(k), folded[k]) for k in folded)
        assert name in result[0]['model'] and (worst == 0 if state is folded else worst < 1e-6), worst
        p = subprocess.run([f'{o.build}/tests/bench/vocoder-run', out, f'{o.work}/mel.f32', f'{o.work}/out.f32'], check=True, capture_output=True, text=True)
        import numpy as np
        got = torch.from_numpy(np.fromfile(f'{o.work}/out.f32', 'float32'))
        spread = (wanted.max() - wanted.min()).item()
        report(name, what, *result, f'weights {worst:.1e}; speech {(got - wanted).abs().max().item() / spread:.1e} of its range ({spread:.2f}), {p.stderr.strip()}')
        for file in (out, path, f'{o.work}/out.f32'):
            os.unlink(file)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('build'), ap.add_argument('work'), ap.add_argument('models', nargs='*')
    ap.add_argument('--cn-clip'), ap.add_argument('--vocab')
    o = ap.parse_args()
    os.makedirs(o.work, exist_ok=True)
    torch.set_num_threads(1)
    for name in o.models or [*CLIPS, 'V1', 'V2', 'V3']:
        if name.startswith('embed-'):
            embeddings(o, name.removeprefix('embed-'))
        else:
            (clip if name in CLIPS else vocoder)(o, name)
    say(f'this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most')


if __name__ == '__main__':
    main()
