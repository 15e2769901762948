#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl scan, with SANE's own test and pnm drivers and with ours."""
import json
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import *  # noqa: E402,F403
from harness import main, sound_info  # noqa: E402


def rig(d, page=None):
    return Rig(d, page or top_of_page(d))


def grey_pixels(path, folder):
    out = os.path.join(folder, 'pixels.pgm')
    subprocess.run([os.environ['TO_PGM'], str(path), out], check=True)
    return read_pnm(out)


def case_list():
    with folder() as d:
        r = rig(d)
        require(r.scan('--list').text == 'brailletest:desk\tTest Braille Desk\tflatbed scanner\n')
        o = r.scan('--list', '--json').json
        require(o == {'scanners': [{'name': 'brailletest:desk', 'vendor': 'Test', 'model': 'Braille Desk',
                                    'type': 'flatbed scanner'}]}, o)
        # the one that served is asked first: it need not be in the list any more, nor another one wait for it
        r.scan('-o', d + '/a.pgm', says='scanner: Test Braille Desk')
        remembered = pathlib.Path(r.env['XDG_STATE_HOME'], 'brailled/scanner')
        require(remembered.read_text() == 'brailletest:desk\nTest Braille Desk\n', remembered.read_text())
        remembered.write_text('brailletest:gone\nOld One\n')
        r.scan('-o', d + '/a.pgm', says='scanner: Test Braille Desk')
        require(remembered.read_text().startswith('brailletest:desk\n'))
        r.state.open_status = BUSY
        r.scan('-o', d + '/a.pgm', code=69, says='Test Braille Desk: the scanner is in use')
        r.state.open_status = GOOD
        env = dict(r.env, SANE_DEFAULT_DEVICE='brailletest:other')
        run('scan', '-o', d + '/b.pgm', env=env, code=69, says='brailletest:other: no scanner was found')
        r.scan('--scanner', 'brailletest:other', code=69, says='brailletest:other: no scanner was found')
        r.scan('--scanner', 'x' * 1000, code=69)
        r.state.n_devices = 0
        require(r.scan('--list', '--json').json == {'scanners': []})
        r.scan('--list', code=69, says='no scanner was found')
        r.scan('-o', d + '/b.pgm', code=69, says='no scanner was found')
        require(not os.path.exists(d + '/b.pgm'))
        # without a home nothing is remembered, and that is no failure
        r.state.n_devices = 1
        bare = {k: v for k, v in r.env.items() if k not in ('HOME', 'XDG_STATE_HOME', 'STATE_DIRECTORY')}
        run('scan', '-o', d + '/c.pgm', env=bare)
        # a library that is none
        (r.home / 'lib/libsane.so.1').write_text('no library\n')
        r.scan('--list', code=69, says='install the package libsane1')


def case_usage():
    with folder() as d:
        r = rig(d)
        for args, says in ((['page'], 'takes no words'), (['--pages', '0'], '--pages'), (['--pages', 'x'], '--pages'),
                           (['--area', '1,2,3'], '--area'), (['--area', 'nan,0,50,50'], '--area'), (['-o', 'x.gif'], 'ending'),
                           (['-o', 'x'], 'ending'), (['--pages', '2', '-o', d + '/x.png'], 'page-%03d.png'),
                           (['--speak', '--format', 'html'], 'standard output'),
                           (['--format', 'text', '-o', 'x.png', '--pages', '1'], 'is a picture'), (['--json', '--format', 'brf'], 'choose one'),
                           (['--format', 'dsbi', '--pages', 'all'], 'one page'), (['--resolution', '7'], 'resolution')):
            r.scan(*args, code=64, says=says)
        require(r.state.n_opens == 0, 'a wrong word costs no opening')
        for args, says in ((['--source', 'drawer'], '"Flatbed", "Automatic Document Feeder", "ADF Duplex"'),
                           (['--mode', 'sepia'], '"Gray"'), (['--set', 'lamp=on'], '"lamp"'), (['--set', 'scan=1'], 'cannot be set'),
                           (['--set', 'resolution=many'], 'no value'), (['--pages', 'all'], '--source adf')):
            r.scan(*args, '-o', d + '/x-%d.png', code=64, says=says)
        require(r.state.n_starts == 0 and not list(pathlib.Path(d).glob('x*')))


