#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""measure-reading.py PROGRAM SENTENCES.jsonl|hsk [--show N]: how many syllables of Hanzi text are read as the reference has them.

    v/bin/pip install hsk-sentences-audio==1.0.0
    v/bin/python tests/bench/measure-reading.py build/tests/bench/lang-utterance ../shared/data/voice-zf-xiaobei/meta.jsonl

PROGRAM is tests/bench/lang-utterance.c. SENTENCES.jsonl has "text" and "pinyin" with sandhi (g2pM's readings of Wikipedia's clauses, third tones, bu and yi by
our rules); "hsk" stands for the 4,354 sentences of hsk-sentences-audio (dictionary readings of its words, without sandhi). Neither was used to build the lexicon. Sentences with letters
or digits, and references of another length, are left out and counted.
"""
import argparse
import collections
import importlib.util
import json
import os
import re
import subprocess

HAN = re.compile("[\u4e00-\u9fff]")
SYLLABLE = re.compile("[a-z]+[1-5]")


def plain(s):
    s = s.lower().replace("u:", "v").replace("ü", "v")
    return "er5" if s == "r5" else s


def hsk():
    folder = os.path.dirname(importlib.util.find_spec("hsk_sentences_audio").origin)
    for row in json.load(open(os.path.join(folder, "data", "sentences.json"), encoding="utf8")):
        yield row["chinese"], [plain(s) for s in row["pinyin_numbered"].split()]


def corpus(path):
    for line in open(path, encoding="utf8"):
        row = json.loads(line)
        yield row["text"], SYLLABLE.findall(row["pinyin"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("sentences")
    parser.add_argument("--show", type=int, default=0)
    args = parser.parse_args()
    rows = list(hsk() if args.sentences == "hsk" else corpus(args.sentences))
    kept = [(t, p) for t, p in rows if len(HAN.findall(t)) == len(p) and not re.search("[A-Za-z0-9０-９]", t) and all(map(SYLLABLE.fullmatch, p))]
    said = subprocess.run([args.program, "text"] + (["raw"] if args.sentences == "hsk" else []), input="\n".join(t for t, _ in kept) + "\n",
                          capture_output=True, text=True, check=True).stdout.split("\n")
    n = wrong = wrong_tone = lost = 0
    neutral = 0
    confusions = collections.Counter()
    for (text, want), line in zip(kept, said):
        got = SYLLABLE.findall(line.split("\t")[0])
        if len(got) != len(want):
            lost += 1
            continue
        for c, a, b in zip(HAN.findall(text), want, got):
            n += 1
            wrong += a[:-1] != b[:-1]
            wrong_tone += a != b
            neutral += a[:-1] == b[:-1] and a != b and "5" in a[-1] + b[-1]
            if a != b:
                confusions[c, a, b] += 1
    print("%d of %d sentences, %d syllables; not of one length %d; wrong %.2f %%, with tones %.2f %%, of these neutral or full %.2f %%" %
          (len(kept), len(rows), n, lost, 100 * wrong / n, 100 * wrong_tone / n, 100 * neutral / n))
    for (c, a, b), count in confusions.most_common(args.show):
        print(count, c, "reference", a, "we", b)


if __name__ == "__main__":
    main()
