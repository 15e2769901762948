# SPDX-License-Identifier: Apache-2.0
"""brailled-spiel on a private session bus, called through GLib (gdbus) as libspiel calls it; each case is a test of its own."""
import array
import os
import pathlib
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

NAME, PATH, INTERFACE = 'org.brailled.Brailled1.Speech.Provider', '/org/brailled/Brailled1/Speech/Provider', 'org.freedesktop.Speech.Provider'
SPIEL = os.environ['BRAILLED_SPIEL']
WAIT_S = 120
RATE_HZ = 16000
SENTENCE = '今天天气很好，我们一起去公园散步。'


def require(ok, *what):
    if not ok:
        raise AssertionError(' '.join(str(w) for w in what))


class Bus:
    """A bus that starts the provider when it is called."""

    def __init__(self, *options):
        for program in ('dbus-daemon', 'gdbus'):
            if not shutil.which(program):
                print(f'SKIPPED: {program} is missing; install dbus-daemon and libglib2.0-bin')
                sys.exit(77)
        self.folder = tempfile.TemporaryDirectory(prefix='brailled-spiel-')
        self.home = pathlib.Path(self.folder.name)
        (self.home / 'services').mkdir()
        (self.home / 'run').write_text(f'#!/bin/sh\necho $$ >>{self.home}/pids\nexec {SPIEL} {" ".join(options)} 2>>{self.home}/log\n')
        (self.home / 'run').chmod(0o755)
        (self.home / 'pids').touch()
        (self.home / f'services/{NAME}.service').write_text(f'[D-BUS Service]\nName={NAME}\nExec={self.home}/run\n')
        (self.home / 'bus.conf').write_text(
            f'<busconfig><type>session</type><listen>unix:tmpdir={self.home}</listen><auth>EXTERNAL</auth><servicedir>{self.home}/services</servicedir>'
            '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>')
        self.p = subprocess.Popen(['dbus-daemon', '--nofork', '--print-address', f'--config-file={self.home}/bus.conf'], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        self.env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=self.p.stdout.readline().decode().strip())

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.p.terminate()
        self.p.wait(WAIT_S)
        for pid in self.pids():
            until = time.monotonic() + WAIT_S
            while is_alive(pid):  # the bus is gone: so is the provider
                require(time.monotonic() < until, 'brailled-spiel stays although its bus is gone')
                time.sleep(0.05)
        log = (self.home / 'log').read_text() if (self.home / 'log').exists() else ''
        if kind or 'Sanitizer' in log or 'runtime error' in log:
            print('--- what brailled-spiel wrote:', log, file=sys.stderr)
        require('Sanitizer' not in log and 'runtime error' not in log)
        self.folder.cleanup()

    def pids(self):
        return [int(line) for line in (self.home / 'pids').read_text().split()]

    def gdbus(self, *words, ok=True, fds=()):
        done = subprocess.run(['gdbus', *words], env=self.env, capture_output=True, text=True, pass_fds=fds, timeout=WAIT_S)
        require((done.returncode == 0) == ok, words, done.stdout, done.stderr)
        return done.stdout if ok else done.stderr

    def call(self, fd, text, voice='xiaobei', pitch='1.0', rate='1.0', ssml=False, language='zh-CN', ok=True):
        return self.gdbus('call', '--session', '-d', NAME, '-o', PATH, '-m', f'{INTERFACE}.Synthesize', f'handle {fd}', quote(text), quote(voice), pitch, rate,
                          'true' if ssml else 'false', quote(language), ok=ok, fds=(fd,))

    def start(self, text, **more):
        """The read end of what it speaks."""
        ours, theirs = os.pipe()
        self.call(theirs, text, **more)
        os.close(theirs)
        return ours

    def hear(self, text, **more):
        return Stream(self.start(text, **more)).all()


