# SPDX-License-Identifier: Apache-2.0
"""sd_brailled as speech-dispatcher's server sees it, and that server itself on a private socket."""
import fcntl
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
RATE_HZ = 16000
WAIT_S = 120  # for what must come; a test that waits so long has failed
MODULE = pathlib.Path(os.environ['SD_BRAILLED'])


def skip(why):
    print('SKIPPED:', why)
    sys.exit(SKIPPED)


def require(ok, *what):
    if not ok:
        raise AssertionError(' '.join(str(w) for w in what))


def no_bus():
    """An environment in which no brailled can be reached."""
    env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS='unix:path=/nonexistent/bus',
               DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nonexistent/bus')
    env.pop('XDG_RUNTIME_DIR', None)
    return env


def unescape(data):
    out, at = bytearray(), 0
    while (found := data.find(b'\x7d', at)) >= 0:
        out += data[at:found]
        out.append(data[found + 1] ^ 0x20)
        at = found + 2
    return bytes(out + data[at:])


class Lines:
    """Lines from a descriptor, each within WAIT_S."""

    def __init__(self, fd, end):
        self.fd, self.end, self.data = fd, end, b''

    def next(self, wait_s=WAIT_S):
        until = time.monotonic() + wait_s
        while self.end not in self.data:
            if not select.select([self.fd], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError(f'no line came; so far: {self.data[:200]}')
            more = os.read(self.fd, 1 << 16)
            if not more:
                raise EOFError(f'the other side is gone; the last was {self.data[:200]}')
            self.data += more
        line, self.data = self.data.split(self.end, 1)
        return line

    def reply(self, wait_s=WAIT_S):
        """All lines of an answer or event; the last has a blank behind its number."""
        lines = [self.next(wait_s)]
        while lines[-1][3:4] != b' ':
            lines.append(self.next(wait_s))
        return lines


class Module:
    """The program alone."""

    def __init__(self, config=None, env=None, init=True):
        self.folder = tempfile.TemporaryDirectory(prefix='sd-brailled-')
        words = [str(MODULE)]
        if config is not None:
            words.append(os.path.join(self.folder.name, 'brailled.conf'))
            pathlib.Path(words[1]).write_text(config)
        self.log = open(os.path.join(self.folder.name, 'log'), 'w+')
        self.p = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                  env=env or no_bus(), bufsize=0)
        self.lines = Lines(self.p.stdout.fileno(), b'\n')
        if init:
            answer = self.command('INIT')
            require(answer[-1] == b'299 OK LOADED SUCCESSFULLY', answer)
            self.command('AUDIO')
            require(self.command('audio_output_method=server\n.') == [b'203 OK AUDIO INITIALIZED'])

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.p.kill()
        else:
            self.quit()
        self.p.stdin.close()
        self.p.wait(WAIT_S)
        self.log.seek(0)
        log = self.log.read()
        if kind or 'Sanitizer' in log or 'runtime error' in log:
            print('--- what sd_brailled wrote:', log, file=sys.stderr)
        require('Sanitizer' not in log and 'runtime error' not in log, 'the sanitizer found something')
        self.folder.cleanup()

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        while data:
            data = data[self.p.stdin.write(data):]

    def command(self, text):
        self.send(text + '\n')
        return self.lines.reply()

    def quit(self):
        require(self.command('QUIT') == [b'210 OK QUIT'])
        require(self.p.wait(WAIT_S) == 0, 'exit code', self.p.returncode)

    def set(self, **values):
        require(self.command('SET') == [b'203 OK RECEIVING SETTINGS'])
        return self.command(''.join(f'{k}={v}\n' for k, v in values.items()) + '.')

    def say(self, text, kind='SPEAK'):
        """Hand a message over."""
        require(self.command(kind) == [b'202 OK RECEIVING MESSAGE'])
        text = text.encode() if isinstance(text, str) else text
        if text.startswith(b'.'):
            text = b'.' + text
        self.send(text.replace(b'\n.', b'\n..') + b'\n')
        answer = self.command('.')
        require(answer == [b'200 OK SPEAKING'], answer)

    def event(self):
        """('begin' | 'sound' | 'mark' | 'icon' | 'end' | 'stop' | 'pause', what)"""
        lines = self.lines.reply()
        number, last = lines[0][:3], lines[-1]
        if number == b'705':
            head = dict(line[4:].split(b'=', 1) for line in lines[:5])
            data = unescape(b'\n'.join(lines[5:-1])[len(b'705-AUDIO\0'):])
            require(lines[5].startswith(b'705-AUDIO\0') and last == b'705 AUDIO', lines)
            require(head == {b'bits': b'16', b'num_channels': b'1', b'sample_rate': b'16000', b'big_endian': b'0',
                             b'num_samples': str(len(data) // 2).encode()}, head, len(data))
            return 'sound', data
        if number in (b'700', b'706'):
            require(last == (b'700 INDEX MARK' if number == b'700' else b'706 ICON') and len(lines) == 2, lines)
            return 'mark' if number == b'700' else 'icon', lines[0][4:].decode()
        require(len(lines) == 1, lines)
        return {b'701 BEGIN': 'begin', b'702 END': 'end', b'703 STOP': 'stop', b'704 PAUSE': 'pause'}[last], None

    def events(self):
        """To the end of a message."""
        list = [self.event()]
        require(list[0][0] == 'begin', list)
        return list + self.rest()

    def rest(self):
        """What is left of a message that was begun."""
        list = [self.event()]
        while list[-1][0] not in ('end', 'stop', 'pause'):
            list.append(self.event())
        return list

    def hear(self, text, kind='SPEAK', **settings):
        if settings:
            require(self.set(**settings) == [b'203 OK SETTINGS RECEIVED'])
        self.say(text, kind)
        return self.events()


def sound(events):
    return b''.join(what for name, what in events if name == 'sound')


def seconds(events):
    return len(sound(events)) / 2 / RATE_HZ


def names(events):
    return [name if what is None else what for name, what in events if name != 'sound']


# ---- the server ----

class Server:
    """speech-dispatcher with nothing but this module, its sound card a pipe that somebody reads as fast as a card plays."""

    def __init__(self, real_time=False, module=MODULE, name='brailled', language='zh-CN', config='', method='alsa', more=()):
        for program in ('speech-dispatcher', 'spd-say'):
            if not shutil.which(program):
                skip(f'{program} is missing; install speech-dispatcher')
        self.folder = tempfile.TemporaryDirectory(prefix='sd-server-')
        home = pathlib.Path(self.folder.name)
        for folder in ('conf/modules', 'modules', 'run', 'log'):
            (home / folder).mkdir(parents=True)
        (home / 'modules' / f'sd_{name}').symlink_to(pathlib.Path(module).resolve())
        (home / 'conf/modules/brailled.conf').write_text(config)
        (home / 'conf/speechd.conf').write_text(
            'LogLevel 3\nDefaultVolume 100\nSymbolsPreproc "char"\nSymbolsPreprocFile "symbols.dic"\n'
            f'AudioOutputMethod "{method}"\nAudioALSADevice "default"\nDefaultLanguage "{language}"\n')
        self.card = home / 'card'
        os.mkfifo(self.card)
        (home / 'asound.conf').write_text(
            'pcm.null { type null }\nctl.!default { type hw card 0 }\n'
            f'pcm.!default {{ type file slave.pcm null file "{self.card}" format raw }}\n')
        self.home, self.heard, self.real_time, self.open = home, [], real_time, True
        self.env = dict(no_bus(), XDG_RUNTIME_DIR=str(home / 'run'), HOME=str(home), ALSA_CONFIG_PATH=str(home / 'asound.conf'),
                        SPEECHD_ADDRESS=f'unix_socket:{home}/socket', **dict(more))
        self.player = threading.Thread(target=self.play, daemon=True)
        self.player.start()
        self.p = subprocess.Popen(['speech-dispatcher', '-s', '-C', home / 'conf', '-m', home / 'modules', '-L', home / 'log', '-P', home / 'pid',
                                   '-S', home / 'socket', '-t', '0'], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + WAIT_S
        while not (home / 'socket').exists():
            require(self.p.poll() is None and time.monotonic() < until, 'the server does not start')
            time.sleep(0.02)

    def play(self):
        """What reaches the card: (when, bytes)."""
        fd = os.open(self.card, os.O_RDWR)  # so that it has no end between two messages
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, 4096)
        while self.open:
            if not select.select([fd], [], [], 0.2)[0]:
                continue
            data = os.read(fd, 1024 if self.real_time else 1 << 16)
            self.heard.append((time.monotonic(), data))
            if self.real_time:
                time.sleep(len(data) / 2 / RATE_HZ)
        os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.p.terminate()
        self.p.wait(WAIT_S)
        self.open = False
        self.player.join(WAIT_S)
        log = (self.home / 'log/speech-dispatcher.log').read_text(errors='replace')
        own = ''.join(f.read_text(errors='replace') for f in (self.home / 'log').glob('brailled*'))
        if kind or 'Sanitizer' in own or 'runtime error' in own:
            print('--- the server:', log[-4000:], '--- sd_brailled:', own, file=sys.stderr)
        require('Sanitizer' not in own and 'runtime error' not in own, 'the sanitizer found something')
        self.folder.cleanup()

    def spd_say(self, *words, wait=True):
        done = subprocess.run(['spd-say', *(['-w'] if wait else []), *words], env=self.env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=WAIT_S)
        require(done.returncode == 0, words, done.returncode, done.stdout)
        return done.stdout.decode()

    def settle(self):
        """Bytes of sound since the last call, once no more come."""
        n = -1
        while n != len(self.heard):
            n = len(self.heard)
            time.sleep(0.3)
        data, self.heard[:] = b''.join(d for _, d in self.heard), []
        return data


class Client:
    """A program that speaks SSIP."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(server.home / 'socket'))
        self.lines = Lines(self.socket.fileno(), b'\r\n')
        self.command('SET SELF CLIENT_NAME tester:test:main')
        self.command('SET SELF NOTIFICATION ALL ON')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def command(self, text):
        self.socket.sendall(text.encode() + b'\r\n')
        answer = self.lines.reply()
        require(answer[-1][:1] == b'2', text, answer)
        return [line.decode() for line in answer]

    def say(self, text):
        self.command('SPEAK')
        return self.command(text + '\r\n.')[0][4:]

    def event(self, wait_s=WAIT_S):
        """A mark's name, or BEGIN, END, CANCELED, PAUSED, RESUMED."""
        lines = [line.decode() for line in self.lines.reply(wait_s)]
        return lines[2][4:] if lines[0].startswith('700') else lines[-1][4:]
