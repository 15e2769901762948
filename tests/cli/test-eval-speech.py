#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-eval speech: its figures against the field's own packages, recognisers that go wrong, pictures, our voice."""
import csv
import importlib
import json
import math
import os
import pathlib
import random
import shlex
import signal
import stat
import struct
import subprocess
import sys
import time
import wave

from harness import folder, main, need, require, skip

EVAL, PITCH = os.environ['BRAILLE_EVAL'], os.environ['PITCH_INFO']
CORPUS = pathlib.Path(os.environ.get('SPEECH_CORPUS', '/nonexistent'))
RATE = 16000


def evaluate(*words, code=0, says=''):
    p = subprocess.run([EVAL, 'speech', *map(str, words)], capture_output=True, timeout=250)
    error = p.stderr.decode()
    require(p.returncode == code and says in error, words, 'ended with', p.returncode, error[-400:])
    require(code == 0 or error.strip().splitlines()[-1].startswith('braille-eval speech: '), 'no word about the failure', error)
    return p.stdout.decode()


def as_json(*words):
    return json.loads(evaluate(*words, '--json'))


def sound(path, samples):
    with wave.open(str(path), 'wb') as f:
        f.setparams((1, 2, RATE, 0, 'NONE', None))
        f.writeframes(struct.pack(f'<{len(samples)}h', *(round(32767 * max(-1, min(1, x))) for x in samples)))
    return path


def vowels(lot, syllables=4, stretch=1.0, level=0.1):
    """Something like speech: buzzes with moving pitch and two formants, noise and silence between them."""
    out, phase = [0.0] * 1600, 0.0
    for _ in range(syllables):
        start, end, (f1, f2), n = lot.uniform(120, 260), lot.uniform(120, 260), lot.choice(((300, 2200), (700, 1200), (500, 900))), int(3200 * stretch)
        for i in range(n):
            hz = start + (end - start) * i / n
            phase += 2 * math.pi * hz / RATE
            out.append(level * math.sin(math.pi * i / n) * sum(
                math.sin(h * phase) * (1 / (1 + ((h * hz - f1) / 120) ** 2) + 0.5 / (1 + ((h * hz - f2) / 200) ** 2) + 0.01) for h in range(1, int(7500 / hz))))
        out += [lot.uniform(-1, 1) * level / 10 for _ in range(800)] + [0.0] * 800
    return out


def command(path, *lines):
    """A recogniser of the test: Python that has the file's id as `name`."""
    path.write_text('\n'.join([f'#!{sys.executable}', 'import pathlib, sys, time, os', *lines, '']))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def listed(tmp, sentences):
    path = tmp / 'list.tsv'
    path.write_text(''.join(f'{i}\t{h}\t{p}\n' for i, h, p in sentences))
    (tmp / 'speech').mkdir(exist_ok=True)
    for i, _, _ in sentences:
        sound(tmp / 'speech' / f'{i}.wav', [0.1 * math.sin(k / 10) for k in range(1600)])
    return path


def telling(tmp, texts, batch=False):
    """A recogniser that answers what the test wants, and the option for it."""
    (tmp / 'texts.json').write_text(json.dumps(texts))
    tell = f'texts = __import__("json").loads(pathlib.Path({str(tmp / "texts.json")!r}).read_text())'
    if batch:
        c = command(tmp / 'batch', tell, 'for line in sys.stdin: print(texts[pathlib.Path(line.strip()).stem])')
        return '--recogniser-batch', shlex.quote(str(c))
    c = command(tmp / 'each', tell, 'print(texts[pathlib.Path(sys.argv[2]).stem])')
    return '--recogniser', f'{shlex.quote(str(c))} --file {{wav}}'



