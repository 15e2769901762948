#!/usr/bin/env python3
"""Cases for tests/unit/test-wordpiece.c: texts, hostile ones too, and the ids that transformers' BertTokenizer gives them.

  make_wordpiece_cases.py OUT.jsonl [--vocab FILE] [--random N] [--cn-clip FOLDER]

The first line is the vocabulary, each other one [text, ids]. Both of transformers' tokenisers are asked (the one in Python and the one in
Rust) and, with --cn-clip, that of OFA-Sys (the package cn_clip, unpacked in FOLDER), which the models were trained with. Where they differ
OFA-Sys is followed: it keeps characters of private use and those that Unicode has not, and takes words of up to 200 characters. Without it
texts on which the two of transformers differ are left out; how many is printed.
"""
import argparse
import json
import pathlib
import random
import sys
import tempfile
import unicodedata

from transformers import BertTokenizer
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

TEXTS = [
    "", " ", "\t\n\r ", "一只猫坐在窗台上", "Hello, World!", "hElLo\u00a0wOrLd", "naïve café Ångström", "ｈｅｌｌｏ　１２３", "zhong1guo2 shuang1 ni3", "zhōngguó lǜ",
    "她说：“你好！”", "‘a’ ‹b› «c»", "a.b,c;d:e!f?g", "[CLS] [SEP] [PAD] [MASK] [UNK]", "##ong ##a a##b", "a-b_c+d=e<f>g|h~i`j^k$l", "12.5％ 50% £3 €4 ¥5",
    "猫cat猫", "夜" * 70, "a" * 100, "ab" * 60 + "!", "a\u0301e\u0308\u0323o", "\u0301abc", "e\u0301" * 30, "한국어 각", "ﬁn ﬂ ½ ² ™", "İstanbul IĞDIR ß ẞ", "Ω K Å",
    "日本語カタカナひらがなガ゙", "\u3400\u4dbf\u9fff\uf900\ufaff", "𠀀𪛖𪜀𫝀𫠠𬺡丽", "😀👩‍👩‍👧 👍🏽", "a\u200bb\u200cc\u200dd\ufeffe\u00adf", "\u202eabc\u202c", "a\x01b\x07c\x7fd\x85e\x9f",
    "a\u2028b\u2029c\u3000d\u2003e", "\ufffd\ufffda", "नमस्ते दुनिया", "ไทย ภาษา", "العربية ١٢٣", "עִבְרִית", "ʼn ŉ ǰ", "x\u0327\u0323y", "ａ̈", "—…·、。「」『』【】〈〉", "♪♫♬ 𝔄𝕏 𝟙", "¿Qué? ¡Sí!", "a\ue000b", "\U000f0000",
    "hello" * 50, "猫" * 20 + "zhong" * 20, "0" * 201, "0" * 200, "a b  c   d", "!!!???", "tel:138-0013-8000", "3.14159e-10", "C++ & F#", "中 文\u4e00a\u4e8cb",
]


def vocabulary():
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    vocab = ["[PAD]", "[unused1]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(chr, [*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127)]), *letters]
    vocab += ["##" + s for s in letters] + ["##ong", "##uan", "##1", "zh", "sh", "hello", "hel", "##lo", "world", "##ld", "cat", "naive", "cafe", "angstrom", "##trom"]
    vocab += [*"一只猫坐在窗台上她说你好夜日本中文二丽。，！？：“”、·…—「」é", "##å", "ω", "k", "ß", "i", "は", "##は", "가", "ᄀ", "##ᅡ", "##ᆨ", "न", "##म", "①", "½", "😀", "\u0301", "x̧"]
    return list(dict.fromkeys(vocab))


def hostile(rng, vocab):
    """A text of pieces, letters of any script, marks, signs, controls."""
    def one():
        kind = rng.randrange(12)
        if kind < 3:
            return rng.choice(vocab).removeprefix("##")
        if kind < 5:
            return chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xa0, 0x250)]))
        if kind < 6:
            return chr(rng.randrange(0x300, 0x370))
        if kind < 8:
            return rng.choice(" \t\n\u3000\u00a0\u2028.,!?-_“”")
        c = chr(rng.choice([rng.randrange(1, 0x800), rng.randrange(0x800, 0xd800), rng.randrange(0xf900, 0x10000), rng.randrange(0x10000, 0x30000)]))
        if unicodedata.category(c) == "Cn" or c == "Σ":  # a later Unicode may have it; ς is not made
            return "?"
        return c * rng.choice((1, 1, 1, 2))
    return "".join(one() for _ in range(rng.randrange(1, 40)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out"), p.add_argument("--vocab"), p.add_argument("--random", type=int, default=150), p.add_argument("--cn-clip")
    args = p.parse_args()
    vocab = pathlib.Path(args.vocab).read_text("utf8").removesuffix("\n").split("\n") if args.vocab else vocabulary()
    curved = "“" in vocab
    rng = random.Random(4)
    texts = TEXTS + [hostile(rng, vocab) for _ in range(args.random)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf8") as f:
        f.write("".join(s + "\n" for s in vocab))
        f.flush()
        slow, fast = BertTokenizerLegacy(f.name, split_special_tokens=True), BertTokenizer(f.name, split_special_tokens=True)
        own = None
        if args.cn_clip:
            sys.path.insert(0, args.cn_clip + "/cn_clip/clip")
            from bert_tokenizer import FullTokenizer
            own = FullTokenizer(f.name)
    unknown, left_out, differ = vocab.index("[UNK]"), 0, [0, 0]
    with open(args.out, "w", encoding="utf8") as out:
        out.write(json.dumps(vocab, ensure_ascii=False) + "\n")
        for text in texts:
            said = text if curved else text.replace("“", '"').replace("”", '"')
            both = [t.encode(said, add_special_tokens=False) for t in (slow, fast)]
            ids = [own.vocab.get(s, unknown) for s in own.tokenize(said)] if own else both[0]
            for i in range(2):
                differ[i] += both[i] != ids
            if not own and both[0] != both[1]:
                left_out += 1
                continue
            out.write(json.dumps([text, ids], ensure_ascii=False) + "\n")
    print(f"{len(texts)} texts, {left_out} left out; from what is written differ: transformers in Python {differ[0]}, in Rust {differ[1]}; Unicode {unicodedata.unidata_version}")


if __name__ == "__main__":
    main()
