#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The example clients work as they are printed. test-examples.py NAME PROGRAM...; on the test's own bus."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile

PAGE = os.environ['SAMPLE_PAGE']
SAYS = 'jin1tian1'


def require(ok, *what):
    if not ok:
        raise AssertionError(' '.join(str(w) for w in what))


def run(*args, code=0):
    p = subprocess.run(args, capture_output=True, timeout=240)
    require(p.returncode == code, p.returncode, p.stdout[-300:], p.stderr[-300:])
    return p.stdout, p.stderr.decode()


def is_speech(data):
    samples = struct.unpack(f'<{len(data) // 2}h', data)
    require(len(samples) > 16000 and max(samples) > 3000, len(samples))


def case_listen(*program):
    sound, told = run(*program, PAGE)
    is_speech(sound)
    lines = told.splitlines()
    require(SAYS in lines[-1] and lines.count('100 %') == 1 and sum(' s  ' in line for line in lines) > 3, told[:400])
    _, told = run(*program, '/dev/null', code=1)
    require('picture' in told, told)


def case_convert(*program):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, 'page.wav')
        text, _ = run(*program, PAGE, out)
        require(SAYS in text.decode(), text)
        with open(out, 'rb') as f:
            data = f.read()
        require(data[:4] == b'RIFF', data[:4])
        is_speech(data[44:44 + (len(data) - 44) // 2 * 2])
        empty = os.path.join(d, 'empty.png')
        open(empty, 'wb').close()
        _, told = run(*program, empty, out + '2', code=1)
        require('picture' in told and not os.path.exists(out + '2'), told)


def case_shell(*program):
    if not shutil.which('gdbus'):
        print('SKIPPED: gdbus is missing; install libglib2.0-bin')
        sys.exit(77)
    text, _ = run(*program, PAGE)
    require(SAYS in text.decode() and "'pinyin'" in text.decode(), text)


{'listen': case_listen, 'glib': case_convert, 'python': case_convert, 'shell': case_shell}[sys.argv[1]](*sys.argv[2:])