def case_jiwer():
    """Random errors in pinyin: the counts are those of jiwer, corpus and mean of the sentences."""
    jiwer = need('jiwer')
    lot = random.Random(1)
    stock = 'ni3 hao3 zhong1 guo2 ren2 min2 shi4 jie4 da4 xue2 lv4 nv3 zhi1 er2 yi1 wu3 yuan2 xiong2 quan2 de5 le5 a1'.split()
    want, got = {}, {}
    for i in range(60):
        words = [lot.choice(stock) for _ in range(lot.randrange(1, 20))]
        heard = []
        for w in words:
            dice = lot.random()
            heard += ([] if dice < 0.1 else [lot.choice(stock)] if dice < 0.2 else [w, lot.choice(stock)] if dice < 0.3
                      else [w[:-1] + str(lot.randrange(1, 6))] if dice < 0.4 else [w])
        want[f's{i}'], got[f's{i}'] = ' '.join(words), ' '.join(heard) if i else ''
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        lists = listed(tmp, [(k, '', v) for k, v in want.items()])
        bare = [[''.join(c for c in text if not c.isdigit()) for text in d.values()] for d in (want, got)]
        for batch in (False, True):
            r = as_json(lists, '--speech', tmp / 'speech', *telling(tmp, got, batch), '-v')
            require(abs(r['ser'] - jiwer.wer(*bare)) < 1e-6, r['ser'], jiwer.wer(*bare))
            require(abs(r['ser_toned'] - jiwer.wer(list(want.values()), list(got.values()))) < 1e-6, r['ser_toned'])
            macro = sum(jiwer.wer(a, b) for a, b in zip(*bare)) / len(want)
            require(abs(r['ser_macro'] - macro) < 1e-6, r['ser_macro'], macro)
            macro = sum(jiwer.wer(a, b) for a, b in zip(want.values(), got.values())) / len(want)
            require(abs(r['ser_toned_macro'] - macro) < 1e-6, r['ser_toned_macro'], macro)
            require(r['n'] == 60 and r['missing'] == 0 and r['ser'] > 0.2 and r['ser_toned'] > r['ser'], r)
            require([s['heard'].strip() for s in r['sentences']] == list(got.values()), r['sentences'][:3])
            require(r['mcd_dtw'] is None and r['rtf'] is None and r['fad'] is None, r)


def case_hanzi():
    """Hanzi are compared as they sound: digits are words, other characters of the same sound are right."""
    sentences = [('a', '中国有五十个人。', ''), ('b', '他们在看书', 'ta1men5 zai4 kan4shu1'), ('c', '北京', ''), ('d', '你好', '')]
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        lists = listed(tmp, sentences)

        def counts(**texts):
            r = as_json(lists, '--speech', tmp / 'speech', *telling(tmp, texts), '-v')
            return [(s['syllables'], s['wrong'], s['wrong_toned']) for s in r['sentences']]
        right = dict(a='中国，有50个人', b='她们在看书。', c='北京！', d='你好')
        require(counts(**right) == [(7, 0, 0), (5, 0, 0), (2, 0, 0), (2, 0, 0)], counts(**right))
        got = counts(**{**right, 'a': '种过有五个人', 'b': 'ta1men5 zai4 kan1 shu1 le5', 'c': '', 'd': '泥好吗'})
        require(got == [(7, 1, 3), (5, 1, 2), (2, 2, 2), (2, 1, 2)], got)
        (tmp / 'speech/d.wav').unlink()
        got = counts(**right)
        require(got[3] == (2, 2, 2), 'speech that is not there counts as wrong:', got)


