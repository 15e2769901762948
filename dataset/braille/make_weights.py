#!/usr/bin/env python3
"""make_weights.py NAME data/NAME.f16 OUT.c: half floats, little endian, as models/recipes/{dots,dotmap}.py write them -> C tables for NAME.c."""
import struct
import sys

NETWORKS = {
    'dotnet': {'a_weight': 300, 'a_bias': 12, 'b_weight': 2592, 'b_bias': 24, 'c_weight': 27648, 'c_bias': 32, 'd_weight': 96, 'd_bias': 3},
    'dotmap': {'a_weight': 400, 'a_bias': 16, 'b_weight': 4608, 'b_bias': 32, **{f'{k}_{part}': n for k in 'cdef' for part, n in (('weight', 9216), ('bias', 32))},
               'head_weight': 192, 'head_bias': 6},
}

name, source, to = sys.argv[1:]
parts = NETWORKS[name]
with open(source, 'rb') as f:
    data = f.read()
if len(data) != 2 * sum(parts.values()):
    sys.exit(f'{source}: {len(data)} bytes are not the {2 * sum(parts.values())} of these layers')
values = struct.unpack(f'<{len(data) // 2}e', data)
with open(to, 'w', encoding='ascii') as out:
    print(f'#include "braille/{name}_weights.h"', file=out)
    for part, n in parts.items():
        print(f'const float brl_{name}_{part}[{n}] = {{', ','.join(f'{v!r}f' for v in values[:n]), '};', file=out)
        values = values[n:]
