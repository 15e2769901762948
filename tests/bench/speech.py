#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""speech.py BUILD [--repeat N] [--peer PYTHON]: what speaking costs.

Speaks sentences through the whole pipeline (bench-speech): real-time factor, milliseconds to the first sound, warm and cold, at rates 1 and 2,
wall and processor time, peak memory. Then the two networks against ONNX Runtime on the CPU in turn, in the same run (peer_speech.py; PYTHON
is one with onnxruntime, onnx and safetensors): a time alone says little on a machine that others use, the ratio does. Asserts nothing.
"""
import json
import os
import pathlib
import statistics
import tempfile

import turns
from dsbi import ROOT

WEIGHTS = [ROOT / 'models' / 'weights' / f'{n}.safetensors' for n in ('fastspeech2', 'hifigan')]
SENTENCES = '''\
jin1tian1 tian1qi4 hen3 hao3 ， wo3men5 qu4 gong1yuan2 zou3zou5 ba5 。
ming2tian1 zao3shang5 wo3men5 yi4qi3 qu4 cheng2 li3 mai3 cai4 ， xia4wu3 hui2jia1 gei3 hai2zi5men5 zuo4 yi2 dun4 hao3chi1 de5 wan3fan4 。
zhe4 ben3 shu1 xie3 de5 shi4 yi2ge4 lao3ren2 he2 hai3 de5 gu4shi5 。
ni3 shen2me5 shi2hou5 hui2lai2 ？
'''


def row(name, got):
    n = got['audio_s']
    print(f"{name:14} {n:6.1f} s of sound: {got['wall_s'] / n:.3f} of it in wall time, {got['cpu_s'] / n:.3f} in processor time; first sound "
          f"{got['first_ms']:.0f} ms (worst {got['first_worst_ms']:.0f}), {got['first_cpu_ms']:.0f} of processor (worst {got['first_cpu_worst_ms']:.0f});"
          f" longest gap {got['longest_gap_ms']:.0f} ms; peak {got['peak_mib']:.0f} MiB", flush=True)


def against_peer(a, folder):
    """One repetition of each in turn: a ratio of medians would mix moments in which the machine was busy with others."""
    ours, theirs = [], []
    try:
        for _ in range(a.repeat):
            mine = turns.run([a.build / 'tests' / 'bench' / 'bench-voice', *WEIGHTS, 3, folder]).split('\n')[:3]
            *peer, last = turns.run([a.peer, pathlib.Path(__file__).with_name('peer_speech.py'), *WEIGHTS, 3, folder]).strip().split('\n')
            for to, lines in ((ours, mine), (theirs, peer)):
                to.append([statistics.median(float(line.split()[k]) for line in lines) for k in (0, 1)])
    except (RuntimeError, OSError) as e:
        turns.no_ratio(e)
        return
    for name, of in (('acoustic model', lambda v: v[0]), ('vocoder', lambda v: v[1]), ('both', sum)):
        ratios = [of(t) / of(o) for o, t in zip(ours, theirs)]
        print(f'{name}: ours {statistics.median(map(of, ours)):.1f} ms, ONNX Runtime (CPU, 2 threads) {statistics.median(map(of, theirs)):.1f} ms, '
              f'ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})')
    print('largest difference of the mel, of the samples:', last)


def main():
    a = turns.arguments(__doc__)
    load = os.getloadavg()
    print(f'{os.cpu_count()} processors, load {load[0]:.1f}')
    bench = a.build / 'tests' / 'bench' / 'bench-speech'
    with tempfile.TemporaryDirectory(prefix='bench-speech-') as tmp:
        tmp = pathlib.Path(tmp)
        (tmp / 'list').write_text(SENTENCES)
        row('cold', json.loads(turns.run([bench, '-'])))
        for rate in (1, 2, 3):
            row(f'warm, rate {rate}', json.loads(turns.run([bench, tmp / 'list', rate])))
        got = json.loads(turns.run([bench, tmp / 'list', 1, 'cancel']))
        print(f"cancelled {got['cancelled']} times: heard after {got['cancel_ms']:.0f} ms, at worst {got['cancel_worst_ms']:.0f}")
        against_peer(a, tmp)


if __name__ == '__main__':
    main()
