#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_lexicon_tables.py SYLLABLES.tsv LEXICON.tsv PAIRS.tsv CLASSES.tsv CHARACTERS.tsv TRADITIONAL.tsv OUT.c: the lexicon of dataset/lang as constant C arrays (run by meson)."""
import math
import re
import sys

from make_tables import USUAL, rows

APART = 0.2  # of the uses of a word of the lexicon are written as two in braille
LEAST_APART = 60  # in 10^9
TOP_PAIR = 0.6  # of what follows a word: what the counts of pairs, which come from other texts, are held to


def cost(count, total):
    return min(65535, round(-256 * math.log(count / total)))


def numbers(out, kind, name, values):
    print("const %s %s[] = {" % (kind, name), file=out)
    for i in range(0, len(values), 24):
        print("    %s," % ",".join(map(str, values[i:i + 24])), file=out)
    print("};\n", file=out)


class Lexicon:
    def __init__(self, syllables, path):
        bases = sorted(base for base, _, _ in rows(syllables))
        self.n_bases = len(bases)
        self.index = {base: n for n, base in enumerate(bases)}
        self.usual = [self.index[USUAL.get(base, base)] for base in bases]
        self.entries = []  # key, count, word, codes, class
        self.inside = []  # key, count, character, code
        for word, pinyin, count, tag, inside in rows(path):
            codes = [(self.index[base] + 1) * 8 + int(tone) for base, tone in re.findall("([a-z]+)([1-5])", pinyin)]
            assert len(codes) == len(word) <= 8, word
            key = [self.usual[c // 8 - 1] for c in codes]
            self.entries.append((key, -int(count), word, codes, tag))
            if inside and int(inside) > 0:
                self.inside.append((key[0], -int(inside), word, codes[0]))
        self.entries.sort()
        self.inside.sort()
        self.total = -sum(e[1] for e in self.entries)
        self.place = {}  # word -> the entry of its most frequent reading
        for n, (_, count, word, _, _) in enumerate(self.entries):
            if word not in self.place or count < self.entries[self.place[word]][1]:
                self.place[word] = n

    def count(self, word):
        return -self.entries[self.place[word]][1]


def emit_entries(out, lexicon, classes):
    first = 0
    print("const struct lang_entry lang_entries[] = {", file=out)
    for _, count, word, _, tag in lexicon.entries:
        print("    {%d,%d,%d,%d}," % (first, cost(-count, lexicon.total), len(word), classes[tag]), file=out)
        first += len(word)
    print("};\nconst size_t lang_n_entries = %d;\n" % len(lexicon.entries), file=out)
    numbers(out, "uint16_t", "lang_entry_codes", [code for e in lexicon.entries for code in e[3]])
    numbers(out, "uint16_t", "lang_entry_hanzi", [ord(c) for e in lexicon.entries for c in e[2]])
    numbers(out, "uint32_t", "lang_by_hanzi", sorted(range(len(lexicon.entries)), key=lambda n: (lexicon.entries[n][2], n)))


def emit_characters(out, lexicon, characters, traditional):
    codes = {ord(c): (lexicon.index[s[:-1]] + 1) * 8 + int(s[-1]) for s, text in rows(characters) for c in text}
    print("const struct lang_character lang_characters[] = {", file=out)
    for c, code in sorted(codes.items()):
        print("    {%d,%d}," % (c, code), file=out)
    print("};\nconst size_t lang_n_characters = %d;\n" % len(codes), file=out)
    forms = {ord(c): ord(new) for new, text in rows(traditional) for c in text}
    print("const struct lang_form lang_forms[] = {", file=out)
    for c, new in sorted(forms.items()):
        print("    {%d,%d}," % (c, new), file=out)
    print("};\nconst size_t lang_n_forms = %d;\n" % len(forms), file=out)


def emit_inside(out, lexicon):
    total, begins = -sum(e[1] for e in lexicon.inside), [0] * (lexicon.n_bases + 1)
    print("const struct lang_inside lang_inside[] = {", file=out)
    for base, count, c, code in lexicon.inside:
        begins[base + 1] += 1
        print("    {%d,%d,%d}," % (code, ord(c), cost(-count, total)), file=out)
    print("};\n", file=out)
    for n in range(lexicon.n_bases):
        begins[n + 1] += begins[n]
    numbers(out, "uint16_t", "lang_inside_first", begins)


def all_pairs(lexicon, path):
    """(word, next word) -> (count, 1 only where a gap is between them): those of the file, and the parts of longer words, which braille may write apart."""
    pairs = {}
    for first, second, count in rows(path):
        if first in lexicon.place and second in lexicon.place:
            pairs[first, second] = int(count), 0
    for word in lexicon.place:
        count = lexicon.count(word) * APART
        for k in range(1, len(word) if count >= LEAST_APART and len(word) <= 4 else 0):
            pair = word[:k], word[k:]
            if all(part in lexicon.place for part in pair) and count > pairs.get(pair, (0, 0))[0]:
                pairs[pair] = count, 1
    return pairs


def emit_pairs(out, lexicon, path):
    pairs = []
    for (first, second), (count, apart) in all_pairs(lexicon, path).items():
        share = min(TOP_PAIR, count / lexicon.count(first))
        pairs.append((lexicon.place[first], lexicon.place[second], cost(share, 1), apart))
    print("const struct lang_pair lang_pairs[] = {", file=out)
    for pair in sorted(pairs):
        print("    {%d,%d,%d,%d}," % pair, file=out)
    print("};\nconst size_t lang_n_pairs = %d;\n" % len(pairs), file=out)


def emit_classes(out, classes, gains):
    names = sorted(classes, key=classes.get)
    print("_Static_assert(LANG_N_CLASSES == %d, \"as many as data/classes.tsv has\");" % len(names), file=out)
    print("const int16_t lang_class_gain[LANG_N_CLASSES][LANG_N_CLASSES] = {", file=out)
    for a in names:
        print("    {%s}," % ",".join(str(gains.get((a, b), 0)) for b in names), file=out)
    print("};", file=out)
    print("const char lang_class_names[LANG_N_CLASSES][4] = { %s };" % ", ".join('"%s"' % name for name in names), file=out)
    for name, tag in (("start", "^"), ("number", "m"), ("noun", "n"), ("preposition", "p"), ("conjunction", "c"), ("adverb", "d"), ("measure", "q"),
                      ("pronoun", "r"), ("verb", "v"), ("of", "uj"), ("mood", "y"), ("place", "f"), ("perfect", "ul")):
        print("const uint8_t lang_class_%s = %d;" % (name, classes[tag]), file=out)


def main():
    lexicon = Lexicon(sys.argv[1], sys.argv[2])
    gains = {(a, b): int(gain) for a, b, gain in rows(sys.argv[4])}
    tags = {e[4] for e in lexicon.entries} | {tag for pair in gains for tag in pair}
    classes = {tag: n for n, tag in enumerate(sorted(tags))}
    with open(sys.argv[7], "w", encoding="utf8") as out:
        print("/* SPDX-License-Identifier: Apache-2.0\n *\n * Made by dataset/lang/make_lexicon_tables.py from dataset/lang/data.\n */\n"
              '#include "lang/tables.h"\n', file=out)
        emit_entries(out, lexicon, classes)
        emit_inside(out, lexicon)
        emit_pairs(out, lexicon, sys.argv[3])
        emit_classes(out, classes, gains)
        emit_characters(out, lexicon, sys.argv[5], sys.argv[6])


if __name__ == "__main__":
    main()
