#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUT.c FILE...: the files as constant bytes, each under its name; the .html one under the empty name."""
import pathlib
import sys

TYPES = {'.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
         '.svg': 'image/svg+xml'}

rows, lines = [], ['#include "tools/dataset/review/assets.h"', '', '#include "base/macro.h"', '']
for i, path in enumerate(map(pathlib.Path, sys.argv[2:])):
    data = path.read_bytes()
    lines.append(f'static const unsigned char file_{i}[] = {{')
    lines += [','.join(map(str, data[k:k + 32])) + ',' for k in range(0, len(data), 32)]
    lines.append('};')
    name = '' if path.suffix == '.html' else path.name
    rows.append(f'    {{"{name}", "{TYPES[path.suffix]}", file_{i}, sizeof(file_{i})}},')
lines += ['const struct review_asset review_assets[] = {', *rows, '};', 'const size_t review_n_assets = ELEMENTSOF(review_assets);', '']
pathlib.Path(sys.argv[1]).write_text('\n'.join(lines))
