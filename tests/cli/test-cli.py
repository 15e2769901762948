#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl from outside: exit codes, streams, files. docs/contracts.md is what it is held to."""
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import wave

from harness import (CTL, folder, main, need_page, no_bus, png, require, run, skip, sound_info)

NOW = ('convert', 'read', 'say', 'devices', 'prepare', 'voices', 'scan', 'button', 'metrics', 'import', 'caption')
LATER = ('find',)
SHORT = 'ni3hao3。'


def files_in(path):
    return sorted(os.listdir(path))


def case_help():
    general = run('--help').text
    for name in NOW + LATER:
        require(re.search(rf'^  {name} ', general, re.M), name, 'is not listed')
        r = run(name, '--help')
        require(r.text.startswith(f'Usage: braillectl {name}'), r.text)
        require(not r.err, 'help belongs on standard output:', r.error)
    for option in ('--device', '--models', '--json', '--quiet', '--verbose', '--version', '--help', '--local'):
        require(option in general and option in run('read', '--help').text, option, 'is not told')
    require(re.fullmatch(r'braillectl \d+\.\d+\.\d+\n', run('--version').text))
    require(run('say', '--version').text == run('--version').text)
    require('text' in run('read', '--help').text and 'hanzi' in run('read', '--help').text)


def case_usage():
    run(code=64)
    run('reed', 'x.png', code=64, says="'reed'")
    run('read', code=64)
    run('read', 'a', 'b', '--format', 'dsbi', code=64)
    run('--nonsense', code=64, says='--nonsense')
    run('read', '--nonsense', 'x', code=64, says='--nonsense')
    run('read', '-z', 'x', code=64, says="'-z'")
    run('read', 'x', '--format', code=64, says='--format')
    run('read', 'x', '--format', 'pdf', code=64, says='unicode')
    run('read', 'x', '--orientation', '45', code=64, says='270')
    run('read', 'x', '--dpi', 'many', code=64, says='--dpi')
    run('convert', 'x', code=64, says='-o')
    run('convert', '-o', 'x.wav', code=64)
    run('convert', 'x', '-o', 'x.mp3', code=64, says='.flac')
    run('convert', 'x', '-o', '-', '--json', code=64, says='standard output')
    run('say', '-o', 'x.wav', '--pinyin', SHORT, '--ssml', code=64, says='--ssml')
    run('say', '-o', 'x.wav', '--pinyin', SHORT, 'word', code=64, says='choose one')
    run('say', '-o', 'x.wav', '--file', 'x.txt', 'word', code=64, says='choose one')
    run('say', '--pinyin', SHORT, code=64, says='--play')
    run('say', '--pinyin', SHORT, '-o', 'x.wav', '--voice', 'nobody', code=64, says='nobody')
    run('say', '--pinyin', SHORT, '-o', 'x.wav', '--volume', '9', code=64, says='--volume')
    run('convert', 'x', 'y', '-o', 'x.mp3', code=64, says='.flac')
    run('convert', 'x', '-', '-o', 'x.wav', code=64, says='standard input')
    run('convert', 'x', 'y', '-o', 'x.wav', '--chapters', 'some', code=64, says='headings')
    run('voices', 'x', code=64)
    for rate in ('0', '0.3', '-1', 'nan', 'inf', '1e9', ''):
        run('say', '--pinyin', SHORT, '-o', 'x.wav', '--rate', rate, code=64, says='--rate')
    require(not os.path.exists('x.wav'))
    for name in LATER:
        run(name, code=69, says='not')


