#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py OUT.c HTML.CSS HTML.JS: the files as the strings html_css and html_js."""
import pathlib
import sys

lines = ['#include "tools/ctl/format/html.h"', '']
for path in map(pathlib.Path, sys.argv[2:]):
    lines.append(f'const char html_{path.suffix[1:]}[] =')
    for line in path.read_text().splitlines():
        lines.append('    "' + line.replace('\\', '\\\\').replace('"', '\\"') + '\\n"')
    lines[-1] += ';'
pathlib.Path(sys.argv[1]).write_text('\n'.join(lines) + '\n')
