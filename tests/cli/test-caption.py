#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl caption with the tiny random Chinese-CLIP of tests/golden: what PyTorch computed, the cache, hostile banks, speech."""
import json
import math
import os
import pathlib
import re
import signal
import struct
import subprocess
import time

from harness import CTL, folder, main, no_bus, png, require, run, sound_info

DATA = pathlib.Path(os.environ['GOLDEN'])
MODEL = DATA / 'chinese-clip.safetensors'
TEXTS = ['一只猫坐在窗台上', '她说：“Hello, wörld 2026！”', 'zhong1guo2 shuang1 lv4', '夜' * 60, 'shuang1 zhong1 the cat']
STORED = [0, 1, 3, 4, 5]  # their rows in the golden file, whose third text is empty


def tensors(path):
    data = path.read_bytes()
    n, = struct.unpack('<Q', data[:8])
    head, out = json.loads(data[8:8 + n]), {}
    for name, t in head.items():
        if name != '__metadata__':
            first, end = t['data_offsets']
            out[name] = (t['shape'], struct.unpack(f'<{(end - first) // 4}f', data[8 + n + first:8 + n + end]))
    return out


def rows(tensor):
    shape, values = tensor
    return [values[i * shape[1]:(i + 1) * shape[1]] for i in range(shape[0])]


class Place:
    """A folder with a bank, pictures and a cache of its own; compiled programs stay where they are."""

    def __init__(self, d):
        self.d = pathlib.Path(d)
        mesa = os.environ.get('MESA_SHADER_CACHE_DIR') or os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
        self.env = dict(no_bus(), XDG_CACHE_HOME=str(self.d / 'cache'), XDG_DATA_HOME=str(self.d / 'data'), MESA_SHADER_CACHE_DIR=mesa)
        (self.d / 'cache').mkdir()
        self.bank = self.put('bank.txt', '\ufeff' + TEXTS[0] + '\r\n\n   \n' + ''.join(f'  {s}\t\n' for s in TEXTS[1:]))
        (n, h, w, _), levels = tensors(DATA / 'chinese-clip.io.safetensors')['crops']
        size = h * w * 3
        self.pictures = [self.put(f'{i}.ppm', b'P6 %d %d 255\n' % (w, h) + bytes(int(v) for v in levels[i * size:(i + 1) * size])) for i in range(n)]

    def put(self, name, what):
        path = self.d / name
        path.write_bytes(what.encode() if isinstance(what, str) else what)
        return path

    def kept(self):
        return sorted((self.d / 'cache/brailled/captions').glob('*'))

    def run(self, picture, *args, bank=None, clip=MODEL, **more):
        return run('caption', picture, '--bank', bank or self.bank, '--clip', clip, *args, env=self.env, **more)


def case_find():
    io = tensors(DATA / 'chinese-clip.io.safetensors')
    texts = [rows(io['text'])[i] for i in STORED]
    with folder() as d:
        p = Place(d)
        for i, picture in enumerate(p.pictures[:3]):
            want = [sum(a * b for a, b in zip(rows(io['image'])[i], t)) for t in texts]
            shares = [math.exp(c / 0.07) for c in want]
            order = sorted(range(len(texts)), key=lambda k: -want[k])
            o = p.run(picture, '--json').json
            require([t['text'] for t in o['texts']] == [TEXTS[k] for k in order], o, want)
            for t, k in zip(o['texts'], order):
                require(abs(t['cosine'] - want[k]) < 1e-3 and abs(t['p'] - shares[k] / sum(shares)) < 2e-2, t, want[k])
                require(t['line'] == (1 if k == 0 else k + 3), t)
            require(o['bank'] == {'sentences': 5, 'embedded': 0 if i else 5, 'kept': 5 if i else 0}, o['bank'])
        r = p.run(p.pictures[0], '-k', '2')
        lines = r.text.splitlines()
        require(len(lines) == 2 and re.fullmatch(r'.+  \(\d+\.\d %, cosine -?0\.\d{4}\)', lines[0]), r.text)
        require(p.run(p.pictures[0], '-q').err == b'')
        # a picture of another size and kind is stretched, grey becomes RGB; both may be standard input, one at a time
        require(p.run(p.put('grey.png', png(50, 9, 77))).text)
        require(p.run('-', '-k', '1', stdin=p.pictures[1].read_bytes()).text)
        require(p.run(p.pictures[0], '-k', '1', bank='-', stdin=TEXTS[0].encode()).text.startswith(TEXTS[0]))


