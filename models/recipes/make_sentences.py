#!/usr/bin/env python3
"""Sentences for the teacher to speak, beside the corpus: what its encyclopaedia lacks.

  make_sentences.py OUT.tsv [--seed 0] [--hsk 400] [--numbers 90] [--rounds 1] [--corpus DIR --from-corpus 0]

Writes `id<TAB>hanzi<TAB>pinyin` with sandhi applied, the kinds mixed, so that any first part of the list is a sample of the whole:
  s…  every toned syllable that a character has as a reading, alone, six to a line (a screen reader spells)
  h…  everyday sentences and questions, one or two to a line (hsk-sentences-audio, CC BY-SA, its texts only)
  n…  numbers, dates, times, prices, telephone numbers, lists, as they are read aloud
  c…  sentences of the corpus, for a second voice
Setup: pip install pypinyin jieba==0.42.1 hsk-sentences-audio==1.0.0
"""
import argparse
import importlib.util
import json
import os
import random
import re

import jieba
from pypinyin import Style, lazy_pinyin
from pypinyin import pinyin as all_pinyin

from phones import TABLE

HAN = re.compile("[\u4e00-\u9fff]")
SIGNS = {c: c for c in "，、。！？：；"}
DIGITS = "零一二三四五六七八九"


def readable(line):
    """Nothing but signs, one at a time, and syllables that the phone table knows."""
    return not re.search("[，、。！？：；] [，、。！？：；]", line) and all(w in SIGNS or (w and re.fullmatch("([a-zê]+[1-5])+", w) and all(s in TABLE for s in re.findall("([a-zê]+)[1-5]", w))) for w in line.split())


def pinyin(text):
    """Hanzi and signs -> words of toned syllables, tone sandhi applied by pypinyin; None: something cannot be said."""
    out = []
    for word in jieba.lcut(text):
        if HAN.match(word):
            out.append("".join(lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True, v_to_u=False)))
        elif word in SIGNS:
            out.append(word)
    line = " ".join(out)
    return line if readable(line) else None


def number(n):
    """0 … 99,999 as it is read."""
    if n < 10:
        return DIGITS[n]
    out, zero, s = "", False, str(n)
    for i, c in enumerate(s):
        unit = ["", "十", "百", "千", "万"][len(s) - 1 - i]
        if c == "0":
            zero = True
        else:
            out += ("零" if zero and out else "") + DIGITS[int(c)] + unit
            zero = False
    return out[1:] if out.startswith("一十") else out


def spelled(digits):
    return "".join("幺" if c == "1" else DIGITS[int(c)] for c in digits)


def numbers(lot, n):
    year = lambda: "".join(DIGITS[int(c)] for c in str(lot.randrange(1900, 2030)))
    forms = [
        lambda: f"{year()}年{number(lot.randrange(1, 13))}月{number(lot.randrange(1, 32))}日，星期{lot.choice('一二三四五六日')}。",
        lambda: f"现在是{lot.choice(['上午', '下午', '晚上'])}{number(lot.randrange(1, 13))}点{number(lot.randrange(1, 60))}分。",
        lambda: f"一共{number(lot.randrange(10, 9999))}元{DIGITS[lot.randrange(1, 10)]}角，对吗？",
        lambda: f"电话号码是{spelled(str(lot.randrange(10**10, 10**11)))}。",
        lambda: f"第{number(lot.randrange(1, 400))}页，第{number(lot.randrange(1, 40))}章。",
        lambda: f"增长了百分之{number(lot.randrange(1, 100))}点{DIGITS[lot.randrange(10)]}{DIGITS[lot.randrange(1, 10)]}。",
        lambda: f"{number(lot.randrange(2, 20))}分之{number(lot.randrange(1, 20))}加{number(lot.randrange(1, 99))}等于多少？",
        lambda: "、".join(number(lot.randrange(0, 10**lot.randrange(1, 6))) for _ in range(5)) + "。",
        lambda: f"零下{number(lot.randrange(1, 40))}度，{number(lot.randrange(100, 99999))}米，{number(lot.randrange(2, 100))}千克。",
    ]
    return [forms[i % len(forms)]() for i in range(n)]


def hsk(lot, n):
    folder = os.path.dirname(importlib.util.find_spec("hsk_sentences_audio").origin)
    with open(os.path.join(folder, "data", "sentences.json"), encoding="utf8") as f:
        texts = [r["chinese"] for r in json.load(f) if not re.search("[A-Za-z0-9]", r["chinese"])]
    lot.shuffle(texts)
    while texts and n > 0:
        line = texts.pop()
        while texts and len(line) < 14:
            line += texts.pop()
        yield line
        n -= 1


def lazy_readings(c):
    return [s for readings in all_pinyin(c, style=Style.TONE3, heteronym=True, neutral_tone_with_five=True, errors="ignore") for s in readings]


def syllables(lot):
    attested = set()
    for code in range(0x4E00, 0xA000):
        attested.update(s for s in lazy_readings(chr(code)) if readable(s))
    all_of_them = sorted(attested)
    lot.shuffle(all_of_them)
    return [" 、 ".join(all_of_them[i:i + 6]) + " 。" for i in range(0, len(all_of_them), 6)]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out"), ap.add_argument("--seed", type=int, default=0), ap.add_argument("--hsk", type=int, default=400)
    ap.add_argument("--numbers", type=int, default=90), ap.add_argument("--rounds", type=int, default=1, help="how often each syllable")
    ap.add_argument("--corpus"), ap.add_argument("--from-corpus", type=int, default=0)
    o = ap.parse_args()
    lot = random.Random(o.seed)
    jieba.setLogLevel(60)
    lists = {"s": [("", line) for _ in range(o.rounds) for line in syllables(lot)],
             "h": [(t, pinyin(t)) for t in hsk(lot, o.hsk)], "n": [(t, pinyin(t)) for t in numbers(lot, o.numbers)]}
    if o.corpus:
        with open(os.path.join(o.corpus, "meta.jsonl"), encoding="utf8") as f:
            rows = [r for r in map(json.loads, f) if r["split"] == "train"]
        lists["c"] = [(r["text"], r["pinyin"]) for r in lot.sample(rows, o.from_corpus)]
    lines = [((i + lot.random()) / len(items), f"{kind}{o.seed}{i:04}", text, said)
             for kind, items in lists.items() for i, (text, said) in enumerate(items) if said and readable(said)]
    with open(o.out, "w", encoding="utf8") as f:
        f.writelines(f"{key}\t{text}\t{said}\n" for _, key, text, said in sorted(lines))
    print({kind: sum(1 for x in lines if x[1][0] == kind) for kind in lists})


if __name__ == "__main__":
    main()
