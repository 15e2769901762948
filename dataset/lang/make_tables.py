#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_tables.py SYLLABLES.tsv BRAILLE.tsv LEXICON.tsv SANDHI.tsv TWO_CELL.tsv TWO_CELL_PUNCT.tsv COMMON_WORDS.tsv MATH.tsv OUT.c: the tables of dataset/lang as constant C arrays (run by meson)."""
import re
import sys

# phone finals -> the finals of the braille table
FINAL = dict(iou="iu", uei="ui", uen="un", ueng="ong", v="ü", ve="üe", van="üan", vn="ün", io="iu")
# Cells that two spellings share: which one the decoder gives. me is found again by the words it ends (decode.c).
USUAL = {"o": "e", "lo": "luo", "nue": "nve", "lue": "lve", "me": "mo", "yo": "you"}


def rows(path):
    with open(path, encoding="utf8") as f:
        for line in f:
            if line[0] != "#":
                yield line.rstrip("\n").split("\t")


def cell(dots):
    return sum(1 << (int(d) - 1) for d in dots.split("-"))


def c_string(s):
    return '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"'


def braille(path):
    table = {}
    for kind, symbol, dots, _ in rows(path):
        table.setdefault(kind, []).append((symbol, [cell(d) for d in dots.split(" ")]))
    return table


def base_cells(initial, final, code):
    initials, finals = (dict(code[k]) for k in ("initial", "final"))
    cells = [] if initial == "-" else list(initials[initial])
    if final != "ih":
        name = "o" if initial in "bpmf" and final == "uo" else FINAL.get(final, final)
        cells += finals[name]
    return cells


def emit_bases(out, syllables, code):
    bases = sorted(syllables)
    index = {base: n for n, (base, _, _) in enumerate(bases)}
    by_cells = {}
    print("const struct lang_base lang_bases[] = {", file=out)
    for base, initial, final in bases:
        cells = base_cells(initial, final, code)
        key = (0, cells[0]) if initial == "-" else (cells[0], cells[1] if len(cells) > 1 else 0)
        if base not in USUAL:
            assert key not in by_cells, (base, by_cells)
            by_cells[key] = index[base] + 1
        name = "" if initial == "-" else initial
        usual = index[USUAL.get(base, base)]
        print('    { "%s", "%s", "_%s", { %s }, %d, %d },' % (base, name, final, ", ".join(map(str, cells)), len(cells), usual), file=out)
    print("};\nconst size_t lang_n_bases = %d;\n" % len(bases), file=out)
    print("const uint16_t lang_by_cells[64][64] = {", file=out)
    for (first, second), n in sorted(by_cells.items()):
        print("    [%d][%d] = %d," % (first, second, n), file=out)
    print("};\n", file=out)


def emit_classes(out, code):
    classes = {}
    for kind, name in (("initial", "LANG_INITIAL"), ("final", "LANG_FINAL"), ("tone", "LANG_TONE")):
        for _, cells in code[kind]:
            assert classes.setdefault(cells[0], name) == name
    print("const uint8_t lang_cell_class[64] = {", file=out)
    for c, name in sorted(classes.items()):
        print("    [%d] = %s," % (c, name), file=out)
    print("};\n", file=out)
    print("const brl_cell lang_tone_cells[5] = { 0, %s };" % ", ".join(str(c[0]) for _, c in code["tone"]), file=out)
    digits = dict(code["digit"])
    print("const brl_cell lang_digit_cells[10] = { %s };\n" % ", ".join(str(digits[str(d)][0]) for d in range(10)), file=out)
    print("const struct lang_sign lang_signs[] = {", file=out)
    for symbol, cells in sorted(code["punct"], key=lambda s: -len(s[1])):  # longest first, else as in the file
        print("    { %s, { %s }, %d }," % (c_string(symbol), ", ".join(map(str, cells)), len(cells)), file=out)
    print("};\nconst size_t lang_n_signs = %d;\n" % len(code["punct"]), file=out)


def syllable_codes(toned, index):
    return [(index[base] + 1) * 8 + int(tone) for base, tone in re.findall(r"([a-z]+)([1-5])", toned)]