def case_inputs():
    page = need_page()
    with folder() as d:
        def put(name, data):
            path = os.path.join(d, name)
            with open(path, 'wb') as f:
                f.write(data)
            return path
        with open(page, 'rb') as f:
            whole = f.read()
        os.mkdir(os.path.join(d, 'nothing'))
        run('read', os.path.join(d, 'nothing'), code=66, says='folder')
        run('convert', '-o', os.path.join(d, 'out.wav'), os.path.join(d, 'nothing'), code=65, says='nothing')
        for command in (('read',), ('convert', '-o', os.path.join(d, 'out.wav'))):
            run(*command, os.path.join(d, 'missing.png'), code=66, says='missing.png')
            run(*command, put('text.png', b'not a picture\n' * 50), code=65, says='text.png')
            run(*command, put('empty.png', b''), code=65, says='empty.png')
            run(*command, put('cut.png', whole[:len(whole) // 2]), code=65, says='cut.png')
            run(*command, put('huge.png', png(8, 8, claim=(60000, 60000))), code=65, says='huge.png')
            run(*command, put('white.png', png(1240, 1754)), code=65, says='braille')
            run(*command, '-', stdin=b'', code=65)
        require('out.wav' not in files_in(d), files_in(d))
        require(not [f for f in files_in(d) if f.startswith('out.')], files_in(d))
        if os.geteuid() != 0:
            os.chmod(put('closed.png', whole), 0)
            run('read', os.path.join(d, 'closed.png'), code=66, says='closed.png')


def case_device():
    page = need_page()
    none = dict(no_bus(), VK_ICD_FILENAMES='/nonexistent', VK_DRIVER_FILES='/nonexistent')
    with folder() as d:
        out = os.path.join(d, 'out.wav')
        for words in (('devices',), ('prepare',), ('read', page), ('convert', page, '-o', out),
                      ('say', '--pinyin', SHORT, '-o', out)):
            run(*words, env=none, code=69, says='mesa-vulkan-drivers')
        run('read', page, '--device', 'no such device', code=69, says='no such device')
        run('read', page, '--device', '99', code=69, says='99')
        run('read', page, '--models', d, code=69, says=d)
        run('say', '--pinyin', SHORT, '-o', out, '--models', d, code=69, says=d)
        require(files_in(d) == [], files_in(d))
    listed = run('devices', '--json').json['devices']
    require(listed and all({'index', 'name', 'type', 'driver', 'memory_bytes', 'usable'} <= set(x) for x in listed))
    require(listed[0]['name'] in run('devices').text)
    r = run('prepare', '--json', '--device', '0')
    require(r.json['device'] == listed[0]['name'] and r.json['daemon'] is False, r.json)
    require(listed[0]['name'] in r.error and 'in this process' in r.error, r.error)


def full_disk(words, d):
    """Once by a limit on file sizes, and on a small tmpfs where one may be mounted."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    run(*words, '-o', os.path.join(d, 'out.wav'), preexec=limit, code=74, says='out.wav')
    require(files_in(d) == [], files_in(d))
    if os.geteuid() == 0 and subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=16k', 'none', d],
                                            capture_output=True).returncode == 0:
        try:
            run(*words, '-o', os.path.join(d, 'full.wav'), code=74, says='free some space')
            require(files_in(d) == [], files_in(d))
        finally:
            subprocess.run(['umount', d], check=True)
    else:
        print('no tmpfs may be mounted here: that part is left out')


def case_outputs():
    say = ('say', '--pinyin', SHORT)
    with folder() as d:
        run(*say, '-o', os.path.join(d, 'no/folder/out.wav'), code=73, says='no/folder')
        for name in ('dir.wav', 'dir.txt'):
            os.mkdir(os.path.join(d, name))
        began = time.monotonic()
        run(*say, '-o', os.path.join(d, 'dir.wav'), code=73, says='folder')
        run('convert', need_page(), '-o', os.path.join(d, 'out.wav'), '--text', os.path.join(d, 'dir.txt'), code=73,
            says='folder')
        require(time.monotonic() - began < 5, 'told only after the work')
        for name in ('dir.wav', 'dir.txt'):
            os.rmdir(os.path.join(d, name))
        require(files_in(d) == [], files_in(d))
        full_disk(say, d)
        with open('/dev/full', 'wb') as full:
            run(*say, '-o', '-', stdout=full, code=74)
            run('devices', stdout=full, code=74)
            run('--help', stdout=full, code=74)
        if os.geteuid() != 0:
            os.chmod(d, 0o500)
            run(*say, '-o', os.path.join(d, 'out.wav'), code=73)
            os.chmod(d, 0o700)
        old = os.path.join(d, 'old.wav')
        with open(old, 'w') as f:
            f.write('old')
        run('say', '--pinyin', 'xyz9', '-o', old, code=65, says='xyz9')
        with open(old) as f:
            require(f.read() == 'old', 'a failure touched the file that was there')
        require(files_in(d) == ['old.wav'], files_in(d))
        # a link keeps leading to the file, and what is no file stays what it is
        os.symlink('old.wav', os.path.join(d, 'link.wav'))
        run(*say, '-o', os.path.join(d, 'link.wav'))
        require(os.readlink(os.path.join(d, 'link.wav')) == 'old.wav' and sound_info(old)['frames'] > 0)
        os.mkfifo(os.path.join(d, 'fifo.wav'))
        reader = subprocess.Popen(['cat', os.path.join(d, 'fifo.wav')], stdout=subprocess.PIPE)
        run(*say, '-o', os.path.join(d, 'fifo.wav'))
        require(reader.communicate()[0][:4] == b'RIFF')
        require(files_in(d) == ['fifo.wav', 'link.wav', 'old.wav'], files_in(d))


def check_cell(c, page):
    require(set(c) == {'side', 'row', 'column', 'box', 'dots', 'p'}, c)
    require(re.fullmatch('[1-6]+', c['dots']) and sorted(set(c['dots'])) == list(c['dots']), c)
    x, y, w, h = c['box']
    require(w > 0 and h > 0 and 0 <= x < page['width'] and 0 <= y < page['height'], c)
    require(c['row'] >= 0 and c['column'] >= 0 and -1 <= c['p'] <= 1.0001, c)


def case_truth():
    """The sample page is drawn: its truth is known to the dot, and both sides can be read from it."""
    path = need_page()
    truth = {'recto': set(), 'verso': set()}
    with open(path.removesuffix('.png') + '.tsv') as f:
        for line in f:
            if not line.startswith('#'):
                side, row, column, dots = line.split('\t')[:4]
                truth[side].add((int(row), int(column), dots))
    for side, cells in truth.items():
        o = run('read', path, '--side', side, '--json').json
        require(all(c['side'] == side for c in o['cells']) and not o['page']['mirrored'])
        read = {(c['row'], c['column'], c['dots']) for c in o['cells']}
        right = len(read & cells)
        require(len(cells) > 50 and right >= 0.99 * max(len(cells), len(read)), side, len(cells), len(read), right)


def case_read():
    path = need_page()
    r = run('read', path, '--format', 'json')
    o = r.json
    require({'page', 'device', 'times_ms', 'code', 'cells', 'lines'} <= set(o), set(o))
    require({'width', 'height', 'dpi', 'orientation', 'mirrored', 'skew_deg'} == set(o['page']), o['page'])
    require({'decode', 'grid', 'embed', 'knn', 'lang'} == set(o['times_ms']), o['times_ms'])
    require(all(t >= 0 for t in o['times_ms'].values()) and o['times_ms']['decode'] > 0, o['times_ms'])
    require(o['code'] == 'current' and o['device'] and o['page']['orientation'] in (0, 90, 180, 270))
    require(len(o['cells']) > 20 and len(o['lines']) > 1, len(o['cells']))
    for c in o['cells']:
        check_cell(c, o['page'])
        require(c['side'] == 'recto')
    order = [(c['row'], c['column']) for c in o['cells']]
    require(order == sorted(order) and len(set(order)) == len(order), 'cells are not in reading order')
    for l in o['lines']:
        require({'side', 'row', 'kind', 'braille', 'pinyin', 'hanzi', 'p'} == set(l) - {'number'}, l)
        require(l['kind'] in ('text', 'paragraph', 'heading', 'contents', 'page-number', 'running-head'), l)
    unicode = run('read', path, '--format', 'unicode').text
    require(unicode.splitlines() == [l['braille'] for l in o['lines']])
    require(re.fullmatch('[\u2800-\u283f\n]+', unicode), unicode)
    pinyin = run('read', path, '--format', 'pinyin', '--quiet')
    require(pinyin.text.splitlines() == [l['pinyin'] for l in o['lines'] if l['kind'] not in ('page-number', 'running-head')])
    require(not pinyin.err, '--quiet was not quiet:', pinyin.error)
    with open(path, 'rb') as f:
        require(run('read', '-', '--format', 'text', stdin=f.read()).text == pinyin.text)
    require('in this process' in r.error and o['device'] in r.error, r.error)


def case_turned():
    """A page that software turned by half reads the same, whether that is named or found: its light comes from below then."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'dataset'))
    import sets
    path = need_page()
    with open(path, 'rb') as f:
        rows, channels = sets.unpng(f.read())
    require(channels == 1, 'the sample page is not grey')
    upright = run('read', path, '--format', 'unicode').text
    with folder() as d:
        turned = os.path.join(d, 'turned.png')
        with open(turned, 'wb') as f:
            f.write(sets.png([bytes(reversed(row)) for row in reversed(rows)]))
        for how in ('auto', '180'):
            o = run('read', turned, '--dpi', '200', '--orientation', how, '--format', 'unicode')
            require(o.text == upright, how, 'reads otherwise')
        mirror = os.path.join(d, 'mirror.png')
        with open(mirror, 'wb') as f:
            f.write(sets.png([bytes(reversed(row)) for row in rows]))
        for how in ('auto', 'yes'):
            o = run('read', mirror, '--mirrored', how, '--json', says='mirror image').json
            require(o['page']['mirrored'] and o['page']['orientation'] == 0, o['page'])
            require('\n'.join(line['braille'] for line in o['lines']) == upright.rstrip('\n'), how, 'reads otherwise')
        run('read', mirror, '--format', 'dsbi', code=65, says='mirror image')
        # taken for a picture as it is, the page is lit from below, and its recto is what was the verso
        o = run('read', mirror, '--mirrored', 'no', '--json').json
        require(not o['page']['mirrored'] and o['sides'][0]['text'] and len(o['cells']) < 0.7 * len(re.sub('[\u2800\\n]', '', upright)), o['sides'])
        # one that is named wrongly is read as it was named: as cells, without a text
        o = run('read', path, '--orientation', '180', '--mirrored', 'no', '--json', says='no text').json
        require(o['page']['orientation'] == 180 and not o['sides'][0]['text'] and o['confidence'] < 0.5, o['sides'])
        require(all(not line['pinyin'] for line in o['lines']))
        run('read', path, '--orientation', '180', '--mirrored', 'no', code=65, says='no text')


def case_crop():
    """The paper's crops: a number and two syllables, drawn at 200 dpi, looked up in the bank of BIT texts."""
    for text in ('248', 'hao4', 'zhong1'):
        page = os.path.join(os.path.dirname(need_page()), f'crop-{text}.png')
        require(run('read', '--local', page).text == text + '\n', text, 'was read otherwise')
        d = run('read', '--local', '--dpi', '200', page, '--format', 'json').json
        require(d['crop'] == text and d['cells'] and all(0 < c['p'] <= 1 for c in d['cells']), d)


def case_convert():
    page = need_page()
    with folder() as d:
        out, text = os.path.join(d, 'out.wav'), os.path.join(d, 'out.txt')
        r = run('convert', page, '-o', out, '--text', text, '--json')
        o = r.json
        require({'device', 'daemon', 'audio_s', 'first_sound_ms', 'total_ms', 'stages_ms', 'text', 'pinyin'} == set(o), set(o))
        require(o['daemon'] is False and 'in this process' in r.error, r.error)
        require(0 < o['first_sound_ms'] <= o['total_ms'] and o['stages_ms']['vocoder'] > 0, o)
        with open(text) as f:
            require(f.read() == o['text'] + '\n')
        info = sound_info(out)
        require((info['format'], info['rate'], info['channels']) == ('wav', 16000, 1), info)
        require(abs(info['frames'] / 16000 - o['audio_s']) < 0.001 and o['audio_s'] > 3, info, o['audio_s'])
        require(info['rms'] > 0.005 and info['peak'] <= 1, info)
        require(files_in(d) == ['out.txt', 'out.wav'], files_in(d))
        # the sum of what was read is what is spoken: the same words through `say` last as long
        again = run('say', '--pinyin', o['text'], '-o', os.path.join(d, 'say.wav'), '--json').json
        require(abs(again['audio_s'] - o['audio_s']) < 0.02 * o['audio_s'] + 0.1, again['audio_s'], o['audio_s'])


def case_say():
    with folder() as d:
        lengths = {}
        for ending, want in (('wav', 'wav'), ('flac', 'flac'), ('ogg', 'vorbis'), ('opus', 'opus')):
            out = os.path.join(d, 'out.' + ending)
            o = run('say', '--pinyin', SHORT, '-o', out, '--json').json
            info = sound_info(out)
            require((info['format'], info['rate'], info['channels']) == (want, 16000, 1), info)
            require(abs(info['frames'] / 16000 - o['audio_s']) < 0.05 and info['rms'] > 0.005, info, o['audio_s'])
            lengths[ending] = o['audio_s']
        require(max(lengths.values()) - min(lengths.values()) < 0.01, lengths)
        fast = run('say', '--pinyin', '-', '--rate', '2', '-o', os.path.join(d, 'fast.wav'), '--json',
                   stdin=(SHORT + '\n').encode()).json
        require(fast['audio_s'] < 0.8 * lengths['wav'], fast['audio_s'], lengths)
        stream = run('say', '--pinyin', SHORT, '-o', '-').out
        require(stream[:4] == b'RIFF' and stream[8:12] == b'WAVE')
        require(abs((len(stream) - 44) / 32000 - lengths['wav']) < 0.01, len(stream), lengths)
        with wave.open(os.path.join(d, 'out.wav')) as w:
            require(w.readframes(w.getnframes()) == stream[44:], 'the stream is not the file')
        run('say', '--pinyin', 'hao3 xyz9', '-o', os.path.join(d, 'bad.wav'), code=65, says='xyz9')
        run('say', '--pinyin', '', '-o', os.path.join(d, 'bad.wav'), code=65)
        run('say', '--pinyin', '-', '-o', os.path.join(d, 'bad.wav'), stdin=b'a\0b', code=65)
        run('say', '--pinyin', '-', '-o', os.path.join(d, 'bad.wav'), stdin=b'hao3\xff', code=65, says='not UTF-8')
        run('say', '--pinyin', 'xyz9', '--no-sandhi', '-o', os.path.join(d, 'bad.wav'), code=65, says='xyz9')
        require(not os.path.exists(os.path.join(d, 'bad.wav')))


def case_text():
    """Text from the words, a file and standard input; SSML; what cannot be said is named; the sound card."""
    with folder() as d:
        out, file, heard = (os.path.join(d, name) for name in ('out.wav', 'text.txt', 'heard'))
        text = '他买了3本书。\n\n今天很好！'
        with open(file, 'w', encoding='utf8') as f:
            f.write(text)
        ways = (['--file', file], b''), (['--file', '-'], text.encode()), (['-'], text.encode()), ([], text.encode()), ([text], b'')
        told = [run('say', *way, '-o', out, '--rate', '4', '--json', stdin=stdin).json for way, stdin in ways]
        require(all(o['pinyin'] == told[0]['pinyin'] and o['audio_s'] == told[0]['audio_s'] for o in told), told)
        require(told[0]['text'] == text and 'san1' in told[0]['pinyin'] and 'unsaid' not in told[0], told[0])
        words = run('say', '今天', '很好。', '-o', out, '--rate', '4', '--json').json
        require(re.sub('[ 。]', '', words['pinyin']) == 'jin1tian1hen2hao3', words)
        o = run('say', '--ssml', '<speak>你好<break time="1500ms"/>世界<audio src="x"/></speak>', '-o', out, '--json', says='not said: <audio>').json
        plain = run('say', '你好世界', '-o', out, '--json').json
        require(o['unsaid'] == '<audio>' and o['audio_s'] > plain['audio_s'] + 1, o, plain)
        run('say', '--ssml', '<speak>你好', '-o', out, code=65)
        require(run('say', '你好😀', '-o', out, '--json', says='😀').json['unsaid'].endswith('😀'))
        run('say', '😀', '-o', out, code=65, says='😀')
        run('say', '-', '-o', out, stdin=b'\xff', code=65, says='not UTF-8')
        run('say', '--file', os.path.join(d, 'missing.txt'), '-o', out, code=66, says='missing.txt')
        run('say', '--file', d, '-o', out, code=66, says='folder')
        voices = run('voices', '--json').json['voices']
        require(voices and {'name', 'language', 'gender', 'title'} == set(voices[0]) and voices[0]['name'] in run('voices').text, voices)
        sounds = [run('say', '--voice', v['name'], '你好', '-o', '-').out for v in voices]
        require(sounds[0] == run('say', '你好', '-o', '-').out and len(set(sounds)) == len(sounds), 'voices are not told apart')
        run('say', '你好', '-o', out)
        loud = sound_info(out)['rms']
        run('say', '你好', '--volume', '0.25', '-o', out)
        require(0 < sound_info(out)['rms'] < 0.4 * loud, loud, sound_info(out))
        config = os.path.join(d, 'alsa.conf')
        with open(config, 'w') as f:
            f.write('pcm.!default { type file slave.pcm { type null } file "%s" format raw }\n' % heard)
        run('say', '你好', '--play', '-o', out, env=dict(no_bus(), ALSA_CONFIG_PATH=config))
        with open(heard, 'rb') as f, wave.open(out) as w:
            require(f.read() == w.readframes(w.getnframes()), 'what is heard is not what is written')
        run('say', '你好', '--play', env=dict(no_bus(), ALSA_CONFIG_PATH='/dev/null'), code=69, says='-o OUT.wav')


def case_data():
    """The programs of sub-commands: braille-dataset and braille-eval."""
    evaluate = os.environ['BRAILLE_EVAL']
    dataset = os.path.join(os.path.dirname(evaluate), 'braille-dataset')
    page = need_page()

    def ends(code, *words, says='', **streams):
        p = subprocess.run(words, stderr=subprocess.PIPE, text=True, **{'stdout': subprocess.PIPE, **streams})
        print('$', *words, '->', p.returncode, p.stderr.strip()[-200:])
        require(p.returncode == code and says in p.stderr, code, says, p.returncode, p.stderr)
        return p.stdout
    for program, later in ((dataset, ''), (evaluate, '')):
        listed = ends(0, program, '--help')
        for name in later.split():
            ends(69, program, name, says='later version')
            require(re.search(rf'^  {name} .*later version', listed, re.M), listed)
        ends(64, program, 'nothing', says="'nothing'")
        with open('/dev/full', 'wb') as full:
            ends(74, program, '--help', stdout=full, says='standard output')
    with folder() as d:
        out, cells = os.path.join(d, 'out'), page.removesuffix('.png') + '-recto.brl.txt'
        for wrong in ('abc', '-1', '1x', ''):
            ends(64, dataset, 'render', '--cells', '2', '-o', out, '--seed', wrong)
            ends(64, dataset, 'crop', page, '-o', out, '--orientation', wrong)
        require(files_in(d) == [], files_in(d))
        # weather may draw the noise, unless the command line sets it: strong noise packs badly
        weather = (dataset, 'render', '--page', cells, '--paper', 'a4', '--weather', '--seed', '7')
        ends(0, *weather, '-o', out + '-drawn.png')
        ends(0, *weather, '--grain', '50', '-o', out + '-set.png')
        require(os.path.getsize(out + '-set.png') > 2 * os.path.getsize(out + '-drawn.png'), 'the noise is the drawn one')
        ends(66, evaluate, 'reading', os.path.join(d, 'none'), d, says='none')
        ends(65, evaluate, 'reading', d, d, says='no truth')


SENTENCE = 'jin1tian1 tian1qi4 hen3 hao3，wo3men5 yi4qi3 qu4 gong1yuan2 san4bu4。'
LONG = SENTENCE * 600  # most of an hour of speech


def case_interrupt():
    for sig in (signal.SIGINT, signal.SIGTERM):
        with folder() as d:
            p = subprocess.Popen([str(CTL), 'say', '--pinyin', '-', '-o', os.path.join(d, 'out.wav')],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=no_bus())
            p.stdin.write(LONG.encode())
            p.stdin.close()
            end = time.monotonic() + 120
            while not any(os.path.getsize(os.path.join(d, f)) > 1000 for f in files_in(d)):
                require(p.poll() is None and time.monotonic() < end, 'no sound came')
                time.sleep(0.05)
            require('out.wav' not in files_in(d), 'the file has its name before it is whole')
            p.send_signal(sig)
            p.wait(timeout=60)
            error = p.stderr.read().decode()
            require(p.returncode == 130, p.returncode, error)
            require('interrupted' in error, error)
            require(files_in(d) == [], files_in(d))
    # while it waits for its input, and with a reader that goes away
    p = subprocess.Popen([str(CTL), 'say', '--pinyin', '-', '-o', '-'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, env=no_bus())
    time.sleep(0.5)
    p.send_signal(signal.SIGINT)
    require(p.wait(timeout=20) == 130, p.returncode)
    p = subprocess.Popen([str(CTL), 'say', '--pinyin', LONG, '-o', '-'], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=no_bus())
    require(p.stdout.read(44)[:4] == b'RIFF')
    p.stdout.close()
    require(p.wait(timeout=60) == 74, p.returncode)


def slow_say(out, wait, **streams):
    """Give the text after `wait` seconds, so that progress is due however fast the device is."""
    p = subprocess.Popen([str(CTL), 'say', '--pinyin', '-', '-o', out], stdin=subprocess.PIPE, **streams)
    time.sleep(wait)
    p.stdin.write((SENTENCE * 2).encode())
    p.stdin.close()
    require(p.wait(timeout=120) == 0, p.returncode)
    return p


def on_terminal(env):
    """What braillectl writes to a terminal."""
    master, slave = pty.openpty()
    seen = bytearray()

    def drain():
        try:
            while data := os.read(master, 4096):
                seen.extend(data)
        except OSError:
            pass
    t = threading.Thread(target=drain)
    t.start()
    with folder() as d:
        slow_say(os.path.join(d, 'x.wav'), 0.5, stderr=slave, env=env)
    os.close(slave)
    t.join(10)
    os.close(master)
    return bytes(seen)


def case_progress():
    require(b'\r\x1b[K' in on_terminal(dict(no_bus(), TERM='xterm', NO_COLOR='')), 'no line was redrawn on a terminal')
    require(b'\x1b' not in on_terminal(dict(no_bus(), TERM='xterm', NO_COLOR='1')), 'NO_COLOR was not respected')
    require(b'\x1b' not in on_terminal(dict(no_bus(), TERM='dumb')), 'a dumb terminal got escapes')
    with folder() as d:
        out = os.path.join(d, 'x.wav')
        error = slow_say(out, 3.5, stderr=subprocess.PIPE, env=no_bus()).stderr.read().decode()
        require('\x1b' not in error and '\r' not in error, error)
        require(re.search(r'^speaking: \d+ %$', error, re.M), 'no progress in', error)
        r = run('say', '--pinyin', SHORT, '-o', out, '--quiet')
        require(not r.err, r.error)


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
