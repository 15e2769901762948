#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every recipe of models/recipes trains for a few steps, and what it writes runs through the shaders.

The words are few and the speech is made of tones: nothing here learns to read or to speak. What is tested is that losses are the paper's equations, that a
seed gives the same weights again, and that the programs compute with the exported files what PyTorch computes.
"""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED, ROOT = 77, pathlib.Path(__file__).resolve().parents[2]
RECIPES, WEIGHTS, BUILD = ROOT / 'models/recipes', ROOT / 'models/weights', pathlib.Path(os.environ['BUILD'])
SENTENCES = ['ni3hao3 ， zhong1guo2 。', 'yi1 、 shi4 、 hao3 。', 'guo2 zhong1shi4 ， ni3hao3 。', 'shi4 yi1 guo2 。']

sys.path.insert(0, str(RECIPES))
try:
    import numpy as np
    import safetensors.torch as st
    import soundfile as sf
    import torch
    import torch.nn.functional as F

    import bit
    import clip_model
    import common
    import contrastive
    import fastspeech2
    import hifigan
    import joint
    import phones
except ImportError as e:
    if os.environ.get('NEED_PACKAGES') == '1':
        raise
    print(f'SKIPPED: NO PYTHON PACKAGE ({e}): the recipes were NOT tested; tests/run installs models/recipes/requirements.txt, or meson -Drecipes_python=PYTHON')
    sys.exit(SKIPPED)


def require(ok, *what):
    if not ok:
        raise AssertionError(' '.join(str(w) for w in what))


def recipe(module, *words):
    """A recipe's main() with these arguments, in this process: importing PyTorch takes longer than the steps."""
    saved, sys.argv = sys.argv, [module.__name__, *map(str, words)]
    try:
        module.main()
    finally:
        sys.argv = saved


def program(name, *words):
    env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS='unix:path=/nonexistent/bus', DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nonexistent/bus')
    p = subprocess.run([BUILD / 'tools' / name, *map(str, words)], capture_output=True, text=True, timeout=250, env=env)
    require(p.returncode == 0, name, *words, 'ended with', p.returncode, p.stderr[-600:])
    return p.stdout


def family(folder):
    program('braille-dataset', 'build', folder / 'bit', '--scale', 0.02, '--seed', 3, '--quiet')
    return folder / 'bit/BIT-DP'


def syllables(word):
    """-> (without the tone, whole)"""
    return [(s[:-1], s) for s in re.findall(r'[a-z]+[1-5]', word)]


def corpus(folder, sentences=SENTENCES):
    """Sentences as teacher.py leaves them: sound, syllables, how many 25 ms units each of the teacher's tokens lasts, F0 every 12.5 ms."""
    os.makedirs(folder / 'audio')
    teacher = folder / 'teacher.tsv'
    n_tokens = {b: phones._TEACHER_INITIAL.get(initial, 0) + 2 for b, (initial, _) in phones.TABLE.items()}
    teacher.write_text(''.join(f'{b}\t{s[-1]}\t-\t{" ".join(["1"] * n_tokens[b])}\n' for b, s in sorted(set(syllables(' '.join(sentences))))), encoding='utf8')
    with open(folder / 'meta.jsonl', 'w', encoding='utf8') as f:
        for i, pinyin in enumerate(sentences):
            dur, words = [3], pinyin.split()
            for w, word in enumerate(words):
                last = w + 1 == len(words)
                if word in phones.PAUSES:
                    dur += [2] * (1 if last else 2)
                    continue
                dur += [2] * sum(n_tokens[b] for b, _ in syllables(word))
                if not last and words[w + 1] not in phones.PAUSES:
                    dur.append(1)
            dur.append(4)
            t = np.arange(sum(dur) * 400) / common.RATE
            f0 = 200 + 30 * np.sin(3 * t + i)
            sound = 0.2 * sum(np.sin(2 * math.pi * np.cumsum(f0) * k / common.RATE) / k for k in (1, 2, 3, 4)) + 0.01 * np.random.default_rng(i).normal(size=len(t))
            sf.write(folder / f'audio/t{i}.flac', sound.astype('float32'), common.RATE)
            f.write(json.dumps(dict(id=f't{i}', text='', pinyin=pinyin, dur=dur, f0=[round(float(v)) for v in f0[::200]])) + '\n')
    return folder, teacher


def models(folder, **files):
    """A folder of weights: the shipped ones, and some of our own instead."""
    os.makedirs(folder)
    for name in ('clip', 'fastspeech2', 'hifigan'):
        os.symlink(files.get(name, WEIGHTS / f'{name}.safetensors'), folder / f'{name}.safetensors')
    return folder


def spoken(folder, models_folder):
    """Seconds that our programs speak with these models."""
    out = folder / f'{models_folder.name}.wav'
    program('braillectl', 'say', '--local', '--models', models_folder, 'ni3 hao3', '-o', out)
    sound, rate = sf.read(out)
    require(np.isfinite(sound).all(), 'not a number in the sound')
    return len(sound) / rate