def quote(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'


def is_alive(pid):
    try:
        return open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


class Stream:
    """Reads as libspeechprovider's reader does: one read() for each field, which must find all of it."""

    def __init__(self, fd):
        self.fd, self.sound, self.marks = fd, b'', []
        require(self.read(4) == b'0.01', 'the header')

    def read(self, n, end_ok=False):
        require(select.select([self.fd], [], [], WAIT_S)[0], 'nothing comes')
        data = os.read(self.fd, n)
        require(len(data) == n or (end_ok and not data), 'cut off:', len(data), n)
        return data

    def chunk(self):
        """False: the end."""
        kind = self.read(1, end_ok=True)
        if kind == b'\x01':
            self.sound += self.read(struct.unpack('=I', self.read(4))[0])
        elif kind == b'\x02':
            event, _, _, n = struct.unpack('=BIII', self.read(13))
            require(event == 4, event)
            self.marks.append((self.read(n).decode() if n else '', len(self.sound) // 2))
        else:
            require(kind == b'', kind)
            os.close(self.fd)
        return bool(kind)

    def all(self):
        while self.chunk():
            pass
        return self

    @property
    def seconds(self):
        return len(self.sound) / 2 / RATE_HZ


def rows(text):
    """An interface in a form that can be compared."""
    for i in ET.fromstring(text).iter('interface'):
        if i.get('name') == INTERFACE:
            return sorted((m.tag, m.get('name'), m.get('type'), m.get('access'), tuple((a.get('name'), a.get('type'), a.get('direction')) for a in m.iter('arg')))
                          for m in i if m.tag in ('method', 'property', 'signal'))


def interface():
    with open(sys.argv[2]) as f:
        upstream = f.read()
    with Bus() as bus:
        said = bus.gdbus('introspect', '--session', '-d', NAME, '-o', PATH, '--xml')
        require(rows(said) == rows(upstream) and rows(said), rows(said), rows(upstream))
        properties = bus.gdbus('call', '--session', '-d', NAME, '-o', PATH, '-m', 'org.freedesktop.DBus.Properties.GetAll', INTERFACE)
        require("'Name': <'brailled'>" in properties, properties)
        voices = re.findall(r"\('([^']+)', '(\w+)', '([^']+)', (?:uint64 )?(\d+), \[([^]]+)\]\)", properties)
        require([v[1] for v in voices] == ['xiaobei', 'yunjian'], properties)
        flags = {f.get('suffix'): int(f.get('value'), 16) for f in ET.fromstring(upstream).iter('{http://telepathy.freedesktop.org/wiki/DbusSpec#extensions-v0}flag')}
        for _, _, form, features, languages in voices:
            require(form == 'audio/x-spiel,format=S16LE,channels=1,rate=16000' and "'zh-CN'" in languages, properties)
            require(int(features) & flags['EVENTS_SSML_MARK'] and not int(features) & flags['EVENTS_WORD'] and int(features) & ~sum(flags.values()) == 0)


def speak():
    with Bus() as bus:
        usual = bus.hear(SENTENCE)
        require(2 < usual.seconds < 8 and max(map(abs, array.array('h', usual.sound))) > 1000, usual.seconds)
        require(bus.hear(SENTENCE, voice='').sound == usual.sound, 'the first voice')
        require(bus.hear(SENTENCE, voice='yunjian').sound != usual.sound)
        require(bus.hear(SENTENCE, rate='2.0').seconds < 0.7 * usual.seconds < usual.seconds < 0.7 * bus.hear(SENTENCE, rate='0.1').seconds)
        require(bus.hear(SENTENCE, pitch='1.5').sound != usual.sound)
        marked = bus.hear(f'<speak><mark name="a"/>{SENTENCE}<mark name="二"/>好</speak>', ssml=True)
        require([m for m, _ in marked.marks] == ['a', '二'] and marked.marks[0][1] == 0 and RATE_HZ < marked.marks[1][1] < len(marked.sound) // 2, marked.marks)
        require(bus.hear('你<break time="2s"/>好', ssml=True).seconds > 2, 'a snippet')
        require(bus.hear('<speak>你', ssml=True).seconds > 0.2, 'broken')
        require(bus.hear('3 < 4 & "5"').seconds > 0.5)
        for nothing in ('', '。', '😀'):
            require(bus.hear(nothing).seconds == 0, nothing)
        require(len(bus.pids()) == 1, 'one process for all')
        for words, what in [(dict(voice='nobody'), 'voice_id'), (dict(pitch='nan'), 'numbers')]:
            ours, theirs = os.pipe()
            require(what in bus.call(theirs, '你好', ok=False, **words))
            os.close(theirs)
            require(os.read(ours, 1) == b'', 'it is closed')
            os.close(ours)
        for bad in (os.open('/dev/null', os.O_WRONLY), os.open('/dev/null', os.O_RDONLY)):
            require('pipe' in bus.call(bad, '你好', ok=False))
            os.close(bad)


def several():
    """Callers who do not read, who leave, and who want to hear something meanwhile."""
    with Bus() as bus:
        bus.hear('你好')
        pid = bus.pids()[0]
        files = lambda: len(os.listdir(f'/proc/{pid}/fd'))
        before = files()
        lazy = [bus.start(SENTENCE * 20) for _ in range(3)]
        short = bus.hear(SENTENCE)
        require(short.seconds > 2)
        os.close(lazy.pop())  # leaves
        require(bus.hear(SENTENCE).sound == short.sound)
        late = Stream(lazy.pop())
        for _ in range(40):
            require(late.chunk())
        os.close(late.fd)
        os.close(lazy.pop())
        until = time.monotonic() + WAIT_S
        while files() != before:
            require(time.monotonic() < until, 'pipes stay open:', files(), before)
            time.sleep(0.05)
        whole = bus.hear(SENTENCE * 6)
        require(whole.seconds > 4 * short.seconds, whole.seconds, short.seconds)


def life():
    """It leaves when there is nothing to do, and comes back when it is called."""
    with Bus('--idle-timeout', '0.5') as bus:
        for n in (1, 2):
            require(bus.hear('你好').seconds > 0.3)
            require(len(bus.pids()) == n, bus.pids())
            until = time.monotonic() + WAIT_S
            while is_alive(bus.pids()[-1]):
                require(time.monotonic() < until, 'it stays')
                time.sleep(0.05)
        fd = bus.start(SENTENCE * 60)
        os.kill(bus.pids()[-1], signal.SIGTERM)
        while select.select([fd], [], [], WAIT_S)[0] and os.read(fd, 1 << 16):
            pass  # until the end of the pipe
        os.close(fd)
    env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS='unix:path=/nonexistent')
    done = subprocess.run([SPIEL], env=env, capture_output=True, text=True, timeout=WAIT_S)
    require(done.returncode == 69 and 'session bus' in done.stderr, done)
    done = subprocess.run([SPIEL, '--device', 'no such device'], env=env, capture_output=True, text=True, timeout=WAIT_S)
    require(done.returncode == 69 and 'no such device' in done.stderr, done)
    require(subprocess.run([SPIEL, 'x'], capture_output=True).returncode == 64)
    require(b'--idle-timeout' in subprocess.run([SPIEL, '--help'], check=True, capture_output=True).stdout)


globals()[sys.argv[1]]()