def case_errors():
    """What goes wrong is named, and nothing hangs."""
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        lists = listed(tmp, [('a', '你好', 'ni2hao3'), ('b', '你好', 'ni2hao3')])
        base = (lists, '--speech', tmp / 'speech')

        def bad(*lines, code, says, option='--recogniser', end=' {wav}', more=()):
            evaluate(*base, option, str(command(tmp / 'bad', *lines)) + end, *more, code=code, says=says)
        evaluate(*base, '--recogniser', '/nonexistent/r {wav}', code=69, says='/nonexistent/r')
        evaluate(*base, '--recogniser', 'true', code=64, says='{wav}')
        evaluate(*base, '--recogniser', '', code=64, says='empty')
        evaluate(*base, '--recogniser', 'a "b {wav}', code=64, says='quote')
        bad('sys.exit(3)', code=69, says='exit code 3')
        bad('os.kill(os.getpid(), 9)', code=69, says='signal 9')
        bad('sys.stdout.buffer.write(b"\\xc4\\xe3\\xba\\xc3")', code=65, says='UTF-8')
        bad('print("x\\0y")', code=65, says='UTF-8')
        bad('print("x" * 2000000)', code=69, says='1 MiB')
        bad('time.sleep(1000)', code=69, says='--timeout', more=('--timeout', '0.5'))
        bad('os.close(1)', 'time.sleep(1000)', code=69, says='--timeout', more=('--timeout', '0.5'))
        bad('if os.fork() == 0: time.sleep(1000)', code=69, says='--timeout', more=('--timeout', '0.5'))  # a child keeps the pipe
        batch = dict(option='--recogniser-batch', end='')
        bad('print("你好")', code=69, says='1 lines for 2 files', **batch)
        bad('print("\\n" * 5)', code=69, says='lines for 2 files', **batch)
        bad('for line in sys.stdin: print("你好", flush=True); time.sleep(1000)', code=69, says='--timeout', more=('--timeout', '0.5'), **batch)
        bad('print("ni3hao7q")', code=65, says="'a'", )
        silent = as_json(*base, '--recogniser', str(command(tmp / 'bad', '')) + ' {wav}')
        require(silent['ser'] == silent['ser_toned'] == 1, silent)
        evaluate(tmp / 'none.tsv', '--speech', tmp / 'speech', code=66, says='none.tsv')
        evaluate(lists, '--speech', tmp / 'none', code=66, says='none')
        evaluate(*base, '--reference', tmp, code=66, says='a.wav')
        (tmp / 'speech/a.wav').write_text('no sound')
        evaluate(*base, code=65, says='a.wav')
        sound(tmp / 'speech/a.wav', [0.0] * 16000)
        evaluate(*base, '--reference', tmp / 'speech', code=65, says='silent')
        for text in ('', 'a\n', 'a\t你好\n', '../a\t你好\tni3hao3\n', 'a\t\t\n', 'a\tb\tc\td\n', 'a\t你好\tni3\0\n'):
            (tmp / 'bad.tsv').write_text(text)
            evaluate(tmp / 'bad.tsv', '--speech', tmp / 'speech', code=65, says='bad.tsv')
        for words in ((), (lists, lists), (lists, '--rate', '9'), (lists, '--rate', 'x'), (lists, '--plots', tmp), (lists, '-n', '0'),
                      (*base, '--text'), (*base, '--speech-embeddings', 'x'), (*base, '--recogniser', 'a {wav}', '--recogniser-batch', 'a'), (lists, '--nonsense')):
            evaluate(*words, code=64)


def case_interrupt():
    """SIGINT ends a recogniser that hangs, with all that it started."""
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        lists = listed(tmp, [('a', '你好', 'ni2hao3')])
        c = command(tmp / 'hang', f'pathlib.Path({str(tmp / "pid")!r}).write_text(str(os.getpid()))', 'time.sleep(1000)')
        p = subprocess.Popen([EVAL, 'speech', lists, '--speech', tmp / 'speech', '--recogniser', f'{c} {{wav}}'], stderr=subprocess.PIPE)
        while not (tmp / 'pid').exists() or not (tmp / 'pid').read_text():
            time.sleep(0.05)
        p.send_signal(signal.SIGINT)
        _, error = p.communicate(timeout=60)
        require(p.returncode == 130 and b'stopped' in error, p.returncode, error)
        pid = int((tmp / 'pid').read_text())
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        raise AssertionError('the recogniser still runs')


def case_same():
    """A recording is like itself; a louder one too, but for --as-is; what is slower is told as slower."""
    lot = random.Random(2)
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        lists = listed(tmp, [('a', '你好', 'ni2hao3'), ('b', '你好', 'ni2hao3')])
        for name in ('reference', 'loud', 'slow'):
            (tmp / name).mkdir()
        for i in 'ab':
            x, state = None, lot.getstate()
            x = vowels(lot)
            sound(tmp / 'reference' / f'{i}.wav', x)
            sound(tmp / 'loud' / f'{i}.wav', [2 * s for s in x])
            lot.setstate(state)
            sound(tmp / 'slow' / f'{i}.wav', vowels(lot, stretch=2))
        same = as_json(lists, '--speech', tmp / 'reference', '--reference', tmp / 'reference')
        require(same['mcd_dtw'] == same['mcd_dtw_24'] == same['f0_rmse'] == 0 and abs(same['f0_corr'] - 1) < 1e-6, same)
        require(same['duration_error_s'] == 0 and same['fad'] < 1e-6 and same['level_db'] == 0 and same['duration_ratio'] == 1, same)
        loud = as_json(lists, '--speech', tmp / 'loud', '--reference', tmp / 'reference')
        require(loud['mcd_dtw'] < 0.2 and abs(loud['level_db'] - 6.02) < 0.1 and loud['mcd_dtw_24'] < 0.4, loud)
        as_is = as_json(lists, '--speech', tmp / 'loud', '--reference', tmp / 'reference', '--as-is')
        require(as_is['mcd_dtw'] > 3 * loud['mcd_dtw'] + 1, as_is)
        slow = as_json(lists, '--speech', tmp / 'slow', '--reference', tmp / 'reference')
        require(slow['duration_ratio'] > 1.4 and slow['duration_error'] > 0.4 and slow['f0_corr'] > 0.9, slow)
        half = as_json(lists, '--speech', tmp / 'slow', '--reference', tmp / 'reference', '--rate', '0.5')
        require(abs(half['duration_ratio'] / slow['duration_ratio'] - 0.5) < 1e-3, half)




