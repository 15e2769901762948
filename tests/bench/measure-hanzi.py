#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""measure-hanzi.py PROGRAM SENTENCES.jsonl [--code NAME] [--tones all|none|books] [--errors N] [--every N]: how many Hanzi and tones of sentences come back.

    python3 -m venv v && v/bin/pip install jieba==0.42.1 g2pM==0.1.2.5 numpy hsk-sentences-audio==1.0.0
    v/bin/python tests/bench/measure-hanzi.py build/tests/bench/lang-senses ../shared/data/voice-zf-xiaobei/meta.jsonl

PROGRAM is tests/bench/lang-senses.c. The sentences were not used to build the lexicon: meta.jsonl is g2pM's CPP set (Chinese Wikipedia), with
the tones that g2pM gives; the name "hsk" stands for the 4,354 sentences of hsk-sentences-audio (CC BY-SA, its own tones). Words are parted as jieba
does, encoded, decoded and read with the lexicon. --tones (Current Braille only; the other codes write their own): all, none, or as many as books
print, each tone with the probability that DSBI's books print it in words of as many syllables (the books choose those that are needed).
"""
import argparse
import collections
import importlib.util
import json
import os
import random
import re
import subprocess
import sys

import jieba

ALONE = {"zhi", "chi", "shi", "ri", "zi", "ci", "si"}
HAN = re.compile("[\u4e00-\u9fff]")
SIGNS = set("，。、；：？！“”‘’（）《》")
# Share of syllables whose tone is printed, by syllables of the word, in the recto pages of DSBI whose words mostly have none (1,573 words).
BOOKS = {1: 0.11, 2: 0.10, 3: 0.14, 4: 0.16}


def plain(s):
    s = s.replace("u:", "v").replace("ü", "v").lower()
    return "er5" if s == "r5" else s


def cpp(path):
    from g2pM import G2pM
    model = G2pM()
    for line in open(path, encoding="utf8"):
        text = json.loads(line)["text"]
        yield text, model(text, char_split=True, tone=True)


def hsk():
    folder = os.path.dirname(importlib.util.find_spec("hsk_sentences_audio").origin)
    for row in json.load(open(os.path.join(folder, "data", "sentences.json"), encoding="utf8")):
        text = row["chinese"]
        said = [s for s in map(plain, row["pinyin_numbered"].split()) if re.fullmatch("[a-z]+[1-5]", s)]
        if len(said) == len(HAN.findall(text)) and not re.search("[A-Za-z0-9]", text):
            it = iter(said)
            yield text, [next(it) if HAN.match(c) else c for c in text]


def words(text, said):
    """-> (words of [(hanzi, toned)] or a sign)"""
    at = 0
    for word in jieba.lcut(text):
        part = [(c, plain(s)) for c, s in zip(word, said[at:at + len(word)])]
        at += len(word)
        if all(HAN.match(c) for c in word):
            yield part
        else:
            yield from (c for c in word if c in SIGNS)


def spelled(word, tones, lot):
    if isinstance(word, str):
        return word
    share = {"all": 1, "none": 0, "books": BOOKS[min(len(word), 4)]}[tones]
    out = []
    for k, (_, s) in enumerate(word):
        # shi'wu without a tone is shu
        joins = s[:-1] in ALONE and k + 1 < len(word) and word[k + 1][1][0] in "aeowy"
        out.append(s if joins or lot.random() < share else s[:-1])
    return "'".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("sentences")
    parser.add_argument("--code", default="current")
    parser.add_argument("--tones", default="all")
    parser.add_argument("--errors", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    jieba.setLogLevel(60)
    lot = random.Random(1)
    texts = [list(words(text, said)) for text, said in (hsk() if args.sentences == "hsk" else cpp(args.sentences))][::args.every]
    lines = ["%s\t%s" % (args.code, " ".join(spelled(w, args.tones, lot) for w in text)) for text in texts]
    done = subprocess.run([args.program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    n = hanzi = tones = nearly = lost = 0
    wrong = collections.Counter()
    for text, answer in zip(texts, done.stdout.splitlines()):
        gold = [pair for word in text if not isinstance(word, str) for pair in word]
        got = [pair.split("/") for pair in answer.split()]
        if len(got) != len(gold):  # read as other syllables
            lost += 1
            got = [("", "")] * len(gold)
        for (c, s), (pinyin, h) in zip(gold, got):
            n += 1
            hanzi += c == h
            tones += s[-1:] == pinyin[-1:]
            nearly += s[-1:] == pinyin[-1:] or (pinyin != "" and "5" in (s[-1], pinyin[-1]))
            if c != h:
                wrong[c, h] += 1
    print(f"{len(texts)} sentences, {n} syllables: hanzi {hanzi / n:.4f}, tones {tones / n:.4f}, with neutral ones as good as full ones {nearly / n:.4f}; {lost} sentences read as other syllables; "
          f"{done.stderr.strip()}")
    if args.errors:
        print(wrong.most_common(args.errors))


if __name__ == "__main__":
    main()
