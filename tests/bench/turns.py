# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share that set our networks beside ONNX Runtime, in turns."""
import argparse
import os
import pathlib
import subprocess
import sys


def arguments(doc):
    args = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('build', type=pathlib.Path)
    args.add_argument('--repeat', type=int, default=5)
    args.add_argument('--peer', default=os.environ.get('BRAILLED_PEER', sys.executable))
    return args.parse_args()


def run(words):
    """-> standard output; RuntimeError with the last line of standard error."""
    p = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    if p.returncode:
        raise RuntimeError((p.stderr.strip().splitlines() or ['no word'])[-1])
    return p.stdout


def no_ratio(error):
    print(f'NO RATIO: {error}; give --peer a Python with onnxruntime, onnx and safetensors')