def emit_keepers(out, path, syllables):
    index = {base: n for n, base in enumerate(sorted(b for b, _, _ in syllables))}
    pairs = sorted(tuple(syllable_codes(first + second, index)) for first, second, _, _ in rows(path))
    print("const struct lang_keeper lang_keepers[] = {", file=out)
    for first, second in pairs:
        print("    { %d, %d }," % (first, second), file=out)
    print("};\nconst size_t lang_n_keepers = %d;" % len(pairs), file=out)


# Finals as Two-Cell Braille divides them: medial, rime. What is not here has no medial.
MEDIAL = dict(ia="i a", iao="i ao", ie="i e", iou="i ou", io="i o", ian="i an", iang="i ang", ing="i eng", iong="v eng", ua="u a", uo="u o", uai="u ai", uei="u ei",
              uan="u an", uen="u en", uang="u ang", ueng="u eng", ong="u eng", ve="v e", van="v an", vn="v en", i="i i", u="u i", v="v i", ih=" i", er=" a")
MEDIAL["in"] = "i en"


def two_cell_key(initial, final):
    medial, rime = MEDIAL.get(final, " " + final).split(" ")
    if initial in "bpmf" and medial == "u":
        medial = ""
    return ("r" if final == "er" else initial, medial), "e" if rime == "o" else rime


def vote(table, key, cell, votes):
    table.setdefault(key, {}).setdefault(cell, 0)
    table[key][cell] += votes


def two_cell(path, syllables):
    """-> the cells of (initial, medial) and of (rime, tone), and the toned syllables that exist."""
    parts = {base: two_cell_key(initial, final) for base, initial, final in syllables}
    first, second, seen = {}, {}, {}
    for one, two, _, pinyin, tone, votes in rows(path):
        base, tone, votes = pinyin.replace("ü", "v"), int(tone[-1]), int(votes.split("/")[0])
        if base in parts and (base, tone) != ("fo", 5):  # left out: nun2 of one rare character, fo5 that no word has
            vote(seen, (base, tone), (cell("-".join(one)), cell("-".join(two))), votes)
    for (base, tone), pairs in seen.items():
        one, two = max(pairs, key=pairs.get)
        head, rime = parts[base]
        assert first.setdefault(head, one) == one, (base, tone, head)
        assert second.setdefault((rime, tone), two) == two, (base, tone, rime)
    return first, second, set(seen)


def emit_two_cell(out, path, tones, syllables):
    first, second, exist = two_cell(path, syllables)
    exist |= {(toned[:-1], int(toned[-1])) for toned, _ in rows(tones) if toned[-1] != "5"}
    print("const struct lang_two_cell lang_two_cell[] = {", file=out)
    for base, initial, final in sorted(syllables):
        head, rime = two_cell_key(initial, final)
        # a rime whose neutral tone no table tells is written as with tone 4
        seconds = [second.get((rime, tone)) or second[rime, 4] for tone in range(1, 6)]
        tones = sum(1 << tone for tone in range(1, 6) if (base, tone) in exist)
        print("    { %d, { 0, %s }, %d }," % (first[head], ", ".join(map(str, seconds)), tones), file=out)
    print("};\n", file=out)


def emit_two_cell_pairs(out, path, tones, syllables):
    """[first cell][second cell] -> the reading that words have most often; of two that none has, the first spelling."""
    first, second, seen = two_cell(path, syllables)
    counts = {key: 0 for key in seen}
    for toned, count in rows(tones):
        key = toned[:-1], int(toned[-1])
        counts[key] = counts.get(key, 0) + int(count)
    parts = {base: (n, two_cell_key(initial, final)) for n, (base, initial, final) in enumerate(sorted(syllables))}
    for base, (_, (_, rime)) in parts.items():  # a neutral tone with cells of its own may come to any syllable
        if (rime, 5) in second and base in {b for b, _ in counts}:
            counts.setdefault((base, 5), 0)
    best = {}
    for (base, tone), count in sorted(counts.items()):
        n, (head, rime) = parts[base]
        cells = first[head], second.get((rime, tone)) or second[rime, 4]
        if count > best.get(cells, (-1,))[0]:
            best[cells] = count, (n + 1) * 8 + tone
    print("const uint16_t lang_two_cell_pairs[64][64] = {", file=out)
    for (one, two), (_, code) in sorted(best.items()):
        print("    [%d][%d] = %d," % (one, two, code), file=out)
    heads = sorted({one for one, _ in best})
    print("};\n\nconst uint8_t lang_two_cell_heads[64] = { %s };\n" % ", ".join("[%d] = 1" % c for c in heads), file=out)


