#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_phone_cases.py META.jsonl > tests/data/lang-phones.tsv: pinyin and its phones by phones.py, the reference of lang_phones() in C.

Every 26th sentence of the corpus, and then whatever brings a syllable that was not seen yet, so that each of the corpus is there.
"""
import json
import re
import sys

from phones import phones


def main():
    lines = [json.loads(line)["pinyin"] for line in open(sys.argv[1], encoding="utf8")]
    chosen = lines[::26]
    seen = set(re.findall(r"[a-z]+[1-5]", " ".join(chosen)))
    bases = {s[:-1] for s in seen}
    for line in lines:
        new = {s[:-1] for s in re.findall(r"[a-z]+[1-5]", line)} - bases
        if new:
            chosen.append(line)
            bases |= new
    print("# pinyin\tphone:tone:position ...      made by models/recipes/make_phone_cases.py with phones.py; texts: g2pM's CPP (Wikipedia, CC BY-SA)")
    for line in chosen:
        print(line, " ".join("%s:%d:%d" % p for p in phones(line)[0]), sep="\t")
    print(f"{len(chosen)} sentences, {len(bases)} bases", file=sys.stderr)


if __name__ == "__main__":
    main()
