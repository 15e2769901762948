#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""reading.py BUILD [--repeat N] [--peer PYTHON]: what reading a page costs.

Draws double-sided A4 pages at 200 dpi and pages of 250, 500, 1,000 and 2,000 cells, reads each N times in one process (the first is left
out: it starts the device) and prints the median of every stage of one side and of both, and the most memory a reading took. A real page
of DSBI is read beside them where there is one. The image tower is timed against ONNX Runtime on the CPU in turn, in the same run (peer.py;
PYTHON is one that has its packages): a time alone says little on a machine that others use, the ratio does. Asserts nothing.
"""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

import turns
from dsbi import DSBI, ROOT, no_bus, program

WEIGHTS = ROOT / 'models' / 'weights' / 'clip.safetensors'


def text(columns, rows, cells, seed):
    """Lines of the sample page's words from one of them on, `cells` raised cells in all: what is no text is read in more placements."""
    sample = (ROOT / 'tests' / 'data' / f"sample-page-{'verso' if seed % 2 else 'recto'}.brl.txt").read_text()
    words, lines, left, at = sample.replace('\u2800', ' ').split(), [''], cells, seed
    while left > 0 and len(lines) <= rows:
        word = words[at % len(words)][:left]
        if len(lines[-1]) + len(word) > columns:
            lines.append('')
            continue
        lines[-1] += word + '\u2800'
        left -= len(word)
        at += 1
    return '\n'.join(line.rstrip('\u2800') for line in lines[:rows]) + '\n'


def draw(build, folder, name, columns, rows, cells, *words):
    front, back, out = folder / f'{name}.txt', folder / f'{name}-back.txt', folder / f'{name}.png'
    front.write_text(text(columns, rows, cells, 2))
    back.write_text(text(columns, rows, cells, 3))
    subprocess.run([program(build, 'braille-dataset'), 'render', '-q', '--page', front, '--verso', back, '--geometry', 'press', '--scan', *words, '-o', out],
                   check=True)
    return out


def read(build, page, side, repeat):
    """-> (stages in ms, cells found, peak memory in MB); None where this side cannot be read so."""
    words = [program(build, 'braillectl'), '--local', '-q', 'read', '--side', side, '--format', 'json', *[page] * (repeat + 1)]
    p = subprocess.Popen(words, env=no_bus(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = p.stdout.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        print(f'    {page.name} {side}: {p.stderr.read().decode().strip().splitlines()[-1]}')
        return None
    got = [json.loads(line) for line in out.splitlines()][1:]
    stages = {k: statistics.median(o['times_ms'].get(k, 0) for o in got) for k in got[0]['times_ms']}
    stages['all'] = statistics.median(sum(o['times_ms'].values()) for o in got)
    return stages, len(got[0]['cells']), usage.ru_maxrss / 1024


def row(name, side, got):
    if got:
        stages, cells, memory = got
        print(f'{name:22} {side:5} {cells:5} cells', ' '.join(f'{k} {v:7.1f}' for k, v in stages.items()), f' peak {memory:4.0f} MB', flush=True)


def timed(words):
    return [float(line) for line in turns.run(words).split()]


def against_peer(a, folder, crops):
    """One repetition of each in turn: the ratio of medians would mix moments in which the machine was busy with others."""
    ratios, ours, theirs, out = [], [], [], folder / 'embeddings.f32'
    bench = a.build / 'tests' / 'bench' / 'bench-clip'
    try:
        for _ in range(a.repeat):
            mine = statistics.median(timed([bench, WEIGHTS, crops, 3, out]))
            *peer, difference = timed([a.peer, pathlib.Path(__file__).with_name('peer.py'), WEIGHTS, crops, 3, out])
            ours.append(mine)
            theirs.append(statistics.median(peer))
            ratios.append(theirs[-1] / mine)
    except (RuntimeError, OSError) as e:
        turns.no_ratio(e)
        return
    print(f'image tower, {crops} crops: ours {statistics.median(ours):.1f} ms, ONNX Runtime (CPU, 2 threads) {statistics.median(theirs):.1f} ms,'
          f' ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); largest difference of an embedding {difference:.4f}')


def main():
    a = turns.arguments(__doc__)
    load = os.getloadavg()
    print(f'{os.cpu_count()} processors, load {load[0]:.1f}; ms, medians of {a.repeat}')
    with tempfile.TemporaryDirectory(prefix='bench-reading-') as tmp:
        tmp = pathlib.Path(tmp)
        page = draw(a.build, tmp, 'A4', 28, 26, 560, '--paper', 'a4')
        for side in ('recto', 'both'):
            row('A4, 200 dpi', side, read(a.build, page, side, a.repeat))
        real = DSBI / 'Massage' / 'M+3.jpg'
        for side in ('recto', 'both') if real.exists() else ():
            row('DSBI M+3', side, read(a.build, real, side, a.repeat))
        for cells, columns, rows in ((250, 20, 16), (500, 28, 23), (1000, 40, 32), (2000, 56, 46)):
            page = draw(a.build, tmp, f'{cells} cells', columns, rows, cells)
            got = read(a.build, page, 'recto', a.repeat)
            row(f'{cells} cells drawn', 'recto', got)
            if got:
                print(f"    {got[0]['all'] / got[1]:.3f} ms a cell")
        against_peer(a, tmp, 800)


if __name__ == '__main__':
    main()
