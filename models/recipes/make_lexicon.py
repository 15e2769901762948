#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_lexicon.py DIR: writes DIR/lexicon.tsv and DIR/sandhi.tsv (DIR: dataset/lang/data).

    python3 -m venv v && v/bin/pip install jieba==0.42.1 pypinyin==0.55.0 && v/bin/python models/recipes/make_lexicon.py dataset/lang/data

Word counts are jieba's (dict.txt, MIT), readings are pypinyin's (MIT). The words of one toned reading are added up, and of the toned readings
that the braille cannot tell apart the rare ones go. "zhe4-" and "-zhe5" are the usual readings of a syllable at the beginning and later in a
word that is not in the list.
"""
import collections
import os
import re
import sys

import jieba
import pypinyin

N_WORDS = 130000
MIN_SHARE = 0.02  # of the most frequent reading of the same syllables
SAME_CELLS = {"o": "e", "lo": "luo", "nue": "nve", "lue": "lve", "me": "mo", "yo": "you"}  # as in dataset/lang/make_tables.py
LEFT_OUT = {"o", "lo", "yo"}  # interjections that would take the place of e, luo, you
# What follows a verb or noun is written with it but is in no dictionary of words; counts of text, not of words.
SUFFIXES = {"zhe": 5, "le": 5, "men": 5, "de": 5, "zi": 5, "guo": 4, "li": 3, "shang": 4, "xia": 4}
# Single words whose usual reading pypinyin does not give without a sentence.
SINGLE = {"地": "de5", "着": "zhe5", "了": "le5", "得": "de5", "都": "dou1", "还": "hai2", "只": "zhi3", "为": "wei2", "与": "yu3", "好": "hao3",
          "上": "shang4", "中": "zhong1", "吗": "ma5", "呢": "ne5", "吧": "ba5", "啊": "a5", "过": "guo4", "和": "he2", "那": "na4", "哪": "na3",
          "个": "ge4", "要": "yao4", "长": "chang2", "种": "zhong3", "数": "shu4", "行": "xing2", "重": "zhong4", "谁": "shui2"}


def bases():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../dataset/lang/data/syllables.tsv"), encoding="utf8") as f:
        return {line.split("\t")[0] for line in f if line[0] != "#"}


def readings(legal):
    """-> (word, [toned syllables], count) of jieba's words of one to four Chinese characters."""
    path = os.path.join(os.path.dirname(jieba.__file__), "dict.txt")
    with open(path, encoding="utf8") as f:
        for line in f:
            word, count, _ = line.split(" ")
            if not re.fullmatch(r"[\u4e00-\u9fff]{1,4}", word) or int(count) < 3:
                continue
            toned = [SINGLE[word]] if word in SINGLE else pypinyin.lazy_pinyin(
                word, style=pypinyin.Style.TONE3, neutral_tone_with_five=True, errors="ignore")
            if len(toned) == len(word):  # sandhi comes later, in dataset/lang/sandhi.c
                toned = ["yi1" if c == "一" else "bu4" if c == "不" else s for c, s in zip(word, toned)]
            if len(toned) == len(word) and all(s[:-1] in legal - LEFT_OUT and s[-1] in "12345" for s in toned):
                yield word, toned, int(count)


def same(base):
    return SAME_CELLS.get(base, base)


def choose(counts):
    """The best toned readings of each toneless one."""
    groups = collections.defaultdict(list)
    for toned, count in counts.items():
        groups[tuple(same(s[:-1]) for s in toned)].append((count, toned))
    out = []
    for group in groups.values():
        best = max(group)[0]
        out += [(count, toned) for count, toned in group if len(toned) == 1 or count >= MIN_SHARE * best]
    single = [e for e in out if len(e[1]) == 1]
    longer = sorted((e for e in out if len(e[1]) > 1), key=lambda e: (-e[0], e[1]))
    return single + longer[:N_WORDS - len(single)]


def inside(words, first):
    """The usual tone of each syllable inside words, where it is the first one or a later one."""
    counts = collections.defaultdict(collections.Counter)
    for _, toned, count in words:
        for i, s in enumerate(toned):
            counts[same(s[:-1])][s] += count * (1 if len(toned) > 1 and (i == 0) == first else 0.02)
    out = []
    for base, tones in counts.items():
        syllable, count = tones.most_common(1)[0]
        suffix = base in SUFFIXES and not first
        out.append(("%s%d" % (base, SUFFIXES[base]) if suffix else syllable, max(1, round(count))))
    return sorted(out)


def keepers(words):
    """Pairs whose first syllable sounds like yi1 (one) or bu4 (not) but mostly is another word: they know no sandhi."""
    counts = collections.defaultdict(lambda: [0, 0])
    for word, toned, count in words:
        for i in range(len(word) - 1):
            if toned[i] in ("yi1", "bu4"):
                counts[toned[i], toned[i + 1]][word[i] in "一不"] += count
    return sorted((pair, other, numeral) for pair, (other, numeral) in counts.items() if other > numeral)


def main():
    words = list(readings(bases()))
    counts = collections.Counter()
    for _, toned, count in words:
        counts[tuple(toned)] += count
    with open(os.path.join(sys.argv[1], "lexicon.tsv"), "w", encoding="utf8") as f:
        print("# toned word\tcount      made by models/recipes/make_lexicon.py from jieba 0.42.1 (MIT, counts) and pypinyin 0.55.0 (MIT, readings)", file=f)
        rows = [("".join(toned), count) for count, toned in choose(counts)]
        for toned, count in sorted(rows):
            print(toned, count, sep="\t", file=f)
        for toned, count in inside(words, True):
            print(toned + "-", count, sep="\t", file=f)
        for toned, count in inside(words, False):
            print("-" + toned, count, sep="\t", file=f)
    with open(os.path.join(sys.argv[1], "sandhi.tsv"), "w", encoding="utf8") as f:
        print("# pairs that keep their tones: first, second, count of other words, count with yi1 (one) or bu4 (not)      made by make_lexicon.py", file=f)
        for (first, second), other, numeral in keepers(words):
            print(first, second, other, numeral, sep="\t", file=f)


if __name__ == "__main__":
    main()
