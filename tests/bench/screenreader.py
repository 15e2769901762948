# SPDX-License-Identifier: Apache-2.0
"""screenreader.py SD_BRAILLED [ROUNDS]: from spd-say to the first sound, and from STOP to silence.

In one run, in turns: sd_brailled and, where it is installed, sd_espeak-ng. By the protocol: from the end of SPEAK to the first block of sound
and to the first sample above -54 dB in it, from STOP to 703. Through the real server with a PulseAudio null sink (where there is a
PulseAudio): from the start of spd-say to the first such sample at the sink's monitor. Prints a table in milliseconds."""
import array
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

os.environ['SD_BRAILLED'] = sys.argv[1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'speechd'))
import module  # noqa: E402

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 40
ESPEAK = pathlib.Path('/usr/lib/speech-dispatcher-modules/sd_espeak-ng')
TEXTS = {'a word': '文件', 'a sentence': '今天天气很好，我们一起去公园散步。', 'five sentences': '今天天气很好，我们一起去公园散步。' * 5}
LONG = '今天天气很好，我们一起去公园散步。' * 40
PEAK = 64


def row(what, name, values):
    v = sorted(values)
    print(f'{what:34} {name:10} median {statistics.median(v):7.1f}  90 % {v[int(0.9 * (len(v) - 1))]:7.1f}  most {v[-1]:7.1f} ms  ({len(v)})', flush=True)
    return statistics.median(v)


class Peer(module.Module):
    """A module of anybody's: lines as they come, with the time of each."""

    def event(self):
        lines = self.lines.reply()
        number = lines[0][:3]
        if number == b'705':
            head = dict(line[4:].split(b'=', 1) for line in lines[:5])
            data = module.unescape(b'\n'.join(lines[5:-1])[len(b'705-AUDIO\0'):])
            return 'sound', data, int(head[b'sample_rate'])
        return {b'701': 'begin', b'702': 'end', b'703': 'stop', b'704': 'pause'}.get(number, 'other'), b'', 0

    def prepare(self):
        self.command('AUDIO')
        self.command('audio_output_method=server\n.')
        self.set(rate=0, pitch=0, volume=100, language='zh-CN', voice='female1', synthesis_voice='NULL', punctuation_mode='none',
                 spelling_mode='off', cap_let_recogn='none')


def speak(m, text):
    """Milliseconds to the first block; to its first sound, as if the block were played at once."""
    m.say(text)
    start, first, heard, n = time.monotonic(), None, None, 0
    while (event := m.event())[0] not in ('end', 'stop'):
        if event[0] != 'sound':
            continue
        now = time.monotonic()
        first = first if first is not None else now - start
        if heard is None:
            at = next((i for i, x in enumerate(array.array('h', event[1])) if abs(x) > PEAK), None)
            heard = None if at is None else first + (n + at) / event[2]
        n += len(event[1]) // 2
    return 1000 * first, 1000 * heard


def stop(m, n_blocks):
    m.say(LONG)
    while n_blocks >= 0:
        n_blocks -= m.event()[0] == 'sound'
    m.send('STOP\n')
    start = time.monotonic()
    while m.event()[0] not in ('stop', 'end'):
        pass
    return 1000 * (time.monotonic() - start)


def protocol():
    modules = {'brailled': Peer(init=False)}
    if ESPEAK.exists():
        module.MODULE = ESPEAK
        modules['espeak-ng'] = Peer(init=False)
    for m in modules.values():
        start = time.monotonic()
        m.command('INIT')
        print(f'INIT {1000 * (time.monotonic() - start):.0f} ms')
        m.prepare()
        speak(m, '你好')
    pid = modules['brailled'].p.pid
    print(next(line.strip() for line in open(f'/proc/{pid}/status') if line.startswith('VmRSS')))
    for what, text in TEXTS.items():
        times = {name: [] for name in modules}
        for _ in range(ROUNDS):
            for name, m in modules.items():
                times[name].append(speak(m, text))
        medians = [row(f'{what}: to the first block', name, [a for a, _ in v]) for name, v in times.items()]
        heard = [row(f'{what}: to the first sound', name, [b for _, b in v]) for name, v in times.items()]
        if len(medians) > 1:
            print(f'  brailled / espeak-ng: {medians[0] / medians[1]:.1f}, {heard[0] / heard[1]:.1f}')
    times = {name: [stop(m, i % 12) for i in range(max(ROUNDS, 40))] for name, m in modules.items()}
    medians = [row('STOP to 703', name, v) for name, v in times.items()]
    for m in modules.values():
        m.p.stdin.close()
        m.p.wait(30)