def compare_packages(lists, reference, speech, most):
    """The MCD of each sentence against pymcd's. @return pairs of ours and theirs"""
    pymcd = need('pymcd.mcd')
    pymcd.fastdtw = need('fastdtw.fastdtw').fastdtw  # its compiled form, which is there or not by chance, takes other paths where steps tie
    mcd, pairs = pymcd.Calculate_MCD('dtw'), []
    got = as_json(lists, '--speech', speech, '--reference', reference, '--as-is', '-v')
    for s in got['sentences']:
        a, b = (next(p for p in (d / f'{s["id"]}.wav', d / f'{s["id"]}.flac') if p.exists()) for d in (reference, speech))
        want = mcd.calculate_mcd(str(a), str(b))
        require(abs(s['mcd_dtw'] - want) < most * want + 0.02, s['id'], 'MCD', s['mcd_dtw'], 'pymcd', want)
        pairs.append((s['mcd_dtw'], want))
    require(abs(got['mcd_dtw'] - sum(p[0] for p in pairs) / len(pairs)) < 1e-4, got['mcd_dtw'])
    return pairs


def case_pymcd():
    """Sounds that are made here and coloured by a filter, which all of the difference comes from: MCD within 5 % of pymcd's."""
    lot = random.Random(3)
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        names = [f's{i}' for i in range(4)]
        lists = listed(tmp, [(n, '你好', 'ni2hao3') for n in names])
        (tmp / 'reference').mkdir()
        for n in names:
            x, b = vowels(lot), lot.choice((-0.7, -0.3, 0.3, 0.7))
            sound(tmp / 'reference' / f'{n}.wav', x)
            sound(tmp / 'speech' / f'{n}.wav', [0.7 * (now + b * before) for before, now in zip([0, *x], x)])
        pairs = compare_packages(lists, tmp / 'reference', tmp / 'speech', 0.05)
        require(all(want > 0.3 for _, want in pairs), 'the cases hardly differ', pairs)


def case_frechet():
    """The distance of Gaussians against the formula of frechet_audio_distance (scipy's root of a matrix), from .npy and text."""
    np = need('numpy')
    linalg = need('scipy.linalg')
    lot = np.random.default_rng(4)
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        lists = listed(tmp, [('a', '你好', 'ni2hao3')])

        def distance(a, b, **more):
            return as_json(lists, '--speech', tmp / 'speech', '--reference-embeddings', a, '--speech-embeddings', b, **more)
        for dim, n in ((1, 50), (3, 40), (32, 200), (128, 300), (128, 60)):
            mix = lot.normal(size=(dim, dim))
            a, b = lot.normal(size=(n, dim)) @ mix, lot.normal(size=(n + 7, dim)) * 1.5 + 0.3
            ca, cb = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
            root = linalg.sqrtm(ca @ cb + (np.eye(dim) * 1e-9 if n < dim else 0)).real
            want = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * np.trace(root)
            np.save(tmp / 'a.npy', a)
            np.save(tmp / 'b.npy', b.astype(np.float32))
            np.savetxt(tmp / 'a.csv', a, delimiter=',')
            for first in ('a.npy', 'a.csv'):
                r = distance(tmp / first, tmp / 'b.npy')
                require(abs(r['fad'] - want) < 1e-4 * max(want, 1) and r['fad_embedding'] == 'given', dim, n, r['fad'], want)
        np.save(tmp / 'c.npy', lot.normal(size=(9, 5)))
        np.save(tmp / 'f.npy', np.asfortranarray(lot.normal(size=(9, 5))))
        np.save(tmp / 'i.npy', np.zeros((9, 5), int))
        np.save(tmp / 'n.npy', np.full((9, 5), np.nan))
        np.save(tmp / 'three.npy', np.zeros((9, 5, 2)))
        whole = (tmp / 'a.npy').read_bytes()
        for name, data in (('cut.npy', whole[:-9]), ('head.npy', whole[:40]), ('tiny.npy', whole[:8]), ('text', b'1 2\n3\n'), ('word', b'1 x\n2 3\n'),
                           ('one', b'1 2\n'), ('zero', b'1 2\n\0')):
            (tmp / name).write_bytes(data)
        for name in ('f.npy', 'i.npy', 'n.npy', 'three.npy', 'cut.npy', 'head.npy', 'tiny.npy', 'text', 'word', 'one', 'zero', 'c.npy'):
            evaluate(lists, '--speech', tmp / 'speech', '--reference-embeddings', tmp / name, '--speech-embeddings', tmp / 'b.npy', code=65)
        evaluate(lists, '--speech', tmp / 'speech', '--reference-embeddings', tmp / 'none', '--speech-embeddings', tmp / 'b.npy', code=66)


