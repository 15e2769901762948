#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl and gdbus as clients of brailled on the test's own bus."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import (CTL, folder, main, need_page, no_bus, require, run, skip, sound_info)  # noqa: E402

BUS = dict(os.environ)
LONG = 'jin1tian1 tian1qi4 hen3 hao3，wo3men5 yi4qi3 qu4 gong1yuan2 san4bu4。' * 600


def case_braillectl():
    page = need_page()
    with folder() as d:
        out, text = os.path.join(d, 'out.flac'), os.path.join(d, 'out.txt')
        r = run('convert', page, '-o', out, '--text', text, '--json', env=BUS, says='through brailled')
        o = r.json
        require('on the session bus' in r.error and o['device'] in r.error, r.error)
        require({'device', 'daemon', 'audio_s', 'first_sound_ms', 'total_ms', 'stages_ms', 'text', 'pinyin'} == set(o), set(o))
        require(o['daemon'] is True and o['stages_ms']['vocoder'] > 0 and o['stages_ms']['grid'] > 0, o)
        require(0 < o['first_sound_ms'] < o['total_ms'], o)
        info = sound_info(out)
        require(info['format'] == 'flac' and abs(info['frames'] / 16000 - o['audio_s']) < 0.001, info)
        # in this process the same page gives the same text and, on the same device, the same sound
        local = os.path.join(d, 'local.flac')
        there = run('convert', page, '-o', local, '--local', '--json', env=BUS, says='in this process')
        l = there.json
        require(('no GPU is used' in there.error) == ('no GPU is used' in r.error), r.error)
        require(l['daemon'] is False and l['text'] == o['text'] and l['pinyin'] == o['pinyin'], l)
        require(sound_info(local)['frames'] == info['frames'], sound_info(local), info)
        with open(text) as f:
            require(f.read() == o['text'] + '\n')
        r = run('say', '--pinyin', 'ni3hao3。', '-o', '-', env=BUS)
        require(r.out[:4] == b'RIFF' and len(r.out) > 8000, len(r.out))
        here, there = (run('voices', *way, '--json', env=BUS).json for way in (['--local'], []))
        voices = here['voices']
        require(there['daemon'] is True and here['daemon'] is False and voices == there['voices'], here, there)
        require({'name', 'language', 'gender', 'title'} == set(voices[0]), here)
        here, there = (run('say', '我有3本书。😀', *way, '-o', os.path.join(d, 't.wav'), '--json', env=BUS, says='not said: U+1F600').json
                       for way in (['--local'], []))
        require(there['daemon'] and all(here[k] == there[k] for k in ('text', 'pinyin', 'unsaid', 'audio_s')), here, there)
        run('say', '😀', '-o', os.path.join(d, 'none.wav'), env=BUS, code=65, says='😀')
        loud, soft = (os.path.join(d, name) for name in ('loud.wav', 'soft.wav'))
        run('say', '--pinyin', 'ni3hao3。', '--voice', voices[0]['name'], '-o', loud, env=BUS)
        run('say', '--pinyin', 'ni3hao3。', '--volume', '0.25', '-o', soft, env=BUS)
        require(sound_info(soft)['frames'] == sound_info(loud)['frames'], 'how loud says nothing of how long')
        run('say', '--pinyin', 'ni3hao3。', '--voice', 'nobody', '-o', soft, env=BUS, code=64, says='nobody')
        require(run('prepare', '--json', env=BUS).json['daemon'] is True)
        run('say', '--pinyin', 'xyz9', '-o', os.path.join(d, 'bad.wav'), env=BUS, code=65, says='xyz9')
        run('say', '--pinyin', 'xyz9', '--no-sandhi', '-o', os.path.join(d, 'bad.wav'), env=BUS, code=65, says='xyz9')
        run('say', '--pinyin', '-', '-o', os.path.join(d, 'bad.wav'), env=BUS, stdin=b'hao3\xff', code=65, says='not UTF-8')
        run('convert', text, '-o', os.path.join(d, 'bad.wav'), env=BUS, code=65)
        run('say', '--pinyin', 'hao3', '--device', '0', '-o', os.path.join(d, 'd.wav'), env=BUS, says='in this process')
        require(not os.path.exists(os.path.join(d, 'bad.wav')), os.listdir(d))


