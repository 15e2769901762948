#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_code_cases.py SENTENCES.tsv > tests/data/code-louis.tsv: the same sentences in every code, by liblouis, for dataset/lang/choose.c.

Needs lou_translate (liblouis-bin 3.24). SENTENCES: id, text, its pinyin word by word (docs/contracts.md); the words of the pinyin are parted in the text,
so that the braille has the blanks that books have. "sparse" is Current Braille without tones (books print few), "full" with all of them.
"""
import re
import subprocess
import sys

TABLES = {"full": "zhcn-g1.ctb", "sparse": "zh_CHN.tbl", "common": "zhcn-cbs.ctb", "two-cell": "zhcn-g2.ctb"}


def spaced(text, pinyin):
    """The text with blanks between the words of its pinyin, or None where they do not fit together."""
    out, at = "", 0
    for word in pinyin.split():
        n = len(re.findall("[a-z]+[1-5]", word))
        part = text[at:at + (n or len(word))]
        if n and len(part) == n and all("\u4e00" <= c <= "\u9fff" for c in part):
            out += " " * bool(out and out[-1] not in "“‘（《") + part
        elif not n and part == word:
            out += part
        else:
            return None
        at += len(part)
    return out if at == len(text) else None


def louis(table, texts):
    run = subprocess.run(["lou_translate", "-f", "unicode.dis," + table], input="\n".join(texts) + "\n", capture_output=True, text=True, check=True)
    return [line.strip("\u2800 ").replace(" ", "\u2800") for line in run.stdout.split("\n")[:len(texts)]]


def main():
    with open(sys.argv[1], encoding="utf8") as f:
        sentences = [(text, pinyin) for _, text, pinyin in (line.rstrip("\n").split("\t") for line in f)]
    kept = [(text, pinyin, s) for text, pinyin in sentences if (s := spaced(text, pinyin))]
    print("# manner\tbraille by liblouis 3.24\tpinyin (with sandhi, as spoken)      made by models/recipes/make_code_cases.py; texts: g2pM's CPP (Wikipedia, CC BY-SA)")
    for manner, table in TABLES.items():
        for (text, pinyin, _), braille in zip(kept, louis(table, [s for _, _, s in kept])):
            if all(0x2800 <= ord(c) < 0x2840 for c in braille):  # eight dots: liblouis has no cells for a character
                print(manner, braille, pinyin, sep="\t")


if __name__ == "__main__":
    main()