def case_picture():
    with folder() as d:
        width, height = 90, 61
        pixels = bytes((7 * i + i // width) % 256 for i in range(width * height))
        pgm(d + '/p.pgm', width, height, pixels)
        r = rig(d, d + '/p.pgm')
        o = r.scan('-o', d + '/out.png', '--json').json
        require({'page', 'scanner', 'file', 'width', 'height', 'dpi', 'ms'} == set(o), o)
        require((o['page'], o['width'], o['height'], o['dpi']) == (1, width, height, 200), o)
        require({'start', 'started', 'data', 'scanned'} == set(o['ms']), o)
        require(grey_pixels(d + '/out.png', d) == (width, height, 1, pixels), 'the pixels are not those of the page')
        require((r.state.n_starts, r.state.n_cancels) == (1, 1), 'SANE wants a cancel behind each page')
        # the nearest that the scanner offers
        require(r.scan('-o', d + '/out.pgm', '--resolution', '300', '--json').json['dpi'] == 200)
        require(r.scan('-o', d + '/out.pgm', '--set', 'resolution=70', '--json').json['dpi'] == 75)
        r.scan('-o', d + '/out.ppm', '--mode', 'color')
        require(read_pnm(d + '/out.ppm') == (width, height, 3, bytes(v for p in pixels for v in (p, p, p))))
        # numbers go on behind those that are there
        for k in (1, 2):
            r.scan('-o', d + '/n-%02d.pgm', says=f'n-0{k}.pgm')
        r.scan('-o', d + '/none/x.png', code=73)
        r.scan('-o', d + '/full-%d.png', '--pages', '1', says='full-1.png')


def case_odd():
    """Sizes and forms that cannot be, and data that never comes."""
    with folder() as d:
        r = rig(d)
        out = d + '/out.pgm'
        fine = dict(form=GRAY, depth=8, width=100, bytes_per_line=100, lines=50, last_frame=1)
        wrong = [(dict(lines=0), 74, 'no picture'), (dict(width=0), 74, 'no picture'), (dict(width=-5), 74, 'no picture'),
                 (dict(bytes_per_line=0), 74, 'no picture'), (dict(bytes_per_line=99), 69, 'does not accept'),
                 (dict(width=70000, bytes_per_line=70000), 65, 'larger than'),
                 (dict(lines=70000), 65, 'larger than'), (dict(width=60000, bytes_per_line=60000, lines=60000), 65, 'larger than'),
                 (dict(bytes_per_line=2000000000), 65, 'larger than'), (dict(depth=1), 69, 'black and white'),
                 (dict(depth=12), 69, 'does not accept'), (dict(depth=0), 69, 'does not accept'), (dict(form=11), 69, 'does not accept'),
                 (dict(form=-1), 69, 'does not accept'), (dict(depth=16), 69, 'does not accept'),
                 (dict(form=RGB), 69, 'does not accept')]
        r.state.odd = FORM
        for change, code, says in wrong:
            for k, v in {**fine, **change}.items():
                setattr(r.state, k, v)
            r.scan('-o', out, code=code, says=says)
            require(not os.path.exists(out))
        for k, v in fine.items():
            setattr(r.state, k, v)
        # padded lines, 16 bit of which the high byte counts, a length that is not told
        for change, width in ((dict(bytes_per_line=131), 100), (dict(depth=16, bytes_per_line=200), 100), (dict(lines=-1), 100)):
            for k, v in {**fine, **change}.items():
                setattr(r.state, k, v)
            r.scan('-o', out)
            w, h, c, pixels = read_pnm(out)
            require((w, c) == (width, 1) and h == (50 if change != dict(lines=-1) else page_height(r)), w, h, c)
            os.unlink(out)
        # a frame of one colour only has to be followed by the others, in the same size
        r.state.lines, r.state.form, r.state.last_frame = 50, RED, 1
        r.scan('-o', d + '/red.ppm')
        r.state.last_frame = 0
        r.scan('-o', d + '/reds.ppm')
        require(r.state.n_starts >= 3)
        r.state.odd = SHORT
        r.scan('-o', out, says='ended early')
        require(read_pnm(out)[1] == page_height(r) // 2)
        os.unlink(out)
        r.state.odd = ENDLESS
        r.scan('-o', out, code=65, says='larger than')
        for odd in (STALL, BLOCK):
            r.state.odd, r.state.n_cancels = odd, 0
            r.scan('-o', out, '--timeout', '1', code=74, says='sends nothing')
            require(r.state.n_cancels >= 1)
        r.state.odd = MODES
        r.scan('-o', out, code=69, says='black and white')
        for k, v in fine.items():
            setattr(r.state, k, v)
        for odd in (BARE, WILD):
            r.state.odd = odd | FORM
            words = [] if odd == BARE else ['--mode', 'Gray', '--area', 'A4']
            r.scan('-o', out, *words, code=69 if words else 0)
            r.scan('-o', out, '--area', 'A5', '--set', 'mode=Gray' if words else '', code=64 if words else 0)
        require(read_pnm(out)[:3] == (100, 50, 1))
        r.scan('-o', out, '--source', 'adf', '--pages', '1', code=64, says='no source "adf"; it has no list')
        require([b['name'] for b in run('button', '--json', env=r.env).json['buttons']] == ['scan'])


def case_status():
    """Each of SANE's errors in words, wherever it comes."""
    with folder() as d:
        r = rig(d)
        out = d + '/out.pgm'
        all_of_them = [(DENIED, 69, 'group scanner'), (BUSY, 69, 'in use'), (IO_ERROR, 74, 'does not answer'), (NO_MEM, 1, 'memory')]
        for status, code, says in all_of_them:
            r.state.open_status = status
            r.scan('-o', out, code=code, says=says)
        r.state.open_status = GOOD
        in_scan = all_of_them + [(JAMMED, 74, 'jammed'), (COVER_OPEN, 74, 'cover is open'), (NO_DOCS, 66, 'no paper'),
                                 (INVAL, 69, 'does not accept'), (CANCELLED, 130, 'cancelled at the scanner'), (77, 74, 'does not answer')]
        for status, code, says in in_scan:
            for where in ('start_status', 'read_status'):
                if (where, status) == ('read_status', NO_DOCS):
                    continue
                setattr(r.state, where, status)
                r.state.read_after, r.state.n_cancels = 100, 0
                r.scan('-o', out, code=code, says=says)
                require(where == 'start_status' or r.state.n_cancels == 1, 'not cancelled behind', status)
                setattr(r.state, where, GOOD)
        require(not os.path.exists(out))
        # a lamp that is cold at first
        r.state.start_status = 12
        p = subprocess.Popen([str(CTL), 'scan', '-o', out], env=r.env, stderr=subprocess.PIPE)
        wait_for(lambda: r.state.n_starts > len(in_scan) * 2 + 2)
        r.state.start_status = GOOD
        require(p.wait(WAIT_S) == 0, p.stderr.read())


def case_feeder():
    with folder() as d:
        r = rig(d)
        r.state.n_docs = 3
        o = [json.loads(line) for line in r.scan('--source', 'adf', '-o', d + '/p-%03d.png', '--json').text.splitlines()]
        require([x['page'] for x in o] == [1, 2, 3] and r.state.n_docs == 0, o)
        require(sorted(p.name for p in pathlib.Path(d).glob('p-*')) == ['p-001.png', 'p-002.png', 'p-003.png'])
        require(r.state.n_cancels == 1, 'between pages of a stack nothing is cancelled')
        r.scan('--source', 'adf', '-o', d + '/q-%d.png', code=66, says='no paper in the feeder')
        r.state.n_docs = 3
        r.scan('--source', 'duplex', '--pages', '2', '-o', d + '/q-%d.png')
        require(r.state.n_docs == 1 and len(list(pathlib.Path(d).glob('q-*'))) == 2)
        # what was whole before the jam stays
        r.state.n_docs, r.state.read_status, r.state.read_after = 3, JAMMED, page_height(r) + 9
        r.scan('--source', 'Automatic Document Feeder', '-o', d + '/j-%d.png', code=74, says='jammed')
        require([p.name for p in pathlib.Path(d).glob('j-*')] == ['j-1.png'])


def case_glass():
    """On a terminal the next page for the glass is asked for."""
    with folder() as d:
        r = rig(d)
        ours, theirs = os.openpty()
        p = subprocess.Popen([str(CTL), 'scan', '--pages', 'all', '-o', d + '/g-%d.pgm'], env=r.env, stdin=theirs,
                             stderr=subprocess.PIPE)
        os.close(theirs)
        seen = b''
        for answer in (b'\n', b'q\n'):
            while not seen.endswith(b'ends: '):
                part = os.read(p.stderr.fileno(), 4096)
                require(part, seen.decode())
                seen += part
            seen = b''
            os.write(ours, answer)
        require(p.wait(WAIT_S) == 0)
        os.close(ours)
        require(sorted(x.name for x in pathlib.Path(d).glob('g-*')) == ['g-1.pgm', 'g-2.pgm'])
        require(r.state.n_cancels == 2, 'a page of the glass is one scan')


def case_text():
    with folder() as d:
        r = rig(d)
        read = run('read', str(r.page)).text
        require('kongqi hen3 qingxin' in read, read)
        require(r.scan().text == read)
        seen = r.scan('--json').json
        require(seen['page']['width'] == read_pnm(r.page)[0] and seen['page']['dpi'] == 200, seen['page'])
        r.state.n_docs = 2
        r.scan('--source', 'adf', '-o', d + '/two.brf')
        one = run('read', '--format', 'brf', str(r.page)).out
        require(pathlib.Path(d, 'two.brf').read_bytes() == one * 2)
        # a page without braille
        pgm(d + '/white.pgm', 400, 300, bytes([230]) * 120000)
        r.env['BRAILLETEST_PAGE'] = d + '/white.pgm'
        r.scan('-o', d + '/none.txt', code=65, says='no braille was found')
        require(not os.path.exists(d + '/none.txt'))


def case_speak():
    with folder() as d:
        r = rig(d)
        o = r.scan('--speak', '--json').json
        require({'page', 'scanner', 'width', 'height', 'dpi', 'ms', 'code', 'confidence', 'text', 'pinyin', 'device',
                 'daemon'} == set(o), o)
        require({'start', 'started', 'data', 'scanned', 'text', 'sound'} == set(o['ms']), o)
        run('convert', str(r.page), '-o', d + '/same.wav')
        heard = r.heard()
        require(sound_info(d + '/same.wav')['frames'] in [len(h) for h in heard], 'not the same speech', [len(h) for h in heard])
        require(len(heard) == 4, 'press, scanned, speech, done', [len(h) for h in heard])
        for path in r.home.glob('heard*'):
            path.unlink()
        kept = r.scan('--speak', '--no-earcons', '--format', 'pinyin', '-o', d + '/kept.pgm', '--pages', '1')
        require(kept.text.strip() == o['pinyin'] and read_pnm(d + '/kept.pgm') == read_pnm(r.page), kept.text)
        require(len(r.heard()) == 1)
        # two pages: one stream, and what is wrong is said
        r.state.n_docs = 2
        r.state.read_status, r.state.read_after = JAMMED, page_height(r) + 9
        for path in r.home.glob('heard*'):
            path.unlink()
        r.scan('--speak', '--source', 'adf', code=74, says='jammed')
        page = sound_info(d + '/same.wav')['frames']
        require(max(len(h) for h in r.heard()) > page + 16000, 'the page, then a second of words at least')


def case_book():
    with folder() as d:
        r = rig(d)
        r.state.n_docs = 2
        out = d + '/book.opus'
        o = r.scan('--source', 'adf', '--side', 'recto', '-o', out, '--json').json
        require(o['pages'] == 2 and o['skipped'] == [], o)
        require(sound_info(out)['frames'] > 0 and not os.path.exists(out + '.pages'))
        # pages are not lost with what comes after them
        os.mkdir(out + '.pages')
        r.scan('-o', out, code=73, says='earlier scan')
        os.rmdir(out + '.pages')
        r.scan('-o', out, '--models', d + '/none', code=69, says='the pages are kept')
        require(os.listdir(out + '.pages') == ['page-001.png'])
        run('convert', out + '.pages', '-o', out)
        r.state.start_status = JAMMED
        r.scan('-o', d + '/other.wav', code=74)
        require(not os.path.exists(d + '/other.wav.pages'), 'an empty folder is left behind')


def case_interrupt():
    with folder() as d:
        r = rig(d)
        for odd in (0, BLOCK):
            r.state.odd, r.state.line_usec, r.state.n_starts, r.state.n_cancels = odd, 20000, 0, 0
            p = subprocess.Popen([str(CTL), 'scan', '-o', d + '/x.png'], env=r.env, stderr=subprocess.PIPE)
            wait_for(lambda: r.state.n_starts == 1)
            p.send_signal(signal.SIGINT)
            require(p.wait(WAIT_S) == 130, p.stderr.read())
            require(r.state.n_cancels >= 1 and not os.path.exists(d + '/x.png'))


def sane_test(r, out, *settings, says=None, code=0):
    """The picture that SANE's test driver draws, at 50 dpi, 40 x 30 mm."""
    words = ','.join(('hand-scanner=no',) + settings)
    test_driver(r, '--area', '0,0,40,30', '--set', words, '-o', out, says=says, code=code)
    return read_pnm(out) if code == 0 else None


def test_driver(r, *args, **kw):
    """Once in some hundred scans SANE's test driver stops its own thread in the middle of free(), and waits for it for ever;
    braillectl ends that as it promises, and the scan is made again."""
    words = ['--scanner', 'test:0', '--resolution', '50', '--timeout', '8', *args]
    try:
        return r.scan(*words, **kw)
    except AssertionError as e:
        if 'sends nothing any more' not in str(e):
            raise
    return r.scan(*words, **kw)


def scanimage(r, *args):
    """What SANE's own program makes of the same scan, its 16 bits cut to 8."""
    words = ['scanimage', '-d', 'test:0', '--resolution', '50', '-l', '0', '-t', '0', '-x', '40', '-y', '30', '--format', 'pnm', *args]
    for _ in range(3):
        try:
            p = subprocess.run(words, env=r.env, capture_output=True, timeout=60)
            break
        except subprocess.TimeoutExpired:  # see test_driver()
            pass
    require(p.returncode == 0, p.stderr.decode())
    lines = [line for line in p.stdout.split(b'\n', 8)[:8] if not line.startswith(b'#')]
    width, height = map(int, lines[1].split())
    require(lines[0] == b'P6' and lines[2] == b'65535', lines[:3])
    return width, height, 3, p.stdout[-width * height * 6:][::2]


def case_sane_test():
    need_driver('test')
    with folder() as d:
        r = rig(d)
        r.drivers('test')
        env_list = r.scan('--list').text
        require('test:0\t' in env_list, env_list)
        grid = 'test-picture=Grid'
        grey = sane_test(r, d + '/a.pgm', grid)
        width, height, channels, pixels = grey
        require(channels == 1 and len(pixels) == width * height and 70 <= width <= 80 and 50 <= height <= 60, width, height)
        require(0 in pixels and 255 in pixels and len(set(pixels)) == 2, set(pixels))
        # however it comes, it is the same picture
        for how in (['read-limit=yes', 'read-limit-size=1'], ['read-limit=yes', 'read-limit-size=4097'], ['fuzzy-parameters=yes'],
                    ['non-blocking=yes'], ['select-fd=yes'], ['ppl-loss=7'], ['depth=16']):
            same = sane_test(r, d + '/b.pgm', grid, *how)
            if how != ['ppl-loss=7']:
                require(same == grey, how)
            else:
                require(same[1] == height and same[0] == width - 7, same[:3])
                require(all(same[3][y * same[0]:(y + 1) * same[0]] == pixels[y * width:y * width + same[0]] for y in range(height)), how)
        color = sane_test(r, d + '/c.ppm', 'mode=Color', 'test-picture=Color pattern')
        require(color[2] == 3 and len(set(color[3][i:i + 3] for i in range(0, len(color[3]), 3))) > 4, color[:3])
        for order in ('RGB', 'BGR', 'GBR'):
            three = sane_test(r, d + '/d.ppm', 'mode=Color', 'test-picture=Color pattern', 'three-pass=yes', f'three-pass-order={order}')
            require(three == color, order)
        # of 16 bits the upper ones, as SANE's own program has them
        deep = sane_test(r, d + '/e.ppm', 'mode=Color', 'test-picture=Color pattern', 'depth=16')
        theirs = scanimage(r, '--mode', 'Color', '--depth', '16', '--test-picture', 'Color pattern')
        require(deep == theirs and deep != color, deep[:3], theirs[:3])
        sane_test(r, d + '/f.pgm', 'depth=1', code=69, says='black and white')
        # the hand scanner does not say how long the page is
        test_driver(r, '--set', 'hand-scanner=yes,' + grid, '-o', d + '/g.pgm')
        hand = read_pnm(d + '/g.pgm')
        require(hand[2] == 1 and hand[0] > 200 and hand[1] > 100, hand[:3])
        for status, code, says in (('JAMMED', 74, 'jammed'), ('COVER_OPEN', 74, 'cover'), ('NO_DOCS', 66, 'no paper'),
                                   ('IO_ERROR', 74, 'does not answer'), ('ACCESS_DENIED', 69, 'group scanner'), ('DEVICE_BUSY', 69, 'in use'),
                                   ('NO_MEM', 1, 'memory'), ('EOF', 74, 'no picture'), ('CANCELLED', 130, 'cancelled')):
            sane_test(r, d + '/h.pgm', grid, f'read-return-value=SANE_STATUS_{status}', code=code, says=says)
            require(not os.path.exists(d + '/h.pgm'))
        # its feeder has ten sheets
        test_driver(r, '--source', 'adf', '--area', '0,0,20,20', '-o', d + '/s-%02d.pgm')
        require(len(list(pathlib.Path(d).glob('s-*'))) >= 10, sorted(os.listdir(d)))
        # whole glass: what the driver offers
        test_driver(r, '-o', d + '/full.pgm')
        full = read_pnm(d + '/full.pgm')
        require(full[0] > 380 and full[1] > 380, full[:3])


def case_pnm():
    """A real page through a driver that knows neither resolution nor grey mode by our names."""
    need_driver('pnm')
    with folder() as d:
        r = rig(d)
        r.drivers('pnm')
        got = r.scan('--scanner', 'pnm:0', '--set', f'filename={r.page}').text
        require(got == run('read', str(r.page)).text and got.strip(), got)
        r.scan('--scanner', 'pnm:0', '--set', f'filename={r.page}', '-o', d + '/p.pgm')
        require(read_pnm(d + '/p.pgm') == read_pnm(r.page))
        r.scan('--scanner', 'pnm:0', '--set', f'filename={d}/none.pgm', '-o', d + '/q.pgm', code=69)
        require(not os.path.exists(d + '/q.pgm'))


if __name__ == '__main__':
    main({k[5:]: f for k, f in globals().items() if k.startswith('case_')})
