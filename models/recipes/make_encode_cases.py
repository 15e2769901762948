#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_encode_cases.py HELDOUT.tsv > tests/data/encode-louis.tsv: liblouis as the oracle of dataset/lang/encode.c.

Needs lou_translate (liblouis-bin 3.24: zhcn-g1, zhcn-cbs, zhcn-g2) and pypinyin 0.55. For each toned syllable and code: the cells that most of its
characters have in liblouis; pairs of neighbours with one reading each from the sentences of HELDOUT (g2pM's CPP), asked for as a word; the signs; some
numbers. Where ours differs the last column says why; tests/unit/test-encode.c finds differences without a
reason, and reasons without a difference.
"""
import collections
import os
import re
import subprocess
import sys

import pypinyin

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
DATA = os.path.join(ROOT, "dataset/lang/data")
TABLES = {"current": "zhcn-g1.ctb", "common": "zhcn-cbs.ctb", "two-cell": "zhcn-g2.ctb"}
SIGNS = "，。、；：？！“”‘’（）［］｛｝《》〈〉·～"
NUMBERS = ["0", "7", "24", "248", "1999", "3.14", "50%"]
ENGLISH = "liblouis falls back on English braille"
BLANK = "liblouis puts a blank before the percent sign; books of Current Braille (DSBI) do not"
RARE = "liblouis has other readings for the few characters of this one"
REASONS = {
    ("current", "……"): "liblouis writes 6 6 6; books of Current Braille (DSBI) and liblouis' own zhcn-cbs write 5 5 5",
    ("current", "·"): ENGLISH,
    ("current", "zai4zuo4"): "liblouis leaves the tone of 在 out in some of its phrases",
    ("current", "zai4ri4"): "liblouis leaves the tone of 在 out in some of its phrases",
    ("common", "·"): ENGLISH,
    ("common", "｛"): "liblouis writes 56 26; Common Braille keeps the signs of Current Braille, and our table of those has 56 36",
    ("common", "｝"): "liblouis writes 35 23; Common Braille keeps the signs of Current Braille, and our table of those has 36 23",
    ("common", "ni3"): "ours is the short word 你; liblouis was asked for other characters of this reading",
    ("common", "ta1"): "ours is the short word 他; liblouis was asked for other characters of this reading",
}
for code in TABLES:
    REASONS.update({(code, "〈"): ENGLISH, (code, "〉"): ENGLISH, (code, "50%"): BLANK, (code, "ei2"): RARE})


def louis(code, texts):
    """Each text alone, in one run."""
    run = subprocess.run(["lou_translate", "-f", "unicode.dis," + TABLES[code]], input="\n".join(texts) + "\n", capture_output=True, text=True, check=True)
    lines = run.stdout.split("\n")
    assert len(lines) >= len(texts)
    return [line.strip("\u2800 ") for line in lines[:len(texts)]]


def syllables():
    with open(os.path.join(DATA, "syllables.tsv"), encoding="utf8") as f:
        return {line.split("\t")[0] for line in f if line[0] != "#"}


def readings(chars, known):
    """toned syllable -> (character, votes): one that has no other reading says more than one that has"""
    out = collections.defaultdict(list)
    for c in chars:
        found = pypinyin.pinyin(c, style=pypinyin.Style.TONE3, heteronym=True, neutral_tone_with_five=True)[0]
        if found[0][:-1] in known and found[0][-1] != "5":
            out[found[0]].append((c, 3 if len(found) == 1 else 1))
    return out


def vote(own, cells):
    """The cells that more than half of the votes are for, or None."""
    votes = collections.Counter()
    for c, n in own:
        if cells[c] and all(0x2800 < ord(b) < 0x2840 for b in cells[c]):
            votes[cells[c]] += n
    best = votes.most_common(1)
    return best[0][0] if best and best[0][1] >= 3 and best[0][1] * 2 > sum(votes.values()) else None


def words(sentences):
    """Neighbours in a sentence with one reading each: (characters, pinyin)."""
    for text in sentences:
        for i in range(len(text) - 1):
            found = pypinyin.pinyin(text[i:i + 2], style=pypinyin.Style.TONE3, heteronym=True, neutral_tone_with_five=True)
            alone = [pypinyin.pinyin(c, style=pypinyin.Style.TONE3, heteronym=True, neutral_tone_with_five=True)[0] for c in text[i:i + 2]]
            if found == alone and all(len(f) == 1 and re.fullmatch("[a-z]+[1-5]", f[0]) for f in found):
                yield text[i:i + 2], "".join(f[0] for f in found)


def main():
    known = syllables()
    chars = [c for c in map(chr, range(0x4E00, 0x9FA6)) if c.encode("gb2312", "ignore")]  # the usual ones: of rare characters the dictionaries differ
    single = readings(chars, known)
    sentences = [line.rstrip("\n").split("\t")[1] for line in open(sys.argv[1], encoding="utf8")]
    pairs = sorted(words(sentences))[::5]
    print("# code\tlabel\tbraille by liblouis 3.24\twhy ours differs      made by models/recipes/make_encode_cases.py; words of g2pM's CPP (Wikipedia, CC BY-SA)")
    n = collections.Counter()
    for code in TABLES:
        cells = dict(zip(chars, louis(code, chars)))
        for toned, own in sorted(single.items()):
            braille = vote(own, cells)
            if braille:
                emit(code, toned, braille, n)
        for (word, toned), braille in zip(pairs, louis(code, [word for word, _ in pairs])):
            if "\u2800" not in braille:  # liblouis takes it for one word
                emit(code, toned, braille, n)
        for sign in list(SIGNS) + ["……", "——"]:
            if not (code == "two-cell" and sign in "·｛｝"):  # its table has none
                emit(code, sign, louis(code, ["好" + sign + "好"])[0].replace(cells["好"], "").strip("\u2800"), n)
        for number in NUMBERS:
            emit(code, number, louis(code, [number])[0], n)
    print(dict(n), file=sys.stderr)


def emit(code, label, braille, n):
    print(code, label, braille, REASONS.get((code, label), ""), sep="\t")
    n[code] += 1


if __name__ == "__main__":
    main()
