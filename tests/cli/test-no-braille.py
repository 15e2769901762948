#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl read on what is no page of braille, or not the whole of one: an answer that does not claim to be sure, or a clear error,
in bounded memory; never a made-up text."""
import json
import os
import pathlib
import random
import resource
import subprocess
import zlib

from harness import CTL, PAGE, folder, main, need_page, no_bus, png, require, skip

SURE = 0.84        # html marks cells below it as doubtful
FEW = 5            # cells that a picture without braille may claim to be sure of
MOST_MB = 1400     # a picture of 100 Mi pixels and what is made of it; pages take far less
PHOTOS = pathlib.Path(__file__).resolve().parents[2].parent / 'shared' / 'data' / 'angelina-train' / 'not_braille'
GLYPHS = ['01110100011000111111100011000110001', '11111100001000011110100001000011111', '11110100011000111110101001001010001', '00100001000010000100001000010000100',
          '10001110011010110011100011000110001', '01110100011000010000100001000101110', '11111001000010000100001000010000100', '10001100010101000100001000010000100']


def read(path, *words):
    """-> (exit code, the JSON of the page, the last word on standard error). No cell may be read in too much memory."""
    p = subprocess.Popen([CTL, '--local', 'read', path, '--format', 'json', *words], env=no_bus(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate(timeout=280)
    if 'ASAN_OPTIONS' not in os.environ:  # whose allocator keeps what was freed
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        require(most < MOST_MB, f'{path}: up to {most:.0f} MB')
    lines = err.decode().strip().splitlines()
    require(p.returncode in (0, 65), path, 'ended with', p.returncode, lines[-1:])
    require(p.returncode == 0 or lines and lines[-1].startswith('braillectl: '), path, 'no word about the failure')
    return p.returncode, json.loads(out) if p.returncode == 0 else None, lines[-1] if lines else ''


def claims_little(path, *words):
    """An error of the input, or hardly a cell that it is sure of."""
    code, page, word = read(path, *words)
    sure = [] if code else [c for c in page['cells'] if c['p'] >= SURE]
    print(f"{pathlib.Path(path).name}: {word if code else str(len(page['cells'])) + ' cells, sure of ' + str(len(sure))}")
    require(len(sure) <= FEW, path, 'is read as', len(page['cells']) if page else 0, 'cells, sure of', len(sure))
    return code, word


def pgm(width, height, rows):
    return b'P5 %d %d 255\n' % (width, height) + b''.join(rows)


def grey_rows(data):
    """The rows of an 8-bit grey PNG (RFC 2083, section 6)."""
    width, body, at = int.from_bytes(data[16:20], 'big'), b'', 8
    require(data[24:29] == b'\x08\0\0\0\0', 'the sample page is not 8-bit grey')
    while at < len(data):
        n = int.from_bytes(data[at:at + 4], 'big')
        body += data[at + 8:at + 8 + n] if data[at + 4:at + 8] == b'IDAT' else b''
        at += n + 12
    raw, rows, above = zlib.decompress(body), [], bytes(width)
    for start in range(0, len(raw), width + 1):
        kind, row = raw[start], bytearray(raw[start + 1:start + 1 + width])
        left = corner = 0
        for i in range(width) if kind else ():
            up = above[i]
            if kind == 4:
                p = left + up - corner
                a, b, c = abs(p - left), abs(p - up), abs(p - corner)
                guess = left if a <= b and a <= c else up if b <= c else corner
            else:
                guess = (0, left, up, left + up >> 1)[kind]
            left = row[i] = row[i] + guess & 255
            corner = up
        rows.append(bytes(row))
        above = row
    return rows


def print_page(upside_down):
    """Lines of capital letters, 20 x 28 pixels each, on paper with grain."""
    width, height, lot = 1240, 1754, random.Random(7)
    rows = [bytearray(lot.randint(225, 240) for _ in range(width)) for _ in range(height)]
    for top in range(120, height - 150, 56):
        for left in range(100, width - 130, 26):
            if lot.random() < 0.15:
                continue
            glyph = lot.choice(GLYPHS)
            for k, on in enumerate(glyph):
                for y in range(4) if on == '1' else ():
                    at = left + 4 * (k % 5)
                    rows[top + 4 * (k // 5) + y][at:at + 4] = b'\x28' * 4
    if upside_down:
        rows = [row[::-1] for row in rows[::-1]]
    return pgm(width, height, rows)


def case_print():
    with folder() as d:
        for name, upside_down in (('print.pgm', False), ('print-upside-down.pgm', True)):
            path = pathlib.Path(d, name)
            path.write_bytes(print_page(upside_down))
            claims_little(path)


def case_noise():
    with folder() as d:
        lot = random.Random(1)
        path = pathlib.Path(d, 'noise.pgm')
        path.write_bytes(pgm(1700, 2338, [lot.randbytes(1700 * 2338)]))
        claims_little(path)
        claims_little(path, '--orientation', '0')
        soft = bytes(200 + (b >> 5) for b in lot.randbytes(1700 * 2338))
        path.write_bytes(pgm(1700, 2338, [soft]))
        claims_little(path)


def case_sizes():
    """1 x 1 to more than is taken at all: refused before memory is asked for, or looked at in bounded memory."""
    with folder() as d:
        path = pathlib.Path(d, 'x.png')
        for width, height in ((1, 1), (1, 3000), (3000, 1), (7, 5), (40, 40)):
            path.write_bytes(png(width, height, 200))
            code, word = claims_little(path)
            require(code == 65, width, height, 'is read')
            for side in ('recto', 'verso'):
                claims_little(path, '--side', side, '--orientation', '180')
        path.write_bytes(png(20000, 20000))
        code, page, word = read(path)
        require(code == 65 and '20000' in word, word)
        path.write_bytes(png(10200, 10200))  # just small enough
        claims_little(path)


def case_half():
    """Half a page: what is there is read as on the whole page, and nothing is made up beside it."""
    with folder() as d:
        whole_code, whole, _ = read(need_page(), '--orientation', '0')
        require(whole_code == 0 and len(whole['cells']) > 100, 'the sample page is not read')
        width, height = whole['page']['width'], whole['page']['height']
        rows = grey_rows(PAGE.read_bytes())
        for name, box in (('upper', (0, 0, width, height // 2)), ('left', (0, 0, width // 2, height))):
            path = pathlib.Path(d, name + '.pgm')
            path.write_bytes(pgm(box[2], box[3], [row[:box[2]] for row in rows[:box[3]]]))
            code, page, word = read(path, '--orientation', '0')
            require(code == 0, name, word)
            inside = [c for c in whole['cells'] if c['box'][0] + 1.5 * c['box'][2] < box[2] and c['box'][1] + 1.3 * c['box'][3] < box[3]]
            near = {(round((c['box'][0] + c['box'][2] / 2) / 12), round((c['box'][1] + c['box'][3] / 2) / 12)): c for c in page['cells']}
            found = sum(any(near.get((x + i, y + k), {}).get('dots') == c['dots'] for i in (-1, 0, 1) for k in (-1, 0, 1)) for c, x, y in
                        ((c, round((c['box'][0] + c['box'][2] / 2) / 12), round((c['box'][1] + c['box'][3] / 2) / 12)) for c in inside))
            print(name, 'half:', found, 'of', len(inside), 'cells as on the whole page,', len(page['cells']), 'read')
            require(found > 0.97 * len(inside), name, 'half: only', found, 'of', len(inside))
            require(len(page['cells']) < 1.05 * len(inside) + 40, name, 'half: made up', len(page['cells']), len(inside))


def case_photos():
    pictures = sorted(PHOTOS.glob('*.jpg'))
    if not pictures:
        skip(f'NO PICTURES WITHOUT BRAILLE in {PHOTOS}: nothing was read in their place')
    wrong = []
    for path in pictures:
        try:
            claims_little(path)
        except AssertionError as e:
            wrong.append(str(e))
    require(not wrong, len(wrong), 'of', len(pictures), *wrong)


if __name__ == '__main__':
    main({name[5:]: f for name, f in globals().items() if name.startswith('case_')})
