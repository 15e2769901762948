#!/usr/bin/env python3
"""data/dotnet.f16 (half floats, little endian, as models/recipes/dots.py writes them) -> C tables for dotnet.c."""
import struct
import sys

PARTS = {'a_weight': 300, 'a_bias': 12, 'b_weight': 2592, 'b_bias': 24, 'c_weight': 27648, 'c_bias': 32, 'd_weight': 96, 'd_bias': 3}

with open(sys.argv[1], 'rb') as f:
    data = f.read()
if len(data) != 2 * sum(PARTS.values()):
    sys.exit(f'{sys.argv[1]}: {len(data)} bytes are not the {2 * sum(PARTS.values())} of these layers')
values = struct.unpack(f'<{len(data) // 2}e', data)
with open(sys.argv[2], 'w', encoding='ascii') as out:
    print('#include "braille/dotnet_weights.h"', file=out)
    for name, n in PARTS.items():
        print(f'const float brl_dotnet_{name}[{n}] = {{', ','.join(f'{v!r}f' for v in values[:n]), '};', file=out)
        values = values[n:]
