#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-photos.py FOLDER: photographs of Russian books that nothing was trained on, read by braillectl and scored by braille-eval.

What they say is no Chinese text, so that only the dots tell where a page lies. FOLDER holds Angelina Braille Images; they may not be redistributed,
and the test skips where they are absent. Every ninth of the list of 43 (tests/bench/photos.py reads all): cell F1 of at least 0.98.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import CTL, no_bus, skip

GOAL, EVERY = 0.98, 9


def main():
    books = pathlib.Path(sys.argv[1]) / 'books'
    if not (books / 'val.txt').exists():
        skip(f'NO PHOTOGRAPHS in {books}: the reading of photographs was NOT tested')
    names = [n.strip().replace('\\', '/') for n in (books / 'val.txt').read_text().split('\n') if n.strip()][::EVERY]
    with tempfile.TemporaryDirectory() as tmp:
        for name in names:
            out = (pathlib.Path(tmp) / name).with_suffix('.json')
            out.parent.mkdir(exist_ok=True)
            subprocess.run([CTL, '--local', '-q', 'read', books / name, '--format', 'json', '-o', out], env=no_bus(), check=True, timeout=200)
        p = subprocess.run([os.environ['BRAILLE_EVAL'], 'reading', books, tmp, '--skip-missing', '--json'], capture_output=True, check=True)
    cell = json.loads(p.stdout)['recto']['cell']
    print('cells of', len(names), 'photographs:', cell)
    if cell['f1'] < GOAL:
        sys.exit(f"cell F1 {cell['f1']} is below {GOAL}")


main()
