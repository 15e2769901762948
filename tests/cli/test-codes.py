#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test-codes.py CASE: a drawn page in each code, read by braillectl, which has to find out the code. The text is tests/data/code-louis.tsv."""
import difflib
import os
import pathlib
import re
import subprocess

from harness import folder, main, require, run

SENTENCES = pathlib.Path(__file__).parent / '../data/code-louis.tsv'
COLUMNS = 28


def sentences(manner, n):
    with open(SENTENCES, encoding='utf8') as f:
        found = [line.rstrip('\n').split('\t')[1:] for line in f if line.startswith(manner + '\t')]
    return found[:n]


def wrap(braille):
    """Lines of at most COLUMNS cells, broken at blanks; longer words go on behind dots 36."""
    lines, line = [], ''
    for word in braille.split('⠀'):
        while word and len(line) + bool(line) + len(word) > COLUMNS:
            if line:
                lines.append(line)
                line = ''
                continue
            require(len(word) <= COLUMNS, word, 'finds no room in a line')
        line += ('⠀' if line and word else '') + word
    return lines + [line]


def draw(manner, d):
    """-> picture, its lines in braille, its pinyin"""
    own = sentences(manner, 4)
    lines = [line for braille, _ in own for line in wrap(braille)]
    text, picture = os.path.join(d, manner + '.txt'), os.path.join(d, manner + '.png')
    with open(text, 'w', encoding='utf8') as f:
        f.write('\n'.join(lines) + '\n')
    subprocess.run([os.environ['BRAILLE_DATASET'], 'render', '--page', text, '-o', picture, '--quiet'], check=True, timeout=100)
    return picture, lines, ' '.join(pinyin for _, pinyin in own)


def syllables(pinyin):
    return re.findall('[a-z]+', pinyin)


def check(manner, code, d):
    picture, lines, pinyin = draw(manner, d)
    r = run('--local', 'read', picture, '--format', 'json', '--verbose')
    o = r.json
    require(o['code'] == code and 0.9 < o['code_p'] <= 1, manner, 'is read as', o['code'], o['code_p'])
    require(f'code: {code}' in r.error, r.error)
    require([line['braille'] for line in o['lines']] == lines, 'cells were misread:', *(line['braille'] for line in o['lines']))
    # without tones, of which this code may print few, and without blanks; liblouis has another reading for some character
    own, wanted = (re.sub('[^a-z]', '', text) for text in (' '.join(line['pinyin'] for line in o['lines']), pinyin))
    require(difflib.SequenceMatcher(None, own, wanted, False).ratio() > 0.97, manner, own, 'is not', wanted)


def case_current():
    with folder() as d:
        check('full', 'current', d)


def case_common():
    with folder() as d:
        check('common', 'common', d)


def case_two_cell():
    with folder() as d:
        check('two-cell', 'two-cell', d)
        # every syllable has a tone
        picture = os.path.join(d, 'two-cell.png')
        text = run('--local', 'read', picture).text
        require(len(re.findall('[a-z]+[1-5]', text)) == len(syllables(text)) > 50, text)
        # what the caller says holds, and cells that are no text then are told
        r = run('--local', 'read', picture, '--format', 'json', '--code', 'current', says='no text in Current Chinese Braille')
        require(r.json['code'] == 'current' and r.json['code_p'] == 1, r.json['code'], r.json['code_p'])
        r = run('--local', 'read', picture, '--format', 'json', '--code', 'two-cell')
        require(r.json['code'] == 'two-cell' and r.json['code_p'] == 1, r.json['code'], r.json['code_p'])
        run('read', picture, '--code', 'morse', code=64, says='two-cell')
        # spoken: the voice says what the page says
        out, spoken = os.path.join(d, 'out.wav'), os.path.join(d, 'out.txt')
        run('--local', 'convert', picture, '-o', out, '--text', spoken)
        with open(spoken, encoding='utf8') as f:
            require(syllables(f.read()) == syllables(text))


if __name__ == '__main__':
    main({name[5:].replace('_', '-'): f for name, f in globals().items() if name.startswith('case_')})