def same_as_pytorch(folder, weights, g, data):
    """Embeddings through the shaders against PyTorch with the values as stored: within 1e-3 of their range."""
    g.load_state_dict({k: v.float() for k, v in st.load_file(weights).items()})
    answer = json.loads(program('braille-eval', 'retrieval', data, '--clip', weights, '--split', 'test', '--save', folder / 'save', '--json'))
    pairs = contrastive.Pairs([data], 'test', g.config['width'], g.config['height'])
    by_text = dict(zip([line.split('\t')[0] for line in (folder / f'save/{data.name}-texts.tsv').read_text(encoding='utf8').splitlines()],
                       np.load(folder / f'save/{data.name}-texts.npy')))
    with torch.no_grad():
        texts = g.encode_text(g.tokenise(pairs.distinct)).numpy()
        images = g.encode_image(torch.from_numpy(pairs.crops)).numpy()
    off = max(np.abs(by_text[t] - x).max() for t, x in zip(pairs.distinct, texts)) / np.ptp(texts)
    require(off < 1e-3, 'text embeddings are off by', off, 'of their range')
    ids = [r['id'] for r in bit.records(data, 'test')]
    rows = [line.split('\t')[0] for line in (folder / f'save/{data.name}-pictures.tsv').read_text(encoding='utf8').splitlines()]
    saved = np.load(folder / f'save/{data.name}-pictures.npy')
    off = max(np.abs(saved[rows.index(i)] - x).max() for i, x in zip(ids, images)) / np.ptp(images)
    require(off < 1e-3, 'image embeddings are off by', off, 'of their range')
    require(answer['pictures'] == len(pairs), answer['pictures'], 'pictures judged, not', len(pairs))


def case_contrastive(folder):
    """Equations (1)-(3), the same bytes for a seed, and the shaders."""
    torch.manual_seed(5)
    a, b = (F.normalize(torch.randn(7, 16, dtype=torch.double), dim=1) for _ in 'ab')
    logits = [[10 * sum(float(x) * float(y) for x, y in zip(u, v)) for v in b] for u in a]
    rows = -sum(logits[i][i] - math.log(sum(map(math.exp, logits[i]))) for i in range(7)) / 7
    columns = -sum(logits[i][i] - math.log(sum(math.exp(logits[j][i]) for j in range(7))) for i in range(7)) / 7
    require(abs(float(contrastive.contrastive_loss(a, b, 10)) - (rows + columns) / 2) < 1e-9, 'equation (3) is another')

    data = family(folder)
    for name in ('one', 'two'):
        recipe(contrastive, 'train', folder / f'{name}.pt', data, '--size', 'tiny', '--steps', 6, '--batch', 16, '--seed', 4)
        recipe(contrastive, 'export', folder / f'{name}.pt', folder / f'{name}.safetensors')
    require((folder / 'one.safetensors').read_bytes() == (folder / 'two.safetensors').read_bytes(), 'a seed gives other weights the second time')
    recipe(contrastive, 'train', folder / 'three.pt', data, '--size', 'tiny', '--steps', 6, '--batch', 16, '--seed', 5)
    recipe(contrastive, 'export', folder / 'three.pt', folder / 'three.safetensors')
    require((folder / 'one.safetensors').read_bytes() != (folder / 'three.safetensors').read_bytes(), 'another seed gives the same weights')
    same_as_pytorch(folder, folder / 'one.safetensors', contrastive.restore(folder / 'one.pt')[0], data)
    pairs = contrastive.Pairs([data], 'train', 96, 32)
    for _, batch in zip(range(20), pairs.batches(16, 0)):
        require(len({pairs.texts[i] for i in batch}) == 16, 'a text comes twice in a batch')
    first = [b.tolist() for _, b in zip(range(5), pairs.batches(16, 0))]
    require(first[3:] == [b.tolist() for _, b in zip(range(2), pairs.batches(16, 0, 3))], 'a run that goes on sees other batches')


