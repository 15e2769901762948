#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""peer.py WEIGHTS CROPS REPETITIONS EMBEDDINGS: the reader's image tower in ONNX Runtime on the CPU, for reading.py.

Builds the network from the shipped weights, as models/recipes/clip_model.py has it, embeds the crops of bench-clip and prints the
milliseconds of each repetition; the last line is the largest difference from EMBEDDINGS (f32, those of bench-clip), so that it is known to
be the same network. Needs onnxruntime, onnx, safetensors and numpy (pip install; not among the packages of the tests).
"""
import json
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import helper
from safetensors import safe_open

THREADS = 2  # as many as lavapipe has on the machines that the project's figures come from


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.tensors, self.n = weights, [], [], 0

    def const(self, value, name=None):
        self.n += 1
        name = name or f'c{self.n}'
        self.tensors.append(onnx.numpy_helper.from_array(np.array(value, order='C'), name))
        return name

    def ints(self, *values):
        return self.const(np.array(values, np.int64))

    def op(self, kind, *inputs, **attributes):
        self.n += 1
        self.nodes.append(helper.make_node(kind, [self.weight(i) if i in self.weights else i for i in inputs], [f't{self.n}'], **attributes))
        return f't{self.n}'

    def weight(self, name):
        if not any(t.name == name for t in self.tensors):
            self.const(self.weights[name], name)
        return name

    def linear(self, x, weight, bias):
        return self.op('Add', self.op('MatMul', x, self.const(self.weights[weight].T)), bias)

    def norm(self, x, name):
        return self.op('LayerNormalization', x, name + '.weight', name + '.bias', axis=-1, epsilon=1e-5)

    def attention(self, x, name, heads, width):
        qkv = self.linear(x, name + '.in_proj_weight', name + '.in_proj_bias')
        parts = []
        for i in range(3):
            part = self.op('Slice', qkv, self.ints(i * width), self.ints((i + 1) * width), self.ints(2))
            part = self.op('Reshape', part, self.ints(0, 0, heads, width // heads))
            parts.append(self.op('Transpose', part, perm=[0, 2, 3, 1] if i == 1 else [0, 2, 1, 3]))
        q, k, v = parts
        scores = self.op('Mul', self.op('MatMul', q, k), self.const(np.float32((width // heads) ** -0.5)))
        y = self.op('Transpose', self.op('MatMul', self.op('Softmax', scores, axis=-1), v), perm=[0, 2, 1, 3])
        return self.linear(self.op('Reshape', y, self.ints(0, 0, width)), name + '.out_proj.weight', name + '.out_proj.bias')


def build(w, c):
    g, width, heads = Graph(w), c['vision_width'], c['vision_heads']
    x = g.op('Cast', 'crops', to=onnx.TensorProto.FLOAT)
    x = g.op('Sub', x, g.op('ReduceMean', x, g.ints(1, 2, 3)))
    deviation = g.op('Sqrt', g.op('ReduceMean', g.op('Mul', x, x), g.ints(1, 2, 3)))
    x = g.op('Div', x, g.op('Max', deviation, g.const(np.float32(8))))
    x = g.op('Conv', x, 'visual.conv1.weight', strides=[c['patch']] * 2, kernel_shape=[c['patch']] * 2)
    x = g.op('Transpose', g.op('Reshape', x, g.ints(0, width, -1)), perm=[0, 2, 1])
    batch = g.op('Slice', g.op('Shape', 'crops'), g.ints(0), g.ints(1))
    first = g.op('Expand', g.const(w['visual.class_embedding'].reshape(1, 1, -1)), g.op('Concat', batch, g.ints(1, width), axis=0))
    x = g.norm(g.op('Add', g.op('Concat', first, x, axis=1), 'visual.positional_embedding'), 'visual.ln_pre')
    for i in range(c['vision_layers']):
        b = f'visual.transformer.resblocks.{i}.'
        x = g.op('Add', x, g.attention(g.norm(x, b + 'ln_1'), b + 'attn', heads, width))
        y = g.linear(g.norm(x, b + 'ln_2'), b + 'mlp.c_fc.weight', b + 'mlp.c_fc.bias')
        y = g.op('Mul', y, g.op('Sigmoid', g.op('Mul', y, g.const(np.float32(1.702)))))
        x = g.op('Add', x, g.linear(y, b + 'mlp.c_proj.weight', b + 'mlp.c_proj.bias'))
    x = g.op('MatMul', g.norm(g.op('Gather', x, g.const(np.int64(0)), axis=1), 'visual.ln_post'), 'visual.proj')
    out = g.op('LpNormalization', x, axis=-1, p=2)
    crops = helper.make_tensor_value_info('crops', onnx.TensorProto.UINT8, ['n', 1, c['height'], c['width']])
    graph = helper.make_graph(g.nodes, 'clip', [crops], [helper.make_tensor_value_info(out, onnx.TensorProto.FLOAT, ['n', c['embed']])], g.tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)


def main():
    path, n, repetitions, theirs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    with safe_open(path, 'np') as f:
        config = json.loads(f.metadata()['brailled'])
        weights = {k: f.get_tensor(k).astype(np.float32) for k in f.keys()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(build(weights, config).SerializeToString(), options, providers=['CPUExecutionProvider'])
    size = config['height'] * config['width']
    crops = ((np.arange(n * size, dtype=np.uint32) * np.uint32(2654435761)) >> 13).astype(np.uint8).reshape(n, 1, config['height'], config['width'])
    for i in range(repetitions + 1):
        start = time.perf_counter()
        out = session.run(None, {'crops': crops})[0]
        if i > 0:
            print(f'{(time.perf_counter() - start) * 1e3:.3f}')
    print(np.abs(out - np.fromfile(theirs, np.float32).reshape(out.shape)).max())


if __name__ == '__main__':
    main()
