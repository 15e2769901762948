#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-dsbi.py FOLDER: pages that the reader was never trained on, read by braillectl and scored by braille-eval.

The pages may not be redistributed: the test skips where they are absent (meson -Ddsbi=FOLDER, $BRAILLED_DSBI).
Asks for what the project promised: cell F1 of at least 0.995 over the held-out pages, recto; and for the code of each page.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import reference
from harness import CTL, no_bus, skip

HELD_OUT = ['M+9', 'M+10', 'math+9', 'math+10', 'OPD+3', 'SYF+5']  # models/recipes/clip.py
GOAL = 0.995
AS_DSBI = ['M+9', 'SYF+5']
CODES = {'Shaver Yang Fengting': 'two-cell'}  # the others are in Current Braille


def read(page, form, out):
    subprocess.run([CTL, '--local', 'read', page, '--format', form, '-o', out], env=no_bus(), check=True, timeout=200)
    return out.read_text()


def evaluate(*words):
    p = subprocess.run([os.environ['BRAILLE_EVAL'], 'reading', *words, '--json'], capture_output=True, check=True)
    return json.loads(p.stdout)


def check_page(page, tmp):
    """Read a page; braille-eval and the reference must agree about it."""
    truth = page.with_name(page.stem + '+recto.txt')
    (tmp / page.parent.name).mkdir(exist_ok=True)
    text = read(page, 'json', tmp / page.parent.name / (page.stem + '.json'))
    size = json.loads(text)['page']
    want = reference.score(reference.annotation(truth.read_text(), False, size['width'], size['height']), reference.reading(text, 'recto'))
    got = reference.counts(evaluate(truth, tmp / page.parent.name / (page.stem + '.json'))['recto'])
    if got != want:
        sys.exit(f'{page.stem}: braille-eval counts {got}, the reference {want}')
    if page.stem in AS_DSBI:  # boxes in straight lines, no longer each its own: the cells stay the same
        read(page, 'dsbi', tmp / f'{page.stem}+recto.txt')
        other = reference.counts(evaluate(truth, tmp / f'{page.stem}+recto.txt')['recto'])
        (tmp / f'{page.stem}+recto.txt').unlink()
        if other['cell'] != got['cell']:
            sys.exit(f"{page.stem}: {other['cell']} as an annotation, {got['cell']} as JSON")


def main():
    folder = pathlib.Path(os.environ.get('BRAILLED_DSBI') or sys.argv[1])
    pages = [p for p in sorted(folder.glob('*/*.jpg')) if p.stem in HELD_OUT]
    if not pages:
        skip(f'NO DSBI PAGES in {folder}: the reading of real pages was NOT tested')
    if len(pages) != len(HELD_OUT):
        sys.exit(f'{folder} holds {len(pages)} of the {len(HELD_OUT)} held-out pages')
    with tempfile.TemporaryDirectory() as tmp:
        for page in pages:
            check_page(page, pathlib.Path(tmp))
        recto = evaluate(folder, tmp, '--skip-missing')['recto']
    print('recto cells of', len(pages), 'held-out pages:', recto['cell'], 'dots:', recto['dot'])
    if recto['cell']['f1'] < GOAL:
        sys.exit(f"cell F1 {recto['cell']['f1']} is below {GOAL}")


main()
