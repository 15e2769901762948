#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-book.py CASE: pages drawn for the purpose, made into a book by braillectl. The sentences are those of tests/data/code-louis.tsv."""
import array
import difflib
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time
import wave

from harness import CTL, folder, main, no_bus, require, run, sound_info

SENTENCES = pathlib.Path(__file__).parent / '../data/code-louis.tsv'
COLUMNS, NUMBER = 26, '⠼⠁⠃'  # page 12
FAST = ('--local', '--rate', '4')  # a quarter of the work


def sentences(n):
    with open(SENTENCES, encoding='utf8') as f:
        found = [line.rstrip('\n').split('\t')[1:] for line in f if line.startswith('full\t')]
    return found[:n]


def wrap(braille):
    lines = ['']
    for word in braille.split('⠀'):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > COLUMNS:
            lines.append('')
        lines[-1] += '⠀' * (lines[-1] != '' and word != '') + word
    return lines


def paragraph(braille):
    first, *rest = wrap(braille)
    return ['⠀⠀' + first, *rest]


def centred(braille):
    return '⠀' * ((COLUMNS + 2 - len(braille)) // 2) + braille


def words(braille, n):
    return '⠀'.join(braille.split('⠀')[:n])


def draw(d, name, lines, verso=None):
    texts = []
    for side in (lines, verso):
        if side:
            texts.append(os.path.join(d, f'{name}-{len(texts)}.txt'))
            with open(texts[-1], 'w', encoding='utf8') as f:
                f.write('\n'.join(side) + '\n')
    more = ['--verso', texts[1]] if verso else []
    subprocess.run([os.environ['BRAILLE_DATASET'], 'render', '--page', texts[0], *more, '-o', os.path.join(d, name + '.png'), '--quiet'],
                   check=True, timeout=100)
    for text in texts:
        os.remove(text)


def draw_book(d):
    """Three sheets, one of them printed on both sides; the second sentence is cut between p1 and p2. -> the sentences' pinyin"""
    s = sentences(6)
    cut = wrap(s[1][0])
    draw(d, 'p1', [centred(words(s[5][0], 2)), '', *paragraph(s[0][0]), *paragraph(s[1][0])[:1]])
    draw(d, 'p2', [*cut[1:], *paragraph(s[3][0]), '⠀' * (COLUMNS - len(NUMBER)) + NUMBER], verso=[centred(words(s[4][0], 2)), '', *paragraph(s[2][0])])
    draw(d, 'p10', paragraph(s[4][0]))
    return [pinyin for _, pinyin in s]


def bare(pinyin):
    return re.sub('[^a-z]', '', pinyin)


def likeness(a, b):
    return difflib.SequenceMatcher(None, bare(a), bare(b), False).ratio()


def seconds(stamp):
    h, m, s = re.fullmatch(r'(\d\d+):(\d\d):(\d\d\.\d{3})', stamp).groups()
    return 3600 * int(h) + 60 * int(m) + float(s)


def cues(path):
    """[(start, end, Hanzi, pinyin)], and the notes."""
    with open(path, encoding='utf8') as f:
        head, *blocks = f.read().rstrip('\n').split('\n\n')
    require(head.startswith('WEBVTT'), head)
    found, notes = [], []
    for block in blocks:
        lines = block.split('\n')
        if lines[0].startswith('NOTE '):
            notes.append(lines[0][5:])
            continue
        start, end = lines[1].split(' --> ')
        require(len(lines) == 4 and lines[0] == str(len(found) + 1), lines)
        found.append((seconds(start), seconds(end), lines[2], lines[3]))
    return found, notes


def ogg_comments(path):
    """Of an Ogg Opus file (RFC 7845): the packets' bytes up to the end of the second one."""
    with open(path, 'rb') as f:
        data = f.read()
    packets, packet, at = [], b'', 0
    while len(packets) < 2:
        require(data[at:at + 4] == b'OggS', 'no Ogg page at', at)
        n = data[at + 26]
        body = at + 27 + n
        for size in data[at + 27:at + 27 + n]:
            packet += data[body:body + size]
            body += size
            if size < 255:
                packets.append(packet)
                packet = b''
        at = body
    require(packets[0][:8] == b'OpusHead' and packets[1][:8] == b'OpusTags', packets)
    tags, at, found = packets[1], 8, {}
    at += 4 + struct.unpack_from('<I', tags, at)[0]
    n, at = struct.unpack_from('<I', tags, at)[0], at + 4
    for _ in range(n):
        size = struct.unpack_from('<I', tags, at)[0]
        key, value = tags[at + 4:at + 4 + size].decode('utf8').split('=', 1)
        require(key not in found, key, 'stands twice')
        found[key] = value
        at += 4 + size
    return found


def chapters_of(path):
    tags = ogg_comments(path)
    n = sum(bool(re.fullmatch(r'CHAPTER\d{3}', key)) for key in tags)
    return tags.get('TITLE'), [(seconds(tags[f'CHAPTER{i:03}']), tags[f'CHAPTER{i:03}NAME']) for i in range(1, n + 1)]


def samples_of(path):
    with wave.open(path) as w:
        return array.array('h', w.readframes(w.getnframes()))


def case_whole():
    """Order, running text, chapters and cues of a book of three sheets."""
    with folder() as d:
        book = os.path.join(d, 'A Book')
        os.mkdir(book)
        truth = draw_book(book)
        out, vtt, wav = (os.path.join(d, 'out' + e) for e in ('.opus', '.vtt', '.wav'))
        o = run('convert', *FAST, book, '-o', out, '--json').json
        require(sorted(os.listdir(d)) == ['A Book', 'out.opus', 'out.vtt'], os.listdir(d))
        require(o['pages'] == 3 and o['skipped'] == [] and o['kept_sentences'] == 0 and not o['daemon'], o)
        found, notes = cues(vtt)
        require(notes == ['p1.png', 'p2.png', 'p10.png'], notes)
        # what is said: a heading, the sentences in their order, that between the pages in one piece, no page number
        want = [None, truth[0], truth[1], truth[3], None, truth[2], truth[4]]
        require(len(found) == len(want), len(found), 'sentences:', *found)
        for (_, _, hanzi, pinyin), pinyin_there in zip(found, want):
            require(pinyin_there is None or likeness(pinyin, pinyin_there) > 0.85, pinyin, 'is not', pinyin_there)
            require(re.search('[一-鿿]', hanzi), hanzi)
        require(o['text'].count('\n') == 6 and ' '.join(c[3] for c in found) == o['text'].replace('\n', ' '), o['text'])
        require('shi2er4' not in bare(o['text']) and likeness(o['pinyin'], o['text']) > 0.9, o['pinyin'])
        # chapters: of the headings, where their sentences begin
        title, chapters = chapters_of(out)
        require(title == 'A Book' and [t for t, _ in chapters] == [0, found[4][0]], title, chapters, found)
        require([name for _, name in chapters] == [found[0][2], found[4][2]], chapters)
        require([(round(c['start_s'], 3), c['title']) for c in o['chapters']] == chapters, o['chapters'], chapters)
        require(abs(sound_info(out)['frames'] / 16000 - o['audio_s']) < 0.001 and found[-1][1] <= o['audio_s'] + 0.001, o['audio_s'])
        if shutil.which('opusinfo'):
            told = subprocess.run(['opusinfo', out], capture_output=True, text=True)
            require(told.returncode == 0 and 'WARNING' not in told.stdout + told.stderr, told.stdout, told.stderr)
        # the same as a list in a shell's order, as WAV: silence between the cues, sound in them
        names = sorted(os.path.join(book, name) for name in os.listdir(book))
        r = run('convert', *FAST, *names, '-o', wav, '--vtt', os.path.join(d, 'other.vtt'), '--json', says='p1.png, p2.png')
        require('.opus has room' in r.error, r.error)
        again, _ = cues(os.path.join(d, 'other.vtt'))
        require([c[:2] for c in again] == [c[:2] for c in found], again)
        sound = samples_of(wav)
        require(len(sound) == round(16000 * r.json['audio_s']), len(sound))
        parts = [(round(16000 * a), round(16000 * b)) for a, b, *_ in found]
        for (a, b), (c, _) in zip(parts, parts[1:] + [(len(sound), 0)]):
            require(max(map(abs, sound[a:b])) > 1000, 'no sound from', a, 'to', b)
            require(not any(sound[b + 8:c - 8]), 'sound between the cues')  # their times are rounded to 16 samples
        require(parts[3][0] - parts[2][1] > 800 and parts[5][0] - parts[4][1] > 2 * 800, 'no pause at a paragraph, a heading')


def case_pages():
    """Pages as chapters, one page as a book, what is streamed and what is played."""
    with folder() as d:
        s = sentences(2)
        draw(d, 'a', paragraph(s[0][0]))
        draw(d, 'b', ['⠀' * (COLUMNS - len(NUMBER)) + NUMBER, *paragraph(s[1][0]), *paragraph(s[0][0])])
        a, b = (os.path.join(d, name + '.png') for name in 'ab')
        out = os.path.join(d, 'x.y.opus')
        # given in another order than a shell's: that order is meant
        o = run('convert', *FAST, b, a, '-o', out, '--title', 'T', '--chapters', 'pages', '--json').json
        title, chapters = chapters_of(out)
        require(title == 'T' and [name for _, name in chapters] == ['第12页', 'a'] and chapters[0][0] == 0, title, chapters)
        require(cues(os.path.join(d, 'x.y.vtt'))[1] == ['b.png', 'a.png'])
        config = os.path.join(d, 'alsa.conf')
        with open(config, 'w') as f:
            f.write('pcm.!default { type file slave.pcm { type null } file "%s/heard" format raw }\n' % d)
        r = run('convert', *FAST, b, a, '-o', '-', '--play', env=dict(no_bus(), ALSA_CONFIG_PATH=config))
        with open(os.path.join(d, 'heard'), 'rb') as f:
            require(r.out[:4] == b'RIFF' and f.read() == r.out[44:], 'what is heard is not what is streamed')
        require(len(r.out) - 44 == 2 * round(16000 * o['audio_s']), len(r.out), o['audio_s'])
        vtt = os.path.join(d, 'one.vtt')
        o = run('convert', *FAST, a, '-o', os.path.join(d, 'one.opus'), '--vtt', vtt, '--chapters', 'none', '--json').json
        require(o['chapters'] == [] and chapters_of(os.path.join(d, 'one.opus')) == ('one', []), o)
        require(likeness(cues(vtt)[0][0][3], s[0][1]) > 0.97)
        require(not [name for name in os.listdir(d) if 'part' in name], os.listdir(d))
        empty = os.path.join(d, 'empty')
        os.mkdir(empty)
        run('convert', empty, '-o', out, code=65, says='no picture')
        run('convert', a, b, '-o', os.path.join(d, 'no/x.wav'), code=73)
        run('convert', a, b, '-o', os.path.join(d, 'x.wav'), '--vtt', d, code=73, says='folder')
        run('say', '--pinyin', 'hao3', '--play', env=dict(no_bus(), ALSA_CONFIG_PATH='/dev/null'), code=69, says='-o OUT.wav')


def case_twice():
    """Sheets of which each side was scanned for itself hold every text twice: that is told."""
    with folder() as d:
        s = sentences(8)
        one, two = ([line for braille, _ in s[i:i + 3] for line in paragraph(braille)] for i in (0, 3))
        draw(d, 'a', one, verso=two)
        draw(d, 'b', two, verso=one)
        a, b = (os.path.join(d, name + '.png') for name in 'ab')
        r = run('convert', *FAST, a, b, '-o', os.path.join(d, 'x.wav'), '--json', says='--side recto says it once')
        once = run('convert', *FAST, a, b, '--side', 'recto', '-o', os.path.join(d, 'x.wav'), '--json')
        require('says it once' not in once.error and r.json['text'].count('hui2tou2') == 2 and once.json['text'].count('hui2tou2') == 1, once.json['text'])
        run('convert', *FAST, a, '--vtt', os.path.join(d, 'x.vtt'), '--side', 'verso', '-o', os.path.join(d, 'x.wav'))
        require(likeness(cues(os.path.join(d, 'x.vtt'))[0][0][3], s[3][1]) > 0.85)


def start(*args):
    return subprocess.Popen([str(CTL), 'convert', *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=no_bus())


def wait_for_lines(journal, n, p):
    """Until the journal has n lines, the head among them."""
    def lines():
        try:
            with open(journal, 'rb') as f:
                return f.read().count(b'\n')
        except FileNotFoundError:
            return 0
    end = time.monotonic() + 120
    while lines() < n:
        require(p.poll() is None and time.monotonic() < end, n, 'lines did not come:', p.poll())
        time.sleep(0.01)
    return n


def case_killed():
    """Killed again and again it ends with the same files as in one go; other options and pages begin anew."""
    with folder() as d:
        draw_book(d)
        pages = [os.path.join(d, f'p{i}.png') for i in (1, 2, 10)]
        whole, parts = os.path.join(d, 'whole.wav'), os.path.join(d, 'parts.wav')
        journal = parts + '.part.jsonl'
        title = ('--title', 'x')
        run('convert', *FAST, *pages, *title, '-o', whole)
        for n, sig in ((1, signal.SIGKILL), (2, signal.SIGKILL), (4, signal.SIGKILL), (6, signal.SIGTERM), (8, signal.SIGKILL)):
            p = start(*FAST, *pages, *title, '-o', parts)
            wait_for_lines(journal, n, p)
            if n == 4:
                run('convert', *FAST, *pages, '-o', parts, code=66, says='another process')
            p.send_signal(sig)
            error = p.communicate(timeout=60)[1].decode()
            require(p.returncode == (130 if sig == signal.SIGTERM else -sig), p.returncode, error)
            require(sig == signal.SIGKILL or 'the same command goes on' in error, error)
            require(not os.path.exists(parts) and not os.path.exists(os.path.join(d, 'parts.vtt')))
        with open(journal, 'ab') as f:
            f.write(b'{"say":"hal')
        with open(parts + '.part.s16', 'ab') as f:
            f.write(b'\1' * 4321)
        r = run('convert', *FAST, *pages, *title, '-o', parts, '--json', says='going on where it was')
        require(r.json['kept_sentences'] >= 3, r.json)
        with open(whole, 'rb') as a, open(parts, 'rb') as b:
            require(a.read() == b.read(), 'the samples are others')
        with open(os.path.join(d, 'whole.vtt')) as a, open(os.path.join(d, 'parts.vtt')) as b:
            require(a.read() == b.read(), 'the cues are others')
        require(sorted(os.listdir(d)) == ['p1.png', 'p10.png', 'p2.png', 'parts.vtt', 'parts.wav', 'whole.vtt', 'whole.wav'], os.listdir(d))


def case_anew():
    with folder() as d:
        s = sentences(2)
        draw(d, 'a', paragraph(s[0][0]))
        draw(d, 'b', paragraph(s[1][0]))
        a, b = (os.path.join(d, name + '.png') for name in 'ab')
        out = os.path.join(d, 'out.wav')
        journal = out + '.part.jsonl'

        def begin(word, *words):
            p = start('--local', *words, '-o', out)
            told = ''
            while word not in told:
                line = p.stderr.readline().decode()
                require(line, word, 'is not told in', told)
                told += line
            wait_for_lines(journal, 3, p)
            p.kill()
            p.communicate()
        begin('in this process', a, b)
        begin('other options', a, b, '--rate', '4')
        begin('other pages', a, a, '--rate', '4')
        shutil.copy(b, a)
        begin('other pages', a, a, '--rate', '4')
        with open(journal, 'r+b') as f:
            f.seek(0, 2)
            f.seek(f.tell() // 2)
            f.write(b'\n\n')
        run('convert', '--local', a, a, '--rate', '4', '-o', out, says='it is broken: the book begins anew')
        # nothing that is not ours is taken for a journal
        with open(journal, 'w') as f:
            f.write('mine\n')
        run('convert', a, b, '-o', out, code=73, says='something else')
        with open(journal) as f:
            require(f.read() == 'mine\n')
        os.remove(journal)
        # pages that cannot be read
        shutil.copy(SENTENCES, os.path.join(d, 'broken.png'))
        broken, missing = (os.path.join(d, name + '.png') for name in ('broken', 'missing'))
        run('convert', *FAST, a, broken, missing, b, '-o', out, code=65, says='broken.png')
        require(os.path.exists(journal), 'the page before is not kept')
        r = run('convert', *FAST, a, broken, missing, b, '-o', out, '--keep-going', '--json', says='going on where it was')
        require([os.path.basename(x['page']) for x in r.json['skipped']] == ['broken.png', 'missing.png'], r.json)
        require(r.json['pages'] == 4 and all(x['why'] for x in r.json['skipped']) and r.json['kept_sentences'] > 0, r.json)
        require(len(cues(os.path.join(d, 'out.vtt'))[0]) == 2)
        run('convert', *FAST, broken, missing, '-o', out, '-k', code=65, says='nothing to speak')


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
