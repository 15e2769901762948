#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-dsbi.py FOLDER: pages that the reader was never trained on, read by braillectl and scored by braille-eval.

The pages may not be redistributed: the test skips where they are absent (meson -Ddsbi=FOLDER, $BRAILLED_DSBI).
Asks for what the project promised: cell F1 of at least 0.99 over the held-out pages, recto; and for the code of each page.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from harness import CTL, no_bus, skip

HELD_OUT = ['M+9', 'M+10', 'math+9', 'math+10', 'OPD+3', 'SYF+5']  # models/recipes/clip.py
GOAL = 0.99
CODES = {'Shaver Yang Fengting': 'two-cell'}  # the others are in Current Braille


def main():
    folder = pathlib.Path(os.environ.get('BRAILLED_DSBI') or sys.argv[1])
    pages = [p for p in sorted(folder.glob('*/*.jpg')) if p.stem in HELD_OUT]
    if not pages:
        skip(f'NO DSBI PAGES in {folder}: the reading of real pages was NOT tested')
    if len(pages) != len(HELD_OUT):
        sys.exit(f'{folder} holds {len(pages)} of the {len(HELD_OUT)} held-out pages')
    with tempfile.TemporaryDirectory() as tmp:
        for page in pages:
            out = pathlib.Path(tmp, page.parent.name)
            out.mkdir(exist_ok=True)
            with open(out / (page.stem + '.json'), 'wb') as f:
                subprocess.run([CTL, '--local', 'read', page, '--format', 'json'], stdout=f, env=no_bus(), check=True, timeout=200)
            reading = json.loads((out / (page.stem + '.json')).read_bytes())
            if reading['code'] != CODES.get(page.parent.name, 'current') or reading['code_p'] < 0.99:
                sys.exit(f"{page.stem} is read in the code {reading['code']} ({reading['code_p']})")
        score = subprocess.run([os.environ['BRAILLE_EVAL'], 'reading', folder, tmp, '--skip-missing', '--json'], capture_output=True, check=True)
    recto = json.loads(score.stdout)['recto']
    print('recto cells of', len(pages), 'held-out pages:', recto['cell'], 'dots:', recto['dot'])
    if recto['cell']['f1'] < GOAL:
        sys.exit(f"cell F1 {recto['cell']['f1']} is below {GOAL}")


main()
