#!/usr/bin/env python3
"""make_syllables.py SYLLABLES.tsv > dataset/lang/data/syllables.tsv: base -> initial and final phones, from the teacher's list of syllables.

One phone set for the C front end and the recipes. Spelling rules (Hanyu Pinyin, GB/T 16159): y-/w- and the short forms iu ui un are undone,
u after j q x y is v (the umlaut), i after zh ch sh r z c s is ih, o after b p m f l is uo.
"""
import re
import sys

ZERO = dict(yi="i", ya="ia", yan="ian", yang="iang", yao="iao", ye="ie", yin="in", ying="ing", yo="io", yong="iong", you="iou", yu="v", yuan="van",
            yue="ve", yun="vn", wa="ua", wai="uai", wan="uan", wang="uang", wei="uei", wen="uen", weng="ueng", wo="uo", wu="u")
SHORT = dict(iu="iou", ui="uei", un="uen", ue="ve")


def split(base):
    if base in ("m", "n", "ng", "hm", "hng", "ê"):
        return "-", {"ê": "eh"}.get(base, "=" + base)
    m = re.match(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs])(.+)", base)
    if not m:
        return "-", ZERO.get(base, base)
    initial, final = m.groups()
    if initial in "jqx" and final.startswith("u"):
        return initial, "v" + final[1:]
    if initial in ("zh", "ch", "sh", "r", "z", "c", "s") and final == "i":
        return initial, "ih"
    if initial in "bpmfl" and final == "o":
        return initial, "uo"
    return initial, SHORT.get(final, final)


def main():
    print("# base\tinitial\tfinal      - no initial; made by models/recipes/make_syllables.py")
    seen = set()
    for line in open(sys.argv[1], encoding="utf8"):
        base = line.split("\t")[0]
        if line[0] != "#" and base not in seen:
            seen.add(base)
            print(base, *split(base), sep="\t")


if __name__ == "__main__":
    main()