def begin_long(d):
    p = subprocess.Popen([str(CTL), 'say', '--pinyin', LONG, '-o', os.path.join(d, 'out.wav')], stdin=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, env=BUS)
    end = time.monotonic() + 120
    while not any(os.path.getsize(os.path.join(d, f)) > 1000 for f in os.listdir(d)):
        require(p.poll() is None and time.monotonic() < end, 'no sound came')
        time.sleep(0.05)
    return p


def daemon_pid():
    out = subprocess.run(['gdbus', 'call', '--session', '-d', 'org.freedesktop.DBus', '-o', '/org/freedesktop/DBus', '-m',
                          'org.freedesktop.DBus.GetConnectionUnixProcessID', 'org.brailled.Brailled1'], check=True,
                         capture_output=True, text=True).stdout
    return int(out.split()[1].strip(',)'))


def case_interrupt():
    with folder() as d:
        p = begin_long(d)
        p.send_signal(signal.SIGINT)
        p.wait(timeout=30)
        require(p.returncode == 130, p.returncode, p.stderr.read())
        require(os.listdir(d) == [], os.listdir(d))
        p = begin_long(d)
        os.kill(daemon_pid(), signal.SIGKILL)
        p.wait(timeout=30)
        error = p.stderr.read().decode()
        require(p.returncode == 69 and '--local' in error, p.returncode, error)
        require(os.listdir(d) == [], os.listdir(d))
        run('say', '--pinyin', 'hao3', '-o', os.path.join(d, 'out.wav'), env=BUS, says='through brailled')


def case_gdbus():
    if not shutil.which('gdbus'):
        skip('gdbus is missing; install libglib2.0-bin')
    with open(need_page(), 'rb') as page:
        os.dup2(page.fileno(), 5)
        p = subprocess.run(['gdbus', 'call', '--session', '--timeout', '280', '-d', 'org.brailled.Brailled1', '-o',
                            '/org/brailled/Brailled1', '-m', 'org.brailled.Brailled1.Manager.Convert', 'handle 5',
                            '{"outputs": <["pinyin"]>}'], pass_fds=[5], capture_output=True, text=True)
    print(p.stdout[:300], p.stderr)
    require(p.returncode == 0 and "'pinyin'" in p.stdout and "'device'" in p.stdout and "'audio'" not in p.stdout)


def case_replace():
    daemon = os.environ['BRAILLED']
    subprocess.run([str(CTL), 'prepare'], check=True, env=BUS)
    old = daemon_pid()
    second = subprocess.run([daemon], env=BUS, capture_output=True, text=True, timeout=30)
    require(second.returncode == 1 and '--replace' in second.stderr, second)
    new = subprocess.Popen([daemon, '--replace'], env=BUS, stderr=subprocess.PIPE)
    end = time.monotonic() + 30
    while daemon_pid() != new.pid:
        require(time.monotonic() < end, 'the name did not pass on')
        time.sleep(0.05)
    while os.path.exists(f'/proc/{old}') and open(f'/proc/{old}/stat').read().split()[2] != 'Z':
        require(time.monotonic() < end, 'the old one stays')
        time.sleep(0.05)
    new.send_signal(signal.SIGTERM)
    require(new.wait(timeout=30) == 0, new.stderr.read())
    for words in (['--nonsense'], ['--idle-timeout', 'soon'], ['word']):
        require(subprocess.run([daemon, *words], env=BUS, capture_output=True).returncode == 64, words)
    require(subprocess.run([daemon, '--version'], capture_output=True, text=True).stdout.startswith('brailled '))
    # the loss of the bus is a failure; that there is none at the start is another
    bus = subprocess.Popen(['dbus-daemon', '--session', '--nofork', '--print-address=1'], stdout=subprocess.PIPE, text=True)
    alone = subprocess.Popen([daemon], env=dict(BUS, DBUS_SESSION_BUS_ADDRESS=bus.stdout.readline().strip()))
    time.sleep(1)
    require(alone.poll() is None, alone.returncode)
    bus.kill()
    require(alone.wait(timeout=30) == 1, alone.returncode)
    r = subprocess.run([daemon], env=no_bus(), capture_output=True, text=True)
    require(r.returncode == 69 and 'session bus' in r.stderr, r)


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
