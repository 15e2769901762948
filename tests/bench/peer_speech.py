#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peer_speech.py FASTSPEECH2 HIFIGAN REPETITIONS FOLDER: the two networks of speech in ONNX Runtime on the CPU, for speech.py.

Builds them from the shipped weights, as models/recipes/fastspeech2.py and hifigan.py have them, speaks what bench-voice spoke, and prints
the milliseconds of both for each repetition. Durations are decided between two graphs, as ours does. The last line: the largest differences
from the mel and the samples that bench-voice left in FOLDER, so that it is known to be the same networks.
"""
import json
import math
import pathlib
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from safetensors import safe_open

from peer import THREADS, Graph

SYLLABLES, FLOAT, INT = 30, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def load(path):
    with safe_open(path, 'np') as f:
        return json.loads(f.metadata()['brailled']), {k: f.get_tensor(k).astype(np.float32) for k in f.keys()}


def session(g, inputs, outputs):
    graph = helper.make_graph(g.nodes, 'g', [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
                              [helper.make_tensor_value_info(o, FLOAT, None) for o in outputs], g.tensors)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])


def conv(g, x, name, taps, dilation=1):
    pad = (taps - 1) * dilation // 2
    return g.op('Conv', x, name + '.weight', name + '.bias', kernel_shape=[taps], dilations=[dilation], pads=[pad, pad])


def flip(g, x):
    return g.op('Transpose', x, perm=[0, 2, 1])


def block(g, x, name, c):
    x = g.norm(g.op('Add', x, g.attention(x, name + '.attn', c['heads'], c['hidden'])), name + '.norm1')
    y = conv(g, g.op('Relu', conv(g, flip(g, x), name + '.conv1', c['kernel'])), name + '.conv2', 1)
    return g.norm(g.op('Add', x, flip(g, y)), name + '.norm2')


def predictor(g, x, name, taps):
    for i in '12':
        x = g.norm(flip(g, g.op('Relu', conv(g, flip(g, x), f'{name}.conv{i}', taps))), f'{name}.norm{i}')
    return g.linear(x, name + '.linear.weight', name + '.linear.bias')


def encoder(w, c):
    g = Graph(w)
    x = 'angles'
    for name in ('phone', 'tone', 'position'):
        x = g.op('Add', x, g.op('Gather', name + '.weight', name, axis=0))
    for i in range(c['encoder_layers']):
        x = block(g, x, f'encoder.{i}', c)
    d = predictor(g, x, 'duration', c['duration_kernel'])
    return session(g, [('angles', FLOAT, [1, None, c['hidden']])] + [(n, INT, [1, None]) for n in ('phone', 'tone', 'position')], [x, d])


def decoder(w, c):
    g = Graph(w)
    x = g.op('Add', g.op('Gather', 'x', 'index', axis=1), g.linear('place', 'place.weight', 'place.bias'))
    p, e = (predictor(g, x, n, c['predictor_kernel']) for n in ('pitch', 'energy'))
    pitch, voiced = (g.op('Slice', p, g.ints(i), g.ints(i + 1), g.ints(2)) for i in (0, 1))
    voiced = g.op('Cast', g.op('Greater', voiced, g.const(np.float32(0))), to=FLOAT)
    v = g.op('Concat', g.op('Mul', pitch, voiced), voiced, e, axis=2)
    x = g.op('Add', x, flip(g, conv(g, flip(g, v), 'variance', c['variance_kernel'])))
    x = g.op('Add', x, 'angles')
    for i in range(c['decoder_layers']):
        x = block(g, x, f'decoder.{i}', c)
    return session(g, [('x', FLOAT, [1, None, c['hidden']]), ('index', INT, [None]), ('place', FLOAT, [1, None, 3]),
                       ('angles', FLOAT, [1, None, c['hidden']])], [flip(g, g.linear(x, 'mel.weight', 'mel.bias')), v])


def fourier(n_fft):
    n, k = np.arange(n_fft), np.arange(n_fft // 2 + 1)[:, None]
    hann, angle = 0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft), 2 * np.pi * k * n / n_fft
    twice = np.where((k == 0) | (k == n_fft // 2), 1.0, 2.0)
    out = np.concatenate([np.cos(angle), -np.sin(angle)]) * hann, np.concatenate([np.cos(angle) * twice, -np.sin(angle) * twice]) * hann / n_fft / 1.5
    return [v[:, None].astype(np.float32) for v in out]


def vocoder(w, c):
    g, blocks = Graph(w), len(c['res_kernels'])
    n_fft, hop = c['istft']['n_fft'], c['istft']['hop']
    analysis, synthesis = fourier(n_fft)
    pad = (n_fft - hop) // 2
    x = conv(g, 'mel', 'conv_pre', 7)
    for i, (rate, taps) in enumerate(zip(c['rates'], c['kernels'])):
        x = g.op('ConvTranspose', g.op('LeakyRelu', x, alpha=0.1), f'ups.{i}.weight', f'ups.{i}.bias', kernel_shape=[taps], strides=[rate],
                 pads=[(taps - rate) // 2] * 2)
        if i == 0:
            stride = 256 // rate
            x = g.op('Add', x, g.op('Conv', 'source', 'source_down.weight', 'source_down.bias', kernel_shape=[2 * stride], strides=[stride],
                                    pads=[stride // 2] * 2))
        else:
            bins = g.op('Conv', 'source', g.const(analysis), kernel_shape=[n_fft], strides=[hop], pads=[pad] * 2)
            x = g.op('Add', x, conv(g, bins, 'source_stft', 7))
        outs = []
        for k in range(blocks):
            y = x
            for j, d in enumerate(c['res_dilations'][k]):
                y = g.op('Add', y, conv(g, g.op('LeakyRelu', y, alpha=0.1), f'resblocks.{i * blocks + k}.convs.{j}', c['res_kernels'][k], d))
            outs.append(y)
        x = g.op('Mul', g.op('Sum', *outs), g.const(np.float32(1 / blocks)))
    x = conv(g, g.op('LeakyRelu', x, alpha=0.01), 'conv_post', 7)
    half = n_fft // 2 + 1
    a, p = (g.op('Slice', x, g.ints(i), g.ints(i + half), g.ints(1)) for i in (0, half))
    a = g.op('Exp', g.op('Min', a, g.const(np.float32(c['istft']['max_log']))))
    p = g.op('Mul', g.op('Sin', p), g.const(np.float32(math.pi)))
    z = g.op('Concat', g.op('Mul', a, g.op('Cos', p)), g.op('Mul', a, g.op('Sin', p)), axis=1)
    y = g.op('ConvTranspose', z, g.const(synthesis), kernel_shape=[n_fft], strides=[hop], pads=[pad] * 2)
    return session(g, [('mel', FLOAT, [1, c['n_mels'], None]), ('source', FLOAT, [1, 1, None])], [y])


def excitation(f0, c, hop, rate):
    phase = np.cumsum(f0.astype('float64') * hop / rate)
    cycles = np.interp((np.arange(len(f0) * hop) + 0.5) / hop - 0.5, np.arange(len(f0)), phase)
    w = np.array(c['source']['weights'])[:, None]
    sines = np.sin(2 * np.pi * np.arange(1, len(w) + 1)[:, None] * cycles) * c['source']['scale'] * np.repeat(f0 > 10, hop)
    return np.tanh((sines * w).sum(0) + c['source']['bias']).astype('float32')[None, None]


def sinusoid(n, width):
    at = np.arange(n)[:, None] * np.exp(np.arange(0, width, 2) * (-math.log(1e4) / width))
    out = np.zeros((n, width), np.float32)
    out[:, 0::2], out[:, 1::2] = np.sin(at), np.cos(at)
    return out[None]


def pattern(names):
    """-> phone, tone, position; bench-voice.c has the same."""
    out = [('sil', 0, 0)]
    for i in range(SYLLABLES):
        out.append((('b', 'sh', 'd', 'zh', 'l', 'x')[i % 6], 0, 1 + i % 2))
        out.append((('_a', '_ang', '_ian', '_u', '_eng')[i % 5], 1 + i % 4, 1 + i % 2))
    out.append(('sil', 0, 0))
    return [np.array([column]) for column in zip(*((names.index(p), t, k) for p, t, k in out))]


def speak(enc, dec, c, ids, angles):
    x, log_d = enc.run(None, dict(angles=angles[:, :ids[0].shape[1]], phone=ids[0], tone=ids[1], position=ids[2]))
    d = np.maximum(np.round(np.exp(log_d[0, :, 0]) - 1), 1).astype(int)
    index = np.repeat(np.arange(len(d)), d)
    part = np.concatenate([np.arange(n) / n for n in d])
    place = np.stack([part, 1 - part, d[index] / c['max_duration_scale']], -1)[None].astype(np.float32)
    mel, v = dec.run(None, dict(x=x, index=index, place=place, angles=angles[:, :len(index)]))
    return d, mel, np.exp(c['pitch_mean'] + c['pitch_scale'] * v[0, :, 0]) * v[0, :, 1]


def main():
    repetitions, folder = int(sys.argv[3]), pathlib.Path(sys.argv[4])
    (ca, wa), (cv, wv) = load(sys.argv[1]), load(sys.argv[2])
    if 'speakers' in wa:  # the first voice: its row is added to the last norm of the encoder
        name = f"encoder.{ca['encoder_layers'] - 1}.norm2.bias"
        wa[name] = wa[name] + wa['speakers'][0]
    enc, dec, voc = encoder(wa, ca), decoder(wa, ca), vocoder(wv, cv)
    ids, angles = pattern(ca['phones']), sinusoid(4000, ca['hidden'])
    for i in range(repetitions + 1):
        start = time.perf_counter()
        d, mel, f0 = speak(enc, dec, ca, ids, angles)
        between = time.perf_counter()
        y = voc.run(None, dict(mel=mel, source=excitation(f0, cv, cv['hop'], cv['rate'])))[0]
        if i > 0:
            print(f'{(between - start) * 1e3:.3f} {(time.perf_counter() - between) * 1e3:.3f}')
    if (d != np.fromfile(folder / 'durations.f32', np.float32)).any():
        sys.exit('the durations differ')
    print(*(np.abs(v.ravel() - np.fromfile(folder / n, np.float32)).max() for v, n in ((mel[0], 'mel.f32'), (y.clip(-1, 1), 'samples.f32'))))


if __name__ == '__main__':
    main()
