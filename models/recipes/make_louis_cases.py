#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_louis_cases.py HELDOUT.tsv > tests/data/lang-louis.tsv: liblouis as the oracle of dataset/lang/decode.c.

Needs lou_translate (liblouis-bin, table zhcn-g1.ctb) and pypinyin. Each sentence is written in braille by liblouis; the expected pinyin comes from
pypinyin. A sentence stays where both, put into cells by the table in dataset/lang/data, are the same cells: a case then says nothing about
polyphones, on which two dictionaries differ, only about reading cells. Word borders are those that liblouis writes.
"""
import os
import re
import subprocess
import sys

import pypinyin

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(ROOT, "dataset/lang"))
import make_tables  # noqa: E402

EXTRA = ["这是我们的第一本书。", "你叫什么名字？", "真好！", "《红楼梦》", "（一）绪论", "老师说：“下课。”", "长江、黄河；大海……", "中国——我的家",
         "怎么办？", "他有24本书。", "圆周率是3.14。", "1999年", "约有50%", "花儿和鸟儿", "女儿去旅行", "略微学习", "翁老先生", "俊雄穷困", "日出而作，日入而息。"]
SAME = {"o": "e", "lo": "luo", "nue": "nve", "lue": "lve", "yo": "you"}


def louis(text):
    out = subprocess.run(["lou_translate", "-f", "unicode.dis,zhcn-g1.ctb"], input=text + "\n", capture_output=True, text=True, check=True).stdout
    return [ord(c) - 0x2800 for c in out.strip("\n")]


def tokens(text, code, table):
    """-> (kind, pinyin or sign, cells) of the text, or None where it holds something else."""
    out, i = [], 0
    signs = {}
    for sign, cells in code["punct"]:
        signs.setdefault(sign, cells)
    tones = {str(n + 1): cells for n, (_, cells) in enumerate(code["tone"])}
    readings = pypinyin.lazy_pinyin(text, style=pypinyin.Style.TONE3, neutral_tone_with_five=True, errors=list)
    digits = dict(code["digit"])
    while i < len(text):
        number = re.match(r"\d+(\.\d+)?", text[i:])
        if number:
            cells = [0x3C] + [c for d in number[0] for c in (digits[d] if d != "." else [0x04])]
            out.append(("number", number[0], cells))
            i += len(number[0])
        elif text[i:i + 2] in ("……", "——"):
            out.append(("sign", text[i:i + 2], signs[text[i:i + 2]]))
            i += 2
        elif text[i] in signs:
            out.append(("sign", text[i], signs[text[i]]))
            i += 1
        elif "\u4e00" <= text[i] <= "\u9fff" and len(readings) == len(text):
            base, tone = readings[i][:-1], readings[i][-1]
            if base not in table:
                return None
            base = SAME.get(base, base)
            out.append(("syllable", base + (tone if tone != "5" else ""), make_tables.base_cells(*table[base], code) + tones.get(tone, [])))
            i += 1
        else:
            return None
    return out


def expect(cells, parts):
    """The pinyin with liblouis' blanks as word borders, or None where the cells differ."""
    out, at, glue = "", 0, False
    for kind, text, own in parts:
        while at < len(cells) and cells[at] == 0:
            at, glue = at + 1, False
        if cells[at:at + len(own)] != own:
            return None
        at += len(own)
        joined = glue and kind == "syllable"
        if out and not joined:
            out += " "
        elif joined and text[0] in "aoe" and out[-1] not in "12345":
            out += "'"
        out, glue = out + text, kind == "syllable"
    return out if not any(cells[at:]) else None


def main():
    code = make_tables.braille(os.path.join(ROOT, "dataset/lang/data/current_chinese_braille.tsv"))
    table = {r[0]: (r[1], r[2]) for r in make_tables.rows(os.path.join(ROOT, "dataset/lang/data/syllables.tsv"))}
    texts = EXTRA + [line.rstrip("\n").split("\t")[1] for line in open(sys.argv[1], encoding="utf8")]
    print("# text\tbraille by liblouis 3.24 zhcn-g1\tpinyin by pypinyin 0.55      made by models/recipes/make_louis_cases.py; texts: g2pM's CPP (Wikipedia, CC BY-SA) and our own")
    kept = 0
    for text in texts:
        parts = tokens(text, code, table)
        cells = louis(text)
        pinyin = expect(cells, parts) if parts else None
        if pinyin:
            kept += 1
            print(text, "".join(chr(0x2800 + c) for c in cells), pinyin, sep="\t")
    print(f"{kept} of {len(texts)} sentences are the same in both", file=sys.stderr)


if __name__ == "__main__":
    main()