def case_fad():
    """The distance against numbers that frechet_audio_distance itself gave (frechet-golden.py)."""
    golden = importlib.import_module('frechet-golden')
    package = json.loads((pathlib.Path(__file__).parents[1] / 'data/frechet.json').read_text())
    with folder() as tmp:
        tmp, worst = pathlib.Path(tmp), 0
        lists = listed(tmp, [('a', '你好', 'ni2hao3')])
        require(len(package['values']) == len(golden.CASES), package)
        for i, want in enumerate(package['values']):
            for name, matrix in zip('ab', golden.case(i)):
                (tmp / name).write_text(''.join(' '.join(map(repr, row)) + '\n' for row in matrix))
            r = as_json(lists, '--speech', tmp / 'speech', '--reference-embeddings', tmp / 'a', '--speech-embeddings', tmp / 'b')
            worst = max(worst, abs(r['fad'] / want - 1))
            require(worst < 1e-6, golden.CASES[i], r['fad'], want)
        print('at most', worst, 'of the value from', package['package'])


def case_files():
    """CSV, pictures, only some sentences."""
    lot = random.Random(5)
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        lists = listed(tmp, [(n, '你好', 'ni2hao3') for n in 'abc'])
        (tmp / 'reference').mkdir()
        for n in 'abc':
            sound(tmp / 'speech' / f'{n}.wav', vowels(lot, 2))
            sound(tmp / 'reference' / f'{n}.wav', vowels(lot, 3))
        out = evaluate(lists, '-n', 2, '--speech', tmp / 'speech', '--reference', tmp / 'reference', '--plots', tmp / 'plots', '--csv', tmp / 'x.csv',
                       *telling(tmp, {'a': '你"好",', 'b': ''}))
        require('MCD-DTW' in out and 'sentences: 2' in out, out)
        rows = list(csv.DictReader((tmp / 'x.csv').open(newline='')))
        require([r['id'] for r in rows] == ['a', 'b'] and rows[0]['heard'].strip() == '你"好",' and rows[1]['wrong'] == '2', rows)
        require(float(rows[0]['mcd_dtw']) > 0 and rows[0]['first_sound_ms'] == '', rows)
        require(sorted(p.name for p in (tmp / 'plots').iterdir()) == ['a.png', 'b.png'])
        data = (tmp / 'plots/a.png').read_bytes()
        width, height = struct.unpack('>II', data[16:24])
        require(data[:8] == b'\x89PNG\r\n\x1a\n' and width > 300 and height > 700, width, height)
        require(evaluate(lists, '--speech', tmp / 'speech', '--csv', '-').startswith('id,missing,'))
        evaluate(lists, '--speech', tmp / 'speech', '--csv', tmp / 'none/x.csv', code=73, says='x.csv')
        evaluate(lists, '--speech', tmp / 'speech', '--reference', tmp / 'reference', '--plots', tmp / 'none/x', code=73)


SENTENCES = [('x1', '今天天气很好，我们去公园吧。', 'jin1tian1 tian1qi4 hen2hao3 ， wo3men5 qu4 gong1yuan2 ba5 。'), ('x2', '他在北京读书。', 'ta1 zai4 bei3jing1 du2shu1 。')]


