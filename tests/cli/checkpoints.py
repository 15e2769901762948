# SPDX-License-Identifier: Apache-2.0
"""Checkpoints without PyTorch: zip files and streams as torch.save() writes them, safetensors, and the state of small models.

A tensor is (dtype, shape, bytes); random bytes of finite values.
"""
import io
import json
import pickle
import random
import struct
import sys
import types
import zipfile

SIZES = {'F32': 4, 'F16': 2, 'BF16': 2, 'F64': 8, 'I64': 8}
STORAGES = {'F32': 'FloatStorage', 'F16': 'HalfStorage', 'BF16': 'BFloat16Storage', 'F64': 'DoubleStorage', 'I64': 'LongStorage'}
_lot = random.Random(8)


def count(shape):
    n = 1
    for s in shape:
        n *= s
    return n


def tensor(shape, dtype='F32'):
    n = count(shape)
    if dtype == 'I64':
        return dtype, tuple(shape), struct.pack(f'<{n}q', *range(n))
    if dtype == 'BF16':  # the upper half of a float
        return dtype, tuple(shape), b''.join(struct.pack('<f', _lot.gauss(0, 1))[2:] for _ in range(n))
    return dtype, tuple(shape), struct.pack(f'<{n}{dict(F32="f", F16="e", F64="d")[dtype]}', *(_lot.gauss(0, 1) for _ in range(n)))


def strides(shape):
    out, step = [], 1
    for s in reversed(shape):
        out.insert(0, step)
        step *= s
    return tuple(out)


# ---- what pickle needs to believe that torch is there ---------------------------------------------------------------------------
def _module(name, **names):
    m = types.ModuleType(name)
    for k, v in names.items():
        v.__module__, v.__qualname__, v.__name__ = name, k, k
        setattr(m, k, v)
    return m


def _fake():
    def rebuild(*_):
        raise AssertionError('only written, never read')
    names = {n: type(n, (), {}) for n in STORAGES.values()}
    return {'torch': _module('torch', **names), 'torch._utils': _module('torch._utils', _rebuild_tensor_v2=rebuild)}


class _Storage:
    def __init__(self, key, t):
        self.key, self.dtype, self.n, self.data = key, t[0], len(t[2]) // SIZES[t[0]], t[2]


class _Tensor:
    def __init__(self, storage, shape):
        self.storage, self.shape = storage, shape

    def __reduce__(self):
        return sys.modules['torch._utils']._rebuild_tensor_v2, (self.storage, 0, self.shape, strides(self.shape), False, {})


def _dump(value, old, protocol):
    """-> the pickle and its storages; every tensor (a tuple that begins with a dtype) has a storage of its own."""
    storages = []

    def walk(v):
        if isinstance(v, tuple) and v and isinstance(v[0], str) and v[0] in SIZES:
            storages.append(_Storage(str(len(storages)), v))
            return _Tensor(storages[-1], v[1])
        if isinstance(v, dict):
            return type(v)((k, walk(x)) for k, x in v.items())
        return v

    class Pickler(pickle.Pickler):
        def persistent_id(self, v):
            if not isinstance(v, _Storage):
                return None
            kind = getattr(sys.modules['torch'], STORAGES[v.dtype])
            return ('storage', kind, v.key, 'cpu', v.n) + ((None,) if old else ())

    out, kept, fake = io.BytesIO(), {}, _fake()
    for name, m in fake.items():
        kept[name] = sys.modules.get(name)
        sys.modules[name] = m
    try:
        Pickler(out, protocol).dump(walk(value))
    finally:
        for name, m in kept.items():
            if m:
                sys.modules[name] = m
            else:
                del sys.modules[name]
    return out.getvalue(), storages


def save_torch(path, value, old=False, protocol=2):
    data, storages = _dump(value, old, protocol)
    if old:
        with open(path, 'wb') as f:
            for v in (0x1950a86a20f9469cfc6c, 1001, dict(protocol_version=1001, little_endian=True, type_sizes=dict(short=2, int=4, long=4))):
                pickle.dump(v, f, 2)
            f.write(data)
            pickle.dump([s.key for s in storages], f, 2)
            for s in storages:
                f.write(struct.pack('<Q', s.n) + s.data)
        return
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_STORED) as z:
        z.writestr('archive/data.pkl', data)
        z.writestr('archive/byteorder', 'little')
        for s in storages:
            z.writestr(f'archive/data/{s.key}', s.data)
        z.writestr('archive/version', '3\n')