class Card:
    """A PulseAudio of its own with a null sink, and who listens to its monitor."""

    def __init__(self, home):
        self.env = {'PULSE_RUNTIME_PATH': home + '/pulse', 'PULSE_SERVER': f'unix:{home}/native'}
        env = dict(os.environ, XDG_RUNTIME_DIR=home, HOME=home, **self.env)
        self.p = subprocess.Popen(['pulseaudio', '-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--log-level=error',
                                   '-L', 'module-null-sink sink_name=card rate=16000 channels=1',
                                   '-L', f'module-native-protocol-unix auth-anonymous=1 socket={home}/native'], env=env, stderr=subprocess.DEVNULL)
        while not os.path.exists(f'{home}/native'):
            time.sleep(0.05)
        self.listener = subprocess.Popen(['parec', '-d', 'card.monitor', '--raw', '--format=s16le', '--rate=16000', '--channels=1', '--latency-msec=5'],
                                         env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.loud = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while data := os.read(self.listener.stdout.fileno(), 320):
            if any(abs(x) > PEAK for x in array.array('h', data[:len(data) // 2 * 2])):
                self.loud.append(time.monotonic())

    def next_loud(self, start, wait_s=20):
        until = start + wait_s
        while time.monotonic() < until:
            if self.loud and self.loud[-1] >= start:
                return next(t for t in self.loud if t >= start)
            time.sleep(0.001)
        raise TimeoutError('nothing was heard')

    def quiet(self):
        while self.loud and time.monotonic() - self.loud[-1] < 0.4:
            time.sleep(0.05)
        self.loud.clear()

    def close(self):
        self.listener.terminate()
        self.p.terminate()
        self.p.wait(10)


def server():
    if not shutil.which('pulseaudio') or not shutil.which('parec'):
        print('PulseAudio is missing; the way to the sound card is left out')
        return
    home = tempfile.mkdtemp(prefix='bench-card-')
    os.chmod(home, 0o700)
    card = Card(home)
    try:
        through_server(card)
    finally:
        card.close()
        shutil.rmtree(home, ignore_errors=True)


def through_server(card):
    names = {'brailled': (sys.argv[1], 'brailled')} | ({'espeak-ng': (ESPEAK, 'espeak-ng')} if ESPEAK.exists() else {})
    medians, stops = [], []
    for name, (program, own) in names.items():
        module.MODULE = pathlib.Path(program)
        with module.Server(module=pathlib.Path(program), name=own, method='pulse', more=card.env) as s:
            s.spd_say('你好')
            s.spd_say('你好')
            first, silence = [], []
            for i in range(ROUNDS // 2):
                card.quiet()
                start = time.monotonic()
                s.spd_say('-t', 'female1', '文件', wait=False)
                first.append(1000 * (card.next_loud(start) - start))
                s.spd_say('-C', wait=False)
            for i in range(ROUNDS // 2):
                card.quiet()
                start = time.monotonic()
                s.spd_say('-t', 'female1', LONG, wait=False)
                card.next_loud(start)
                time.sleep(0.2 + 0.05 * (i % 7))
                start = time.monotonic()
                s.spd_say('-S', wait=False)
                time.sleep(0.8)
                silence.append(1000 * max(0, card.loud[-1] - start))
            medians.append(row('spd-say to the sound card', name, first))
            stops.append(row('spd-say -S to silence at the card', name, silence))
    if len(medians) > 1:
        print(f'  brailled / espeak-ng: {medians[0] / medians[1]:.2f}; silence {stops[0] / stops[1]:.2f}')


if "--card" not in sys.argv:
    protocol()
server()