def emit_two_cell_signs(out, path):
    signs = braille(path)["punct"]
    print("const struct lang_sign lang_two_cell_signs[] = {", file=out)
    for symbol, cells in sorted(signs, key=lambda s: -len(s[1])):
        print("    { %s, { %s }, %d }," % (c_string(symbol), ", ".join(map(str, cells)), len(cells)), file=out)
    print("};\nconst size_t lang_n_two_cell_signs = %d;\n" % len(signs), file=out)


def emit_common_words(out, path):
    words = list(rows(path))
    print("const struct lang_common_word lang_common_words[] = {", file=out)
    for hanzi, pinyin, dots, _ in words:
        cells = [cell(d) for d in dots.split(" ")]
        print("    { %s, %s, { %s }, %d }," % (c_string(hanzi), c_string(pinyin), ", ".join(map(str, cells)), len(cells)), file=out)
    print("};\nconst size_t lang_n_common_words = %d;\n" % len(words), file=out)


def emit_math(out, path):
    """Of one kind the longest first, so that the first that fits is meant."""
    signs = [(kind, text, [cell(d) for d in dots.split(" ")], pinyin) for kind, text, dots, pinyin, _ in rows(path)]
    print("const struct lang_math_sign lang_math_signs[] = {", file=out)
    for kind, text, cells, pinyin in sorted(signs, key=lambda s: -len(s[2])):
        print("    { LANG_MATH_%s, %s, %s, { %s }, %d }," % (kind.upper(), c_string(text), c_string(pinyin), ", ".join(map(str, cells)), len(cells)), file=out)
    print("};\nconst size_t lang_n_math_signs = %d;\n" % len(signs), file=out)


def emit_prints(out, path):
    """Of one kind the longest first, so that the first that fits is meant. The character in brackets is at `at`."""
    prints = [(kind, text.replace("[", "").replace("]", "") if kind == "context" else text, "" if pinyin == "-" else pinyin,
               text.index("[") if kind == "context" else 0) for kind, text, pinyin in rows(path)]
    print("const struct lang_print lang_prints[] = {", file=out)
    for kind, text, pinyin, at in sorted(prints, key=lambda p: (p[0], -len(p[1]))):
        print("    { LANG_PRINT_%s, %d, %s, %s }," % (kind.upper(), at, c_string(text), c_string(pinyin)), file=out)
    print("};\nconst size_t lang_n_prints = %d;\n" % len(prints), file=out)


def emit_neutral(out, path):
    with open(path, encoding="utf8") as f:
        words = sorted({word for line in f if line[0] != "#" for word in line.split()})
    print("const uint16_t lang_neutral[][4] = {", file=out)
    for word in words:
        print("    { %s }," % ", ".join(str(ord(c)) for c in word), file=out)
    print("};\nconst size_t lang_n_neutral = %d;\n" % len(words), file=out)


def main():
    syllables, code = [tuple(r) for r in rows(sys.argv[1])], braille(sys.argv[2])
    with open(sys.argv[11], "w", encoding="utf8") as out:
        print("/* SPDX-License-Identifier: Apache-2.0\n *\n * Made by dataset/lang/make_tables.py from dataset/lang/data.\n */\n"
              '#include "lang/tables.h"\n', file=out)
        emit_bases(out, syllables, code)
        emit_classes(out, code)
        emit_keepers(out, sys.argv[4], syllables)
        emit_two_cell(out, sys.argv[5], sys.argv[3], syllables)
        emit_two_cell_pairs(out, sys.argv[5], sys.argv[3], syllables)
        emit_two_cell_signs(out, sys.argv[6])
        emit_common_words(out, sys.argv[7])
        emit_math(out, sys.argv[8])
        emit_prints(out, sys.argv[9])
        emit_neutral(out, sys.argv[10])


if __name__ == "__main__":
    main()
