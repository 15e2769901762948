# SPDX-License-Identifier: Apache-2.0
"""Scanners for tests: SANE's own test and pnm drivers and ours (backend.c), with a private configuration, and ALSA's file
plugin in place of a sound card."""
import array
import atexit
import json
import mmap
import os
import pathlib
import queue
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import CTL, folder, need_page, no_bus, require, run, skip  # noqa: E402,F401

GOOD, CANCELLED, BUSY, INVAL, EOF, JAMMED, NO_DOCS, COVER_OPEN, IO_ERROR, NO_MEM, DENIED = 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
FORM, STALL, BLOCK, ENDLESS, SHORT, MODES, BARE, HANG, WILD = 1, 2, 4, 8, 16, 32, 64, 128, 256
GRAY, RGB, RED, GREEN, BLUE = range(5)
FIELDS = ['scan', 'cancel', 'cover', 'copy', 'open_status', 'poll_status', 'start_status', 'read_status', 'read_after', 'odd',
          'n_docs', 'line_usec', 'form', 'depth', 'width', 'bytes_per_line', 'lines', 'last_frame', 'n_opens', 'n_polls',
          'n_starts', 'n_cancels', 'n_devices', 'none']
CLOCKS = ['start_ns', 'first_ns', 'end_ns', 'spare']
WAIT_S = 240


class State:
    """struct state of backend.c, as attributes."""

    def __init__(self, path):
        with open(path, 'wb') as f:
            f.write(bytes(4 * len(FIELDS) + 8 * len(CLOCKS)))
        with open(path, 'r+b') as f:
            self.__dict__['map'] = mmap.mmap(f.fileno(), 0)
        self.n_devices = 1

    def __getattr__(self, name):
        if name in FIELDS:
            return struct.unpack_from('=i', self.map, 4 * FIELDS.index(name))[0]
        return struct.unpack_from('=q', self.map, 4 * len(FIELDS) + 8 * CLOCKS.index(name))[0]

    def __setattr__(self, name, value):
        struct.pack_into('=i', self.map, 4 * FIELDS.index(name), value)


def pgm(path, width, height, data):
    with open(path, 'wb') as f:
        f.write(b'P5\n%d %d\n255\n' % (width, height) + bytes(data))


def read_pnm(path):
    """(width, height, channels, bytes) of a binary PNM."""
    data = pathlib.Path(path).read_bytes()
    kind, size, rest = data.split(b'\n', 2)[0], *data.split(b'\n', 2)[1:]
    if kind.count(b' '):
        raise AssertionError(kind)
    width, height = map(int, size.split())
    top, pixels = rest.split(b'\n', 1)
    require(top == b'255', top)
    return width, height, {b'P5': 1, b'P6': 3}[kind], pixels


class Rig:
    """A folder with all that a scan needs. `page`: what our driver's scanner sees, a PGM file."""

    def __init__(self, folder, page):
        self.home = pathlib.Path(folder)
        library = pathlib.Path(os.environ['TEST_BACKEND'])
        (self.home / 'lib').mkdir()
        shutil.copy(library, self.home / 'lib/libsane-brailletest.so.1')
        (self.home / 'sane.d').mkdir()
        (self.home / 'sane.d/dll.conf').write_text('brailletest\n')
        (self.home / 'alsa.conf').write_text(
            f'pcm.!default {{ type file slave.pcm {{ type null }} file "{self.home}/heard" format raw truncate false }}\n')
        self.page = page
        self.state = State(self.home / 'state')
        self.env = dict(no_bus(), BRAILLETEST_STATE=str(self.home / 'state'), BRAILLETEST_PAGE=str(page),
                        SANE_CONFIG_DIR=str(self.home / 'sane.d'), ALSA_CONFIG_PATH=str(self.home / 'alsa.conf'),
                        XDG_STATE_HOME=str(self.home / 'state.d'))
        self.env.pop('SANE_DEFAULT_DEVICE', None)
        paths = [str(self.home / 'lib'), os.environ.get('LD_LIBRARY_PATH', '')]
        self.env['LD_LIBRARY_PATH'] = ':'.join(p for p in paths if p)

    def drivers(self, *names):
        """SANE's own in place of ours. They leak, and are unloaded before leaks are counted."""
        self.env['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
        (self.home / 'sane.d/dll.conf').write_text(''.join(name + '\n' for name in names))

    def scan(self, *args, **kw):
        return run('scan', *args, env=self.env, **kw)

    def heard(self):
        """What the sound card got: a list of arrays of samples, a stream each."""
        all_of_it = []
        for path in sorted(self.home.glob('heard*')):
            samples = array.array('h')
            samples.frombytes(path.read_bytes())
            all_of_it.append(samples)
        return all_of_it

    def press(self, button='scan'):
        self.state.map.flush()
        when = time.monotonic_ns()
        setattr(self.state, button, 1)
        return when


def sample_to_pgm(path):
    """The sample page as PGM, by our own decoder."""
    out = subprocess.run([os.environ['TO_PGM'], os.environ['SAMPLE_PAGE'], str(path)], capture_output=True)
    require(out.returncode == 0, out.stderr.decode())


def top_of_page(folder):
    """Its first four lines: they are read and spoken in a second or two."""
    need_page()
    path = os.path.join(folder, 'top.pgm')
    sample_to_pgm(path)
    width, _, _, pixels = read_pnm(path)
    pgm(path, width, 420, pixels[:width * 420])
    return path


def page_height(rig):
    return read_pnm(rig.page)[1]


class Watch:
    """braillectl button --watch; its lines can be waited for."""

    def __init__(self, rig, *args, env=None):
        words = [str(CTL), 'button', '--watch', '--json', *map(str, args)]
        self.p = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=env or rig.env)
        atexit.register(self.p.kill)  # where a test fails before end()
        self.events, self.lines, self.log = queue.Queue(), queue.Queue(), []
        for stream, into in ((self.p.stdout, self.events), (self.p.stderr, self.lines)):
            threading.Thread(target=self.follow, args=(stream, into), daemon=True).start()

    def follow(self, stream, into):
        for line in stream:
            self.log.append(line.decode(errors='replace').rstrip())
            into.put(self.log[-1])
        into.put(None)

    def wait(self, into, wanted):
        end = time.monotonic() + WAIT_S
        while True:
            try:
                line = into.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError('it did not come; there was: ' + '\n'.join(self.log))
            found = wanted(line)
            if found is not None:
                return found

    def event(self, *names):
        """The next JSON line that has one of these keys."""
        def wanted(line):
            o = json.loads(line)
            return o if any(n in o for n in names) else None
        return self.wait(self.events, wanted)

    def line(self, part):
        return self.wait(self.lines, lambda line: line if part in line else None)

    def end(self, code=0):
        self.p.send_signal(signal.SIGTERM)
        try:
            got = self.p.wait(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            self.p.kill()
            raise AssertionError('it does not end: ' + '\n'.join(self.log))
        require(got == code, got, '\n'.join(self.log))


def wait_for(done):
    end = time.monotonic() + WAIT_S
    while not done():
        if time.monotonic() > end:
            raise AssertionError('it did not come')
        time.sleep(0.01)


def need_driver(name):
    if not any(p.exists() for p in pathlib.Path('/usr/lib').glob(f'*/sane/libsane-{name}.so.1')) and \
            not pathlib.Path(f'/usr/lib/sane/libsane-{name}.so.1').exists():
        skip(f'SANE has no driver {name} here')
