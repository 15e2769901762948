# SPDX-License-Identifier: Apache-2.0
"""What the tests of braille-dataset share: run it, look at its exit code, streams and files."""
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zlib

SKIPPED = 77

DATASET = pathlib.Path(os.environ['BRAILLE_DATASET'])


def skip(why):
    print('SKIPPED:', why)
    sys.exit(SKIPPED)


def need(package):
    """A package of tests/requirements.txt: tests/run has it; elsewhere the test skips without."""
    try:
        return importlib.import_module(package)
    except ImportError as e:
        if os.environ.get('NEED_PACKAGES') == '1':
            raise
        skip(f'NO PYTHON PACKAGE {package} ({e}): this was NOT tested; tests/run installs it, or meson -Dtest_python=PYTHON')


def require(ok, *what):
    if not ok:
        raise AssertionError(' '.join(str(w) for w in what))


class Result:
    def __init__(self, p, out, err):
        self.code, self.out, self.err = p.returncode, out, err

    @property
    def text(self):
        return self.out.decode()

    @property
    def error(self):
        return self.err.decode()

    @property
    def json(self):
        return json.loads(self.text.splitlines()[-1])


def run(*args, code=0, env=None, stdin=b'', preexec=None, says=None, timeout=280, cwd=None):
    """Run braille-dataset; its exit code must be `code`, and `says` (a part of standard error) must be there."""
    words = [str(DATASET), *map(str, args)]
    p = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(os.environ, **(env or {})), preexec_fn=preexec, restore_signals=True, cwd=cwd)
    out, err = p.communicate(stdin, timeout=timeout)
    r = Result(p, out, err)
    print('$', ' '.join(words[1:]), '->', r.code, r.error.strip().splitlines()[-1:])
    require(r.code == code, f'exit code {r.code}, not {code}:', r.error)
    if code:
        lines = r.error.strip().splitlines()
        require(lines and lines[-1].startswith('braille-dataset'), 'no word about the failure:', r.error)
    require(says is None or says in r.error, f'{says!r} is not in:', r.error)
    return r


def wait_for(p, sign):
    """Until sign() is true or the program has ended: a signal before it is ready would just end it."""
    while p.poll() is None and not sign():
        time.sleep(0.001)


def folder():
    """A pathlib.Path for `with`, gone afterwards."""
    class Folder(tempfile.TemporaryDirectory):
        def __enter__(self):
            return pathlib.Path(super().__enter__())
    return Folder(prefix='brailled-test-')


def jsonl(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def write_jsonl(path, objects):
    pathlib.Path(path).write_text(''.join(json.dumps(o, ensure_ascii=False) + '\n' for o in objects))


def png(width, height, value=255, claim=None):
    """A plain grey PNG; `claim` writes another size into its head."""
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, 'big') + body + zlib.crc32(body).to_bytes(4, 'big')
    w, h = claim or (width, height)
    head = w.to_bytes(4, 'big') + h.to_bytes(4, 'big') + b'\x08\x00\x00\x00\x00'
    rows = zlib.compress((b'\0' + bytes([value % 256]) * width) * height, 9)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')


def files(where):
    """{path below `where`: bytes} of every file."""
    return {str(p.relative_to(where)): p.read_bytes() for p in sorted(pathlib.Path(where).rglob('*')) if p.is_file()}


def main(cases):
    """Run the cases named on the command line; all without a name."""
    for name in sys.argv[1:] or cases:
        cases[name]()
        print(name, 'passed')