def save_safetensors(path, tensors, metadata=None):
    header, at = {'__metadata__': metadata or {'format': 'pt'}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = dict(dtype=dtype, shape=list(shape), data_offsets=[at, at + len(data)])
        at += len(data)
    text = json.dumps(header).encode()
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for _, _, data in tensors.values():
            f.write(data)


def load_safetensors(path):
    """-> tensors, metadata, where the data begin; holes are found out."""
    with open(path, 'rb') as f:
        whole = f.read()
    n = struct.unpack('<Q', whole[:8])[0]
    header = json.loads(whole[8:8 + n])
    metadata, base, at = header.pop('__metadata__'), 8 + n, 0
    out = {}
    for name, t in sorted(header.items(), key=lambda item: item[1]['data_offsets']):
        begin, end = t['data_offsets']
        assert begin == at and end - begin == count(t['shape']) * SIZES[t['dtype']], name
        out[name] = t['dtype'], tuple(t['shape']), whole[base + begin:base + end]
        at = end
    assert base + at == len(whole)
    return out, metadata, base


# ---- small models --------------------------------------------------------------------------------------------------------------
TINY = dict(image=32, patch=16, vision_width=64, vision_layers=2, vision_heads=2, text_width=32, text_layers=2, text_heads=4, text_ffn=48, max_text=16,
            embed=24, pieces=40)
SPECIALS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
VOCAB = SPECIALS + [chr(0x4e00 + i) for i in range(TINY['pieces'] - 5)]


def chinese_clip(dtype='F16', m=TINY):
    """Under OFA-Sys' names (../shared/facts/models.md A1)."""
    d, h, f, e = m['vision_width'], m['text_width'], m['text_ffn'], m['embed']
    s = {}

    def add(name, *shape):
        s[name] = tensor(shape, dtype)

    def layer(name, rows, columns=0):
        add(f'{name}.weight', *((rows, columns) if columns else (rows,)))
        add(f'{name}.bias', rows)
    add('visual.class_embedding', d)
    add('visual.positional_embedding', (m['image'] // m['patch'])**2 + 1, d)
    add('visual.conv1.weight', d, 3, m['patch'], m['patch'])
    layer('visual.ln_pre', d)
    for i in range(m['vision_layers']):
        p = f'visual.transformer.resblocks.{i}'
        layer(f'{p}.ln_1', d)
        add(f'{p}.attn.in_proj_weight', 3 * d, d)
        add(f'{p}.attn.in_proj_bias', 3 * d)
        layer(f'{p}.attn.out_proj', d, d)
        layer(f'{p}.ln_2', d)
        layer(f'{p}.mlp.c_fc', 4 * d, d)
        layer(f'{p}.mlp.c_proj', d, 4 * d)
    layer('visual.ln_post', d)
    add('visual.proj', d, e)
    for name, rows in (('word', m['pieces']), ('position', m['max_text']), ('token_type', 2)):
        add(f'bert.embeddings.{name}_embeddings.weight', rows, h)
    layer('bert.embeddings.LayerNorm', h)
    for i in range(m['text_layers']):
        p = f'bert.encoder.layer.{i}'
        for part in ('query', 'key', 'value'):
            layer(f'{p}.attention.self.{part}', h, h)
        layer(f'{p}.attention.output.dense', h, h)
        layer(f'{p}.attention.output.LayerNorm', h)
        layer(f'{p}.intermediate.dense', f, h)
        layer(f'{p}.output.dense', h, f)
        layer(f'{p}.output.LayerNorm', h)
    add('text_projection', h, e)
    s['logit_scale'] = tensor((), 'F32')
    return s


def _rows(t, begin, n):
    size = SIZES[t[0]] * count(t[1][1:])
    return t[0], (n,) + t[1][1:], t[2][begin * size:(begin + n) * size]


def _turned(t):
    size, (rows, columns) = SIZES[t[0]], t[1]
    cells = [t[2][i:i + size] for i in range(0, len(t[2]), size)]
    return t[0], (columns, rows), b''.join(cells[r * columns + c] for c in range(columns) for r in range(rows))


def as_transformers(state):
    """The same under the names of transformers' ChineseCLIPModel."""
    out = {}
    renamed = [('visual.class_embedding', 'vision_model.embeddings.class_embedding'), ('visual.conv1', 'vision_model.embeddings.patch_embedding'),
               ('visual.positional_embedding', 'vision_model.embeddings.position_embedding.weight'), ('visual.ln_pre', 'vision_model.pre_layrnorm'),
               ('visual.ln_post', 'vision_model.post_layernorm'), ('visual.transformer.resblocks', 'vision_model.encoder.layers'), ('bert.', 'text_model.'),
               ('.ln_1.', '.layer_norm1.'), ('.ln_2.', '.layer_norm2.'), ('.attn.out_proj', '.self_attn.out_proj'), ('.mlp.c_fc', '.mlp.fc1'), ('.mlp.c_proj', '.mlp.fc2')]
    for name, t in state.items():
        new = name
        for a, b in renamed:
            new = new.replace(a, b)
        if 'in_proj_' in name:
            d = t[1][0] // 3
            for k, letter in enumerate('qkv'):
                out[new.replace('.attn.in_proj_', f'.self_attn.{letter}_proj.')] = _rows(t, k * d, d)
        elif name in ('visual.proj', 'text_projection'):
            out['visual_projection.weight' if name == 'visual.proj' else 'text_projection.weight'] = _turned(t)
        else:
            out[new] = t
    out['text_model.embeddings.position_ids'] = tensor((1, TINY['max_text']), 'I64')
    return out


def as_flash(state):
    """The same as it is saved while Flash Attention is on."""
    out = {k.replace('.attn.in_proj_', '.attn.Wqkv.').replace('.attention.output.dense', '.attention.self.out_proj'): t for k, t in state.items()
           if not any(f'.self.{p}.' in k for p in ('query', 'key', 'value'))}
    for i in range(TINY['text_layers']):
        p = f'bert.encoder.layer.{i}.attention.self'
        for end in ('weight', 'bias'):
            parts = [state[f'{p}.{x}.{end}'] for x in ('query', 'key', 'value')]
            out[f'{p}.Wqkv.{end}'] = parts[0][0], (3 * parts[0][1][0],) + parts[0][1][1:], b''.join(x[2] for x in parts)
    return out


def config_transformers(m=TINY):
    return dict(model_type='chinese_clip', projection_dim=m['embed'], vision_config=dict(num_attention_heads=m['vision_heads'], hidden_act='quick_gelu'),
                text_config=dict(num_attention_heads=m['text_heads'], hidden_act='gelu'))


def config_ofa(m=TINY):
    return dict(embed_dim=m['embed'], vision_head_width=m['vision_width'] // m['vision_heads'], text_num_attention_heads=m['text_heads'])


V3 = dict(resblock='2', upsample_rates=[8, 8, 4], upsample_kernel_sizes=[16, 16, 8], upsample_initial_channel=256, resblock_kernel_sizes=[3, 5, 7],
          resblock_dilation_sizes=[[1, 2], [2, 6], [3, 12]], num_mels=80, n_fft=1024, hop_size=256, win_size=1024, sampling_rate=22050, fmin=0, fmax=8000)
SMALL = dict(V3, upsample_initial_channel=16, num_mels=20, sampling_rate=16000)


def hifigan(c=SMALL, form='weight_'):
    """jik876's names; form 'weight_': g and v as torch.nn.utils.weight_norm has them, 'new': parametrizations, '': folded."""
    s, width = {}, c['upsample_initial_channel']

    def add(name, a, b, taps, n_bias):
        g, v = {'weight_': ('weight_g', 'weight_v'), 'new': ('parametrizations.weight.original0', 'parametrizations.weight.original1'), '': (None, 'weight')}[form]
        if g:
            s[f'{name}.{g}'] = tensor((a, 1, 1))
        s[f'{name}.{v}'] = tensor((a, b, taps))
        s[f'{name}.bias'] = tensor((n_bias,))
    add('conv_pre', width, c['num_mels'], 7, width)
    for i, k in enumerate(c['upsample_kernel_sizes']):
        add(f'ups.{i}', width >> i, width >> (i + 1), k, width >> (i + 1))
        for j, (taps, dilations) in enumerate(zip(c['resblock_kernel_sizes'], c['resblock_dilation_sizes'])):
            n, w = i * len(c['resblock_kernel_sizes']) + j, width >> (i + 1)
            for d in range(len(dilations)):
                for convs in (('convs1', 'convs2') if c['resblock'] == '1' else ('convs',)):
                    add(f'resblocks.{n}.{convs}.{d}', w, w, taps, w)
    add('conv_post', 1, width >> len(c['upsample_rates']), 7, 1)
    return s


def floats(t):
    return struct.unpack(f'<{count(t[1])}f', t[2])


def folded(s):
    """g v / |v| of every filter, the norm over all dimensions but the first."""
    out = {}
    for name, t in s.items():
        v = name.replace('weight_g', 'weight_v').replace('original0', 'original1')
        if v == name:
            if not name.endswith(('weight_v', 'original1')):
                out[name] = floats(t)
            continue
        rows = t[1][0]
        values = floats(s[v])
        n, new = len(values) // rows, []
        for r, g in enumerate(floats(t)):
            row = values[r * n:(r + 1) * n]
            new += [x * g / sum(y * y for y in row)**0.5 for x in row]
        out[name.replace('.weight_g', '.weight').replace('.parametrizations.weight.original0', '.weight')] = new
    return out


def fastspeech2(h=8, n_voices=3, dtype='F16'):
    """ming024's names, one block a stack and two layers of postnet; boundaries that rise."""
    s = {}

    def add(name, *shape):
        s[name + '.weight'], s[name + '.bias'] = tensor(shape, dtype), tensor(shape[:1], dtype)
    s['encoder.src_word_emb.weight'], s['speaker_emb.weight'] = tensor((361, h), dtype), tensor((n_voices, h), dtype)
    for stack in ('encoder', 'decoder'):
        s[stack + '.position_enc'] = tensor((1, 4, h), dtype)
        block = stack + '.layer_stack.0.'
        for name in ('w_qs', 'w_ks', 'w_vs', 'fc'):
            add(f'{block}slf_attn.{name}', h, h)
        add(block + 'slf_attn.layer_norm', h), add(block + 'pos_ffn.w_1', h, h, 3), add(block + 'pos_ffn.w_2', h, h, 1), add(block + 'pos_ffn.layer_norm', h)
    for name in ('duration', 'pitch', 'energy'):
        p = f'variance_adaptor.{name}_predictor.'
        for i in (1, 2):
            add(f'{p}conv_layer.conv1d_{i}.conv', h, h, 3), add(f'{p}conv_layer.layer_norm_{i}', h)
        add(p + 'linear_layer', 1, h)
    for name in ('pitch', 'energy'):
        s[f'variance_adaptor.{name}_bins'] = 'F32', (3,), struct.pack('<3f', -1, 0, 1)
        s[f'variance_adaptor.{name}_embedding.weight'] = tensor((4, h), dtype)
    add('mel_linear', 4, h)
    for i, (a, b) in enumerate(((4, h), (h, 4))):
        add(f'postnet.convolutions.{i}.0.conv', b, a, 5), add(f'postnet.convolutions.{i}.1', b)
        s[f'postnet.convolutions.{i}.1.running_mean'], s[f'postnet.convolutions.{i}.1.running_var'] = tensor((b,), dtype), tensor((b,), dtype)
    return s


# ---- for tests/unit/test-import-fuzz.c ---------------------------------------------------------------------------------------------
TINIEST = dict(image=8, patch=4, vision_width=8, vision_layers=1, vision_heads=2, text_width=8, text_layers=1, text_heads=2, text_ffn=8, max_text=16, embed=4, pieces=40)


def main(out):
    clip = chinese_clip('F16', TINIEST)
    save_torch(f'{out}/clip.pt', {'state_dict': {'module.' + k: t for k, t in clip.items()}}, old=True)
    save_safetensors(f'{out}/clip.safetensors', clip)
    small = dict(SMALL, upsample_initial_channel=8, num_mels=4)
    save_torch(f'{out}/g.pt', {'generator': hifigan(small)})
    save_torch(f'{out}/fs2.pt', {'model': fastspeech2(), 'optimizer': {}})
    for name, text in (('clip.json', json.dumps(config_ofa(TINIEST))), ('clip.txt', '\n'.join(VOCAB) + '\n'), ('g.json', json.dumps(small))):
        with open(f'{out}/{name}', 'w', encoding='utf8') as f:
            f.write(text)


if __name__ == '__main__':
    main(sys.argv[1])
