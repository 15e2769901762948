# SPDX-License-Identifier: Apache-2.0
"""Small data sets drawn here, so that the tests of one command need no other: dots whose places are known."""
import hashlib
import json
import pathlib
import random
import zlib

PAPER, DARK, LIGHT = 170, 90, 230
PITCH, CELL, MARGIN = 20, 48, 24  # pixels at 200 dpi
DIGITS = dict(zip('1234567890', '1 12 14 145 15 124 1245 125 24 245'.split()))


def png(rows, channels=1):
    """A PNG of rows of bytes."""
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, 'big') + body + zlib.crc32(body).to_bytes(4, 'big')
    w, h = len(rows[0]) // channels, len(rows)
    head = w.to_bytes(4, 'big') + h.to_bytes(4, 'big') + bytes([8, 2 if channels == 3 else 0, 0, 0, 0])
    data = zlib.compress(b''.join(b'\0' + bytes(r) for r in rows), 6)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', data) + chunk(b'IEND', b'')


def unpng(data):
    """(rows, channels) of an 8-bit PNG without interlacing."""
    at, idat = 8, b''
    while at < len(data):
        n, kind = int.from_bytes(data[at:at + 4], 'big'), data[at + 4:at + 8]
        body = data[at + 8:at + 8 + n]
        if kind == b'IHDR':
            w, h, channels = int.from_bytes(body[:4], 'big'), int.from_bytes(body[4:8], 'big'), 3 if body[9] == 2 else 1
            assert body[8] == 8 and body[9] in (0, 2) and body[12] == 0
        if kind == b'IDAT':
            idat += body
        at += 12 + n
    raw, rows, stride = zlib.decompress(idat), [], w * channels
    before = bytes(stride)
    for y in range(h):
        f, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a, b = row[i - channels] if i >= channels else 0, before[i]
            c = before[i - channels] if i >= channels else 0
            if f == 1:
                row[i] = (row[i] + a) & 255
            elif f == 2:
                row[i] = (row[i] + b) & 255
            elif f == 3:
                row[i] = (row[i] + (a + b) // 2) & 255
            elif f == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                row[i] = (row[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
        rows.append(bytes(row))
        before = row
    return rows, channels


def dots_of(cell):
    """Offsets (column, row) of a cell's raised dots: "125" -> (0, 0), (0, 1), (1, 1)."""
    return [((int(d) - 1) // 3, (int(d) - 1) % 3) for d in cell if d != '0']


def draw(cells, seed):
    """A crop of cells and the box of each, through the outer dot centres."""
    lot = random.Random(seed)
    w, h = 2 * MARGIN + CELL * (len(cells) - 1) + PITCH, 2 * MARGIN + 2 * PITCH
    w, h = w + lot.randrange(6), h + lot.randrange(6)  # not symmetric: a turn done wrong shows
    rows = [bytearray(PAPER + lot.randrange(-3, 4) for _ in range(w)) for _ in range(h)]
    boxes = []
    for i, cell in enumerate(cells):
        x0, y0 = MARGIN + i * CELL, MARGIN
        boxes.append([x0, y0, PITCH, 2 * PITCH])
        for column, row in dots_of(cell):
            x, y = x0 + column * PITCH, y0 + row * PITCH
            for dy in range(-6, 7):
                for dx in range(-6, 7):
                    if dx * dx + dy * dy <= 36:
                        rows[y + dy][x + dx] = DARK if dy > 0 else LIGHT
    return rows, boxes


def labels(counts):
    """(id, type, text, cells) for {"number": n, "spell": n, "punctuation": n}."""
    for i in range(counts.get('number', 0)):
        yield f'n{i:04}', 'number', str(i), ['3456'] + [DIGITS[d] for d in str(i)]
    spell = [('hao4', ['125', '235', '23']), ('ma1', ['134', '35', '1']), ('shi4', ['156', '23']), ('ni3', ['1345', '24', '3'])]
    for i in range(counts.get('spell', 0)):
        yield f's{i:04}', 'spell', spell[i % 4][0], spell[i % 4][1]
    signs = [('！', ['56', '2']), ('。', ['5', '23']), ('，', ['5'])]
    for i in range(counts.get('punctuation', 0)):
        yield f'p{i:04}', 'punctuation', signs[i % 3][0], signs[i % 3][1]


def make(folder, counts, seed=1, split=None):
    """Write a set; the records as a list."""
    folder = pathlib.Path(folder)
    (folder / 'images').mkdir(parents=True)
    records = []
    for ident, kind, text, cells in labels(counts):
        rows, boxes = draw(cells, f'{seed}{ident}')
        data = png(rows)
        (folder / f'images/{ident}.png').write_bytes(data)
        records.append({
            'id': ident, 'image': f'images/{ident}.png', 'sha256': hashlib.sha256(data).hexdigest(), 'type': kind,
            'text': text, 'cells': cells, 'boxes': boxes, 'dpi': 200, 'code': 'current', 'source': 'drawn',
            'parent': None, 'augment': None, 'split': split, 'width': len(rows[0]), 'height': len(rows)})
    write(folder, records)
    return records


def write(folder, records, name='manifest.jsonl'):
    lines = [json.dumps(r, ensure_ascii=False) for r in records]
    (pathlib.Path(folder) / name).write_text('\n'.join(lines) + '\n' if lines else '')


def checksums(folder):
    """{path: SHA-256} of every file below."""
    folder = pathlib.Path(folder)
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
            for f in sorted(folder.rglob('*')) if f.is_file()}
