"""Toned pinyin -> phones, as dataset/lang does it in C (tests/unit compares the two on the corpus), and the teacher's durations per phone."""
import os
import re

_ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAUSES = {"，": "，", "；": "，", "、": "、", "：": "：", "。": "。", "！": "。", "？": "？"}
# tokens that the teacher spends on an initial; the rest of its syllable is the final
_TEACHER_INITIAL = dict(b=1, c=2, ch=2, d=1, f=1, g=1, h=1, j=1, k=2, l=1, m=1, n=1, p=2, q=2, r=1, s=1, sh=1, t=2, x=1, z=1, zh=1)


def _table():
    out = {}
    with open(os.path.join(_ROOT, "dataset/lang/data/syllables.tsv"), encoding="utf8") as f:
        for line in f:
            if line[0] != "#":
                base, initial, final = line.rstrip("\n").split("\t")
                out[base] = (None if initial == "-" else initial, final)
    return out


TABLE = _table()


def vocabulary():
    """Phone names in the order of their ids; id 0 is padding."""
    initials = sorted({i for i, _ in TABLE.values() if i})
    finals = sorted({f for _, f in TABLE.values()})
    return ["<pad>", "sil", *sorted(set(PAUSES.values())), *initials, *("_" + f for f in finals)]


def phones(pinyin, teacher_syllables=None, dur=None):
    """-> [(phone, tone, position in the word)], [25 ms units a phone]

    Finals are written "_a"; tone 1-5 on finals, 0 elsewhere; position 1 in a word's first syllable, 2 in the others, 0 for pauses.
    A space of the teacher belongs to the phone before it, the space after a pause to the pause.
    """
    out, units, p = [("sil", 0, 0)], [], 0
    if dur:
        units.append(dur[0])
        p = 1
    words = pinyin.split()
    for w, word in enumerate(words):
        last = w + 1 == len(words)
        if word in PAUSES:
            out.append((PAUSES[word], 0, 0))
            if dur:
                n = 1 if last else 2
                units.append(sum(dur[p:p + n]))
                p += n
            continue
        for s, syllable in enumerate(re.findall(r"[a-zê]+[1-5]", word)):
            initial, final = TABLE[syllable[:-1]]
            position = 1 if s == 0 else 2
            n = 0
            if initial:
                n = _TEACHER_INITIAL[initial]
                out.append((initial, 0, position))
                if dur:
                    units.append(sum(dur[p:p + n]))
            out.append(("_" + final, int(syllable[-1]), position))
            if dur:
                tokens = teacher_syllables[syllable]
                units.append(sum(dur[p + n:p + tokens]))
                p += tokens
        if not last and words[w + 1] not in PAUSES and dur:
            units[-1] += dur[p]
            p += 1
    out.append(("sil", 0, 0))
    if dur:
        units.append(dur[p])
        assert p + 1 == len(dur), pinyin
    return out, units
