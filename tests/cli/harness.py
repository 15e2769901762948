# SPDX-License-Identifier: Apache-2.0
"""What the tests of programs share: run one, look at its exit code, streams and files."""
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

CTL, SOUND_INFO, PAGE = (pathlib.Path(os.environ[k]) for k in ('BRAILLECTL', 'SOUND_INFO', 'SAMPLE_PAGE'))


def skip(why):
    print('SKIPPED:', why)
    sys.exit(SKIPPED)


def need_page():
    if not PAGE.exists():
        sys.exit(f'{PAGE} is missing')
    return str(PAGE)


def require(ok, *what):
    if not ok:
        raise AssertionError(' '.join(str(w) for w in what))


def need(package):
    """A package of tests/requirements.txt: tests/run has it; elsewhere the test skips without."""
    try:
        return importlib.import_module(package)
    except ImportError as e:
        require(os.environ.get('NEED_PACKAGES') != '1', e)
        skip(f'NO PYTHON PACKAGE {package} ({e}): this was NOT tested; tests/run installs it, or meson -Dtest_python=PYTHON')


def no_bus():
    """An environment in which no brailled can be reached."""
    env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS='unix:path=/nonexistent/bus',
               DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nonexistent/bus')
    env.pop('XDG_RUNTIME_DIR', None)
    return env


def wait_for_name(name, process):
    """Until `process` has its name on the session bus. The bus alone is asked: busctl status looks up more, which is not to
    be had in every container."""
    end, out = time.monotonic() + 60, ''
    while out.split() != ['b', 'true']:
        require(process.poll() is None and time.monotonic() < end, 'there is no', name, process.poll())
        time.sleep(0.05)
        out = subprocess.run(['busctl', '--user', 'call', 'org.freedesktop.DBus', '/org/freedesktop/DBus',
                              'org.freedesktop.DBus', 'NameHasOwner', 's', name], capture_output=True, text=True).stdout


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


def run(*args, code=0, env=None, stdin=b'', stdout=subprocess.PIPE, preexec=None, says=None, timeout=280):
    """Run braillectl; its exit code must be `code`, and `says` (a part of standard error) must be there."""
    words = [str(CTL), *map(str, args)]
    p = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, env=env or no_bus(),
                         preexec_fn=preexec, restore_signals=True)
    out, err = p.communicate(stdin, timeout=timeout)
    r = Result(p, out, err)
    print('$', ' '.join(words[1:]), '->', r.code, r.error.strip().splitlines()[-1:])
    require(r.code == code, f'exit code {r.code}, not {code}:', r.error)
    if code:
        lines = r.error.strip().splitlines()
        require(lines and lines[-1].startswith('braillectl: '), 'no word about the failure:', r.error)
    require(says is None or says in r.error, f'{says!r} is not in:', r.error)
    return r


def sound_info(path):
    return json.loads(subprocess.run([str(SOUND_INFO), str(path)], check=True, capture_output=True).stdout)


def folder():
    return tempfile.TemporaryDirectory(prefix='brailled-test-')


def png(width, height, value=255, claim=None):
    """A plain grey PNG; `claim` writes another size into its head."""
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, 'big') + body + zlib.crc32(body).to_bytes(4, 'big')
    w, h = claim or (width, height)
    head = w.to_bytes(4, 'big') + h.to_bytes(4, 'big') + b'\x08\x00\x00\x00\x00'
    rows = zlib.compress((b'\0' + bytes([value]) * width) * height, 9)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')


def main(cases):
    """Run the cases named on the command line."""
    for name in sys.argv[1:]:
        cases[name]()
        print(name, 'passed')
