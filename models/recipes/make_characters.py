#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_characters.py DIR: writes characters.tsv and traditional.tsv in DIR (dataset/lang/data), beside its lexicon.tsv.

    python3 -m venv v && v/bin/pip install pypinyin==0.55.0 pypinyin-dict==0.9.0
    v/bin/pip install --no-deps opencc-python-reimplemented==0.1.7
    v/bin/python models/recipes/make_characters.py dataset/lang/data

Readings of the characters that the lexicon lacks: the 8,105 of the table of 2013 as Unihan's kTGHZ2013 has them, the others of Unicode's first block by pypinyin (MIT).
Traditional forms of what the lexicon has: OpenCC's TSCharacters (Apache-2.0).
"""
import collections
import importlib.util
import os
import sys

import pypinyin
from pypinyin.contrib.tone_convert import to_tone3
from pypinyin_dict.pinyin_data import ktghz2013

from make_lexicon import bases, legal

RARER = 50  # times a traditional form is met than the simplified one, in a simplified text
SPOKEN = {"嗯": "en4"}  # the dictionary's ng4 is no syllable of ours
FIRST_BLOCK = range(0x4E00, 0xA000)


def in_lexicon(folder):
    """character -> how often it is met, in words and as a word; and those that are words"""
    out, words = collections.Counter(), set()
    with open(os.path.join(folder, "lexicon.tsv"), encoding="utf8") as f:
        for word, _, count, _, _ in (line.split("\t") for line in f if line[0] != "#"):
            for c in word:
                out[c] += int(count)
            if len(word) == 1:
                words.add(word)
    return out, words


def toned(reading):
    return to_tone3(reading.split(",")[0], neutral_tone_with_five=True).replace("ü", "v")


def traditional(known):
    """traditional -> simplified, of characters that simplified text does not have, or hardly (the lexicon's sources hold a few)"""
    path = os.path.join(os.path.dirname(importlib.util.find_spec("opencc").origin), "dictionary", "TSCharacters.txt")
    with open(path, encoding="utf8") as f:
        for line in f:
            old, new = line.rstrip("\n").split("\t")
            if old not in new and known[new[0]] > RARER * known[old] and ord(old) < 0x10000:
                yield old, new[0]


def write(folder, name, head, groups):
    with open(os.path.join(folder, name), "w", encoding="utf8") as f:
        print("# %s      made by models/recipes/make_characters.py" % head, file=f)
        for key, characters in sorted(groups.items()):
            print(key, "".join(sorted(characters)), sep="\t", file=f)


def main():
    folder, allowed = sys.argv[1], bases()
    counts, known = in_lexicon(folder)
    old = dict(traditional(counts))
    readings = {c: ktghz2013.pinyin_dict[c] for c in ktghz2013.pinyin_dict}
    for c in FIRST_BLOCK:
        if c not in readings and c in pypinyin.pinyin_dict.pinyin_dict:
            readings[c] = pypinyin.pinyin_dict.pinyin_dict[c]
    readings.update((ord(c), s) for c, s in SPOKEN.items())
    by_reading, by_simplified, left_out = collections.defaultdict(list), collections.defaultdict(list), []
    for code, reading in sorted(readings.items()):
        if chr(code) in known or chr(code) in old:
            continue
        if legal([toned(reading)], allowed):
            by_reading[toned(reading)].append(chr(code))
        else:
            left_out.append(chr(code))
    for c, simplified in old.items():
        by_simplified[simplified].append(c)
    write(folder, "characters.tsv", "reading, characters beside those of the lexicon (Unihan kTGHZ2013, pypinyin)", by_reading)
    write(folder, "traditional.tsv", "character of the lexicon, its traditional forms (OpenCC)", by_simplified)
    common = [c for c in ktghz2013.pinyin_dict if chr(c) not in known]
    print("%d characters, %d traditional; of the 8,105 the lexicon lacks %d; no reading of ours: %s" %
          (sum(map(len, by_reading.values())), len(old), len(common), "".join(left_out)))


if __name__ == "__main__":
    main()