def case_fastspeech2(folder):
    """Equations (4)-(9) and both other forms, each trained, exported and spoken with."""
    g = torch.Generator().manual_seed(2)
    draw = lambda *shape: torch.randn(*shape, generator=g)
    out = dict(mel=draw(1, 6, 80), log_dur=draw(1, 3), pitch_out=draw(1, 6, 2), energy_out=draw(1, 6), frames=torch.tensor([[False] * 5 + [True]]))
    mask, dur, m, energy = torch.tensor([[False, False, True]]), torch.tensor([[2, 3, 0]]), draw(1, 6, 80), draw(1, 6)
    pitch = torch.stack([draw(1, 6), torch.tensor([[1.0, 0, 1, 1, 0, 1]])], -1)
    k, v = slice(0, 5), [0, 2, 3]
    error = dict(mel=out['mel'][0, k] - m[0, k], dur=out['log_dur'][0, :2] - torch.log(torch.tensor([3.0, 4.0])),
                 pitch=out['pitch_out'][0, v, 0] - pitch[0, v, 0], energy=out['energy_out'][0, k] - energy[0, k])
    mae, mse = ({n: float(f(e)) for n, e in error.items()} for f in (lambda e: e.abs().mean(), lambda e: e.square().mean()))
    voicing = float(F.binary_cross_entropy_with_logits(out['pitch_out'][0, k, 1], pitch[0, k, 1])) / 2
    wanted = dict(paper=mse['mel'] + mae['dur'] + mae['pitch'] + mae['energy'], ming024=mae['mel'] + mse['dur'] + mse['pitch'] + mse['energy'],
                  shipped=mae['mel'] + mse['dur'] + (mae['pitch'] + mse['energy']) / 2)
    for form, value in wanted.items():
        got = float(fastspeech2.losses(out, mask, dur, m, pitch, energy, form)[1])
        require(abs(got - value - voicing) < 1e-5, 'the loss', form, 'is', got, 'not', value + voicing)

    data, teacher = corpus(folder / 'corpus')
    kept = {}
    for form in wanted:
        recipe(fastspeech2, 'train', data, teacher, folder / f'{form}.pt', '--steps', 2, '--batch', 2, '--loss', form, '--start', WEIGHTS / 'fastspeech2.safetensors')
        recipe(fastspeech2, 'export', folder / f'{form}.pt', folder / f'{form}.safetensors')
        kept[form] = (folder / f'{form}.safetensors').read_bytes()
        require(spoken(folder, models(folder / form, fastspeech2=folder / f'{form}.safetensors')) > 0.3, 'nothing was said')
    require(len(set(kept.values())) == 3, 'two losses trained the same weights')


def case_joint(folder):
    """Equation (10): lambda weighs the gradients of both models; both arrangements are exported and run."""
    data = family(folder)
    labels = [r['text'] for r in bit.records(data, 'train') if r['type'] == 'spell' and r['text'][:-1] in phones.TABLE and r['text'][-1] in '12345']
    speech, teacher = corpus(folder / 'corpus', [' 、 '.join(labels[i:i + 3]) + ' 。' for i in range(0, 12, 3)])
    recipe(contrastive, 'train', folder / 'eye.pt', data, '--size', 'tiny', '--steps', 2, '--batch', 16)
    words = [folder / 'eye.pt', WEIGHTS / 'fastspeech2.safetensors', data, '--corpus', speech, '--teacher', teacher, '--batch', 16, '--sentences', 1, '--steps', 2]
    moved = {}
    for name, options in dict(image=['--lambda', 1], speech=['--lambda', 0], half=['--lambda', 0.5], two=['--stages', 'two']).items():
        recipe(joint, 'train', folder / f'{name}.pt', *words, *options)
        after = torch.load(folder / f'{name}.pt', weights_only=False)['g']
        start = {**{f'eye.{k}': v for k, v in torch.load(folder / 'eye.pt', weights_only=False)['ema'].items()},
                 **{f'voice.{k}': v.float() for k, v in st.load_file(WEIGHTS / 'fastspeech2.safetensors').items()}}
        moved[name] = {part: max(float((after[k] - v).abs().max() / v.abs().max().clamp(min=1e-3)) for k, v in start.items() if k.startswith(part)) for part in ('eye', 'voice')}
    decay = 1e-4  # what weight decay alone can move in two steps
    require(moved['image']['voice'] < decay < moved['image']['eye'], 'lambda 1 does not leave the voice alone', moved)
    require(moved['speech']['eye'] < decay < moved['speech']['voice'], 'lambda 0 does not leave the image tower alone', moved)
    require(min(moved[n][p] for n in ('half', 'two') for p in ('eye', 'voice')) > decay, 'a model was not trained', moved)
    for name in ('half', 'two'):
        recipe(joint, 'export', folder / f'{name}.pt', folder / f'{name}-out')
        same_as_pytorch(folder, folder / f'{name}-out/clip.safetensors', clip_model.BrailleCLIP(contrastive.SIZES['tiny']).eval(), data)
        require(spoken(folder, models(folder / name, fastspeech2=folder / f'{name}-out/fastspeech2.safetensors')) > 0.3, 'nothing was said')


def case_hifigan(folder):
    """The shipped form and upstream's, which are spoken with."""
    data, _ = corpus(folder / 'corpus')
    for kind in ('source', 'V2', 'V3'):
        recipe(hifigan, 'train', data, folder / f'{kind}.pt', '--config', kind, '--steps', 2, '--batch', 1, '--segment', 4096)
        recipe(hifigan, 'export', folder / f'{kind}.pt', folder / f'{kind}.safetensors')
        require(spoken(folder, models(folder / kind, hifigan=folder / f'{kind}.safetensors')) > 0.3, 'nothing was said')


def main():
    torch.set_num_threads(1)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='recipes-'))
    try:
        globals()['case_' + sys.argv[1]](folder)
    finally:
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