def case_cache():
    with folder() as d:
        p = Place(d)
        first = p.run(p.pictures[0], '--json').json
        require(len(p.kept()) == 1)
        file = p.kept()[0]
        require(file.stat().st_size == 5 * 20 * 4 and (file.parent.stat().st_mode & 0o77) == 0)
        require(p.run(p.pictures[0], '--json').json['bank']['kept'] == 5)
        for broken in (b'', b'x' * 400, b'\0' * 400, b'\xff' * 400, file.read_bytes() + b'1'):
            file.write_bytes(broken)
            o = p.run(p.pictures[0], '--json').json
            require(o['bank']['embedded'] == 5 and o['texts'] == first['texts'], o)
        # another bank, another model: another file. What nobody used for long goes.
        os.utime(file, (0, 0))
        bank = p.put('grown.txt', ''.join(f'猫{i}\n' for i in range(1030)))
        require(p.run(p.pictures[0], '--json', bank=bank).json['bank'] == {'sentences': 1030, 'embedded': 1030, 'kept': 0})
        require(len(p.kept()) == 2 and not file.exists(), p.kept())
        bank.write_text(bank.read_text() + '夜\n')
        require(p.run(p.pictures[0], '--json', bank=bank).json['bank'] == {'sentences': 1031, 'embedded': 7, 'kept': 1024})
        copy = p.put('copy.safetensors', MODEL.read_bytes())
        require(p.run(p.pictures[0], '--json', clip=copy).json['bank']['kept'] == 0)
        # nowhere to keep anything
        for cache in ('/nonexistent/cache', '/dev/null'):
            env = dict(p.env, XDG_CACHE_HOME=cache)
            o = run('caption', p.pictures[0], '--bank', p.bank, '--clip', MODEL, '--json', env=env).json
            require(o['texts'] == first['texts'])


def case_hostile():
    with folder() as d:
        p = Place(d)
        for name, what, says in (('empty', b'', 'no sentences'), ('blank', b' \n\r\n\t\n', 'no sentences'), ('long', b'a\n' + b'x' * 5000, 'line 2'), ('latin', b'a\nb\nd\xe9j\xe0\n', 'line 3'),
                                 ('nul', b'a\0b', 'not text'), ('many', b'x\n' * 1000000, '100000 sentences')):
            p.run(p.pictures[0], bank=p.put(name, what), code=65, says=says)
        p.run(p.pictures[0], bank=p.d / 'none', code=66, says='none')
        p.run(p.pictures[0], bank=p.d, code=66, says='folder')
        p.run(p.d / 'none.png', code=66)
        p.run(p.put('cut.png', png(9, 9)[:60]), code=65)
        p.run(p.put('text.png', 'no picture'), code=65)
        for words in ((), ('a', 'b')):
            run('caption', *words, '--bank', p.bank, code=64, env=p.env)
        run('caption', 'x', code=64, says='--bank')
        run('caption', '-', '--bank', '-', code=64, says='both')
        for k in ('0', '17', '1.5', 'many'):
            p.run(p.pictures[0], '-k', k, code=64, says='--count')
        run('caption', p.pictures[0], '--bank', p.bank, env=p.env, code=69, says='braillectl import')
        run('caption', p.pictures[0], '--bank', p.bank, '--models', d, env=p.env, code=69, says=str(p.d))
        p.run(p.pictures[0], clip=DATA / 'clip.safetensors', code=69, says='braille cells')
        p.run(p.pictures[0], clip=DATA / 'hifigan-v3.safetensors', code=69, says='hifigan')
        p.run(p.pictures[0], clip=p.put('half.safetensors', MODEL.read_bytes()[:90000]), code=69, says='broken')
        p.run(p.pictures[0], clip=p.d / 'no.safetensors', code=69, says='no.safetensors')
        # values that are no numbers are found when their turn has come
        data = bytearray(MODEL.read_bytes())
        data[-40:] = b'\xff\x7f' * 20
        p.run(p.pictures[0], clip=p.put('nan.safetensors', bytes(data)), code=69, says='no number')
        require(not p.kept(), 'a failure left something behind', p.kept())
        # where import puts it, it is found
        (p.d / 'data/brailled/models').mkdir(parents=True)
        (p.d / 'data/brailled/models/chinese-clip.safetensors').symlink_to(MODEL)
        require(run('caption', p.pictures[0], '--bank', p.bank, env=p.env).text)


def case_speak():
    with folder() as d:
        p = Place(d)
        bank = p.put('one.txt', '你好。\n')
        out = p.d / 'best.wav'
        o = p.run(p.pictures[0], '-o', out, '--json', bank=bank).json
        require(o['texts'][0]['text'] == '你好。' and abs(o['texts'][0]['p'] - 1) < 1e-6 and o['pinyin'].startswith('ni'), o)
        require(sound_info(out)['frames'] > 4000 and o['audio_s'] > 0.2, o)
        r = p.run(p.pictures[0], '-o', '-', bank=bank)
        require(r.out[:4] == b'RIFF' and '你好。  (100.0 %' in r.error, r.error)
        p.run(p.pictures[0], '-o', p.d / 'x.mp3', bank=bank, code=64, says='.flac')
        p.run(p.pictures[0], '-o', p.d / 'no/x.wav', bank=bank, code=73)
        require(not [f for f in os.listdir(d) if f.startswith('x.')], os.listdir(d))


def case_interrupt():
    """Stopped while a large bank is compared: what is done is kept."""
    with folder() as d:
        p = Place(d)
        bank = p.put('large.txt', ''.join(f'猫坐在窗台上{i} hello world\n' for i in range(90000)))
        q = subprocess.Popen([str(CTL), 'caption', str(p.pictures[0]), '--bank', str(bank), '--clip', str(MODEL)], env=p.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + 200
        while not [f for f in p.kept() if f.suffix == '.f32']:
            require(q.poll() is None and time.monotonic() < end, q.poll())
            time.sleep(0.05)
        q.send_signal(signal.SIGINT)
        out, err = q.communicate(timeout=200)
        require(q.returncode == 130 and not out and b'interrupted' in err, q.returncode, err)
        require(all(f.suffix == '.f32' for f in p.kept()), p.kept())


main({k[5:]: v for k, v in globals().items() if k.startswith('case_')})