def case_voice():
    """Our voice in this process: sound, times, memory; the temporary folder goes."""
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        (tmp / 'list.tsv').write_text(''.join('\t'.join(s) + '\n' for s in SENTENCES))
        (tmp / 'tmp').mkdir()
        os.environ['TMPDIR'] = str(tmp / 'tmp')
        r = as_json(tmp / 'list.tsv', '--save', tmp / 'ours', '-v')
        require(sorted(p.name for p in (tmp / 'ours').iterdir()) == ['x1.wav', 'x2.wav'])
        require(r['rtf'] > 0 and 0 < r['first_sound_ms'] <= r['first_sound_p95_ms'] and r['memory_mb'] > 20 and r['device'], r)
        for s in r['sentences']:
            require(s['first_sound_ms'] <= s['total_ms'] and s['speech_s'] > 1, s)
        again = as_json(tmp / 'list.tsv', '--reference', tmp / 'ours', '--rate', '2', *telling(tmp, {s[0]: s[1] for s in SENTENCES}))
        require(again['ser'] == again['ser_toned'] == 0 and again['rate'] == 2, again)
        require(0.8 < again['duration_ratio'] < 1.2, 'twice as fast is half as long:', again)
        text = as_json(tmp / 'list.tsv', '--reference', tmp / 'ours', '--text')
        require(0.8 < text['duration_ratio'] < 1.25 and text['mcd_dtw'] < again['mcd_dtw'], text, again)
        require(not list((tmp / 'tmp').iterdir()), 'files are left in TMPDIR')
        evaluate(tmp / 'list.tsv', '--voice', 'nobody', code=64, says='nobody')
        evaluate(tmp / 'list.tsv', '--models', tmp, code=69)
        (tmp / 'list.tsv').write_text('a\t你好\t\n')
        evaluate(tmp / 'list.tsv', code=65, says='pinyin')


def corpus(every):
    if not (CORPUS / 'heldout.tsv').exists():
        skip(f'NO CORPUS {CORPUS}: this was NOT tested')
    return (CORPUS / 'heldout.tsv').read_text().splitlines()[::every]


def case_pitch():
    """The pitch of real sentences is that of WORLD (DIO and StoneMask): voiced where it is, within half a semitone."""
    np, pyworld, soundfile = need('numpy'), need('pyworld'), need('soundfile')
    for line in corpus(10):
        path = CORPUS / 'audio' / f'{line.split()[0]}.flac'
        ours = np.array([float(x) for x in subprocess.run([PITCH, path], check=True, capture_output=True).stdout.split()])
        x, rate = soundfile.read(path)
        f0, t = pyworld.dio(x, rate, f0_floor=65, f0_ceil=600, frame_period=5.0)
        f0 = pyworld.stonemask(x, f0, t, rate)
        require(abs(len(f0) - len(ours)) <= 1, len(f0), len(ours))
        a, b = ours[:len(f0)], f0[:len(ours)]
        both = (a > 0) & (b > 0)
        cents = np.abs(1200 * np.log2(a[both] / b[both]))
        voicing, near = ((a > 0) == (b > 0)).mean(), (cents < 50).mean()
        print(f'{path.stem}: voicing as WORLD in {100 * voicing:.1f} %, of {both.sum()} voiced in both {100 * near:.1f} % within 50 cents, median {np.median(cents):.1f}')
        require(both.sum() > 100 and voicing > 0.9 and near > 0.85 and np.median(cents) < 15, path)


def case_corpus():
    """Our voice against the teacher, sentence by sentence: pymcd says the same, and orders the sentences alike."""
    np = need('numpy')
    need('pymcd.mcd')
    lines = corpus(8)
    with folder() as tmp:
        tmp = pathlib.Path(tmp)
        (tmp / 'list.tsv').write_text('\n'.join(lines) + '\n')
        evaluate(tmp / 'list.tsv', '--save', tmp / 'ours')
        pairs = compare_packages(tmp / 'list.tsv', CORPUS / 'audio', tmp / 'ours', 0.05)
        corr, mean = np.corrcoef(np.array(pairs).T)[0, 1], np.mean(pairs, 0)
        off = max(abs(a - b) / b for a, b in pairs)
        print(f'{len(pairs)} pairs: MCD {mean[0]:.3f}, pymcd {mean[1]:.3f}, off by {100 * off:.1f} % at most, correlation {corr:.4f}')
        require(corr > 0.98, corr, pairs)


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
