#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braille-eval text: BLEU against sacrebleu, METEOR and its stems against NLTK, error rates against jiwer, on made and on hostile lines."""
import json
import os
import pathlib
import random
import subprocess

from harness import folder, main, need, require

EVAL = os.environ['BRAILLE_EVAL']


def evaluate(*words, code=0, says=''):
    p = subprocess.run([EVAL, 'text', *map(str, words)], capture_output=True, timeout=250)
    error = p.stderr.decode()
    require(p.returncode == code and says in error, words, 'ended with', p.returncode, error[-400:])
    require(code == 0 or error.strip().splitlines()[-1].startswith('braille-eval text: '), 'no word about the failure', error)
    return p.stdout.decode()


def lines_of(d, name, lines):
    path = d / name
    path.write_bytes(''.join(line + '\n' for line in lines).encode())
    return path


def score(d, hyp, refs, *options):
    return json.loads(evaluate(lines_of(d, 'hyp', hyp), *(lines_of(d, f'ref{i}', r) for i, r in enumerate(refs)), *options, '--json'))


# ---- lines ----

HANZI = '的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从'
MARKS = '，。！？、；：“”‘’（）《》—…·～　﹁︰＂Ａ１'
ENGLISH = '''caresses ponies ties cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing fizzed failing filing happy sky
relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli vileli analogousli vietnamization predication operator feudalism decisiveness
hopefulness callousness formaliti sensitiviti sensibiliti triplicate formative formalize electriciti electrical hopeful goodness revival allowance inference airliner
gyroscopic adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize probate rate
cease controll roll skies dying lying tying news innings outings cannings howe proceed exceed succeed dies flies spied died enjoy geology theology fulli gracefulli
yes yyyy yyying syzygy toy by a*ding xx*ded aed ing ed s ss ies ied y ey ly Running The the THE'''.split()
HOSTILE = ['', ' ', '\t', '　', '....', ',,,1,2.3.4-5-6--', '1-2 3-', 'a-b', '&quot;&amp;lt;&gt; <skipped>', '&amp;quot;', '{x}[y]~`!"#$%&()*+:;<=>?@/^_|\\', "it's don't",
           'x.y,z', '.5 5. ,5 5,', '\u2003a\u00a0b\u202fc\u0085d', '\x1c\x1d\x1e\x1f', 'ｱｲｳ ﾊﾝ', '𠀀𠀁 𪜀', '\u2000\u2001\u2a6d\u2a6e', '豈更車', '⺀⿰〇㆐', '☀✂➿', '㊀㍿', '한국어 日本語かな',
           'İstanbul ĞÜŞ ÄÖß ÀÉ', 'ПРИВЕТ мир', '\ufeffBOM', 'e\u0301 é', '👩‍👩‍👧 🇨🇳', 'zhong1 guo2 ren2', 'nv3 lv4 v', 'ー－—–-', 'a' * 300, '是' * 300, '\u200b\u200d', 'ǅ ﬁ']


def made(lot, kind, n):
    """Pairs of lines that share much: words left out, changed, moved, doubled."""
    words = {'hanzi': list(HANZI + MARKS) + ['2026', '3.5%', 'abc', '-', 'CLIP'], 'english': ENGLISH + [',', '.', '1,000', "it's", '(x)', '-'],
             'pinyin': [a + b + t for a in 'b p m zh sh x'.split() for b in 'a ang i ing u'.split() for t in '12345'] + ['。', '，']}[kind]
    blank = '' if kind == 'hanzi' else ' '
    pairs = []
    for _ in range(n):
        ref = lot.choices(words[:60], k=lot.randint(0 if lot.random() < 0.1 else 1, 25))
        hyp = [w if lot.random() < 0.8 else lot.choice(words) for w in ref if lot.random() < 0.9]
        if lot.random() < 0.3 and hyp:
            at = lot.randrange(len(hyp))
            hyp = hyp[at:] + hyp[:at]
        if lot.random() < 0.2:
            hyp += lot.choices(words, k=lot.randint(1, 8))
        pairs.append((blank.join(hyp), blank.join(ref)))
    return pairs


def hostile(lot, n):
    whole = lambda: ' '.join(lot.choices(HOSTILE, k=lot.randint(1, 4))) if lot.random() < 0.6 else ''.join(lot.choices(''.join(HOSTILE), k=lot.randint(0, 40)))
    pairs = []
    for _ in range(n):
        a = whole()
        pairs.append((a if lot.random() < 0.4 else whole(), a))
    clean = lambda s: s.replace('\n', ' ').replace('\r', ' ')
    return [(clean(a), clean(b)) for a, b in pairs] + [(a, a) for a in HOSTILE]


def corpora(lot):
    for kind in ('hanzi', 'english', 'pinyin'):
        for n in (1, 2, 3, 200):
            yield made(lot, kind, n)
    yield hostile(lot, 300)
    for a in HOSTILE:  # one at a time, so that nothing hides in a sum
        yield [(a, lot.choice((a, lot.choice(HOSTILE))))]


# ---- cases ----

def case_bleu():
    sacrebleu = need('sacrebleu')
    lot, worst, n, above_0 = random.Random(5), 0, 0, 0
    with folder() as d:
        d = pathlib.Path(d)
        for pairs in corpora(lot):
            hyp, ref = [a for a, _ in pairs], [b for _, b in pairs]
            others = [[lot.choice((b, a, 'x', '')) for a, b in pairs] for _ in range(lot.choice((0, 0, 1, 3)))]
            for tokenizer in ('zh', 'none', '13a', 'char'):
                bleu = sacrebleu.metrics.BLEU(tokenize=tokenizer, force=True)
                want = bleu.corpus_score(hyp, [ref, *others])
                got = score(d, hyp, [ref, *others], '--tokenize', tokenizer)
                require(got['bleu_signature'] == str(bleu.get_signature()), got['bleu_signature'], bleu.get_signature())
                require((got['found_words'], got['wanted_words']) == (want.sys_len, want.ref_len), tokenizer, got, want, pairs[:3])
                far = max(abs(got['bleu'] - want.score), abs(got['bleu_bp'] - want.bp), *(abs(a - b) for a, b in zip(got['bleu_precisions'], want.precisions)))
                require(far < 1e-9, tokenizer, got['bleu'], want.score, pairs[:3])
                worst, n, above_0 = max(worst, far), n + 1, above_0 + (want.score > 1)
    print(n, 'corpora,', above_0, 'above 1; at most', worst, 'from sacrebleu')
    require(above_0 > n / 4, 'the lines show nothing')


class NoWordNet:
    """Chinese has none."""

    def synsets(self, word):
        return []


def case_meteor():
    sacrebleu, meteor = need('sacrebleu'), need('nltk.translate.meteor_score')
    lot, worst, n = random.Random(6), 0, 0
    with folder() as d:
        d = pathlib.Path(d)
        for pairs in corpora(lot):
            for tokenizer in ('zh', 'none', '13a', 'char'):
                cut = sacrebleu.metrics.BLEU(tokenize=tokenizer)._preprocess_segment
                more = lot.random() < 0.3
                refs = [[b for _, b in pairs]] + ([[lot.choice((a, b)) for a, b in pairs]] if more else [])
                want = [meteor.meteor_score([cut(r[i]).split() for r in refs], cut(a).split(), wordnet=NoWordNet()) for i, (a, _) in enumerate(pairs)]
                got = score(d, [a for a, _ in pairs], refs, '--tokenize', tokenizer, '--list', d / 'list')
                listed = [float(line.split('\t')[2]) for line in (d / 'list').read_text().splitlines()]
                far = max(abs(a - b) for a, b in zip(listed, want))
                require(far < 1e-6 and len(listed) == len(want), tokenizer, [(p, a, b) for p, a, b in zip(pairs, listed, want) if abs(a - b) > 1e-6][:3])
                require(abs(got['meteor'] - sum(want) / len(want)) < 1e-9, got['meteor'], want)
                worst, n = max(worst, abs(got['meteor'] - sum(want) / len(want))), n + 1
    print(n, 'corpora; at most', worst, 'from NLTK')


def case_stems():
    """Each stem alone: a word and its stem are a match, a word and anything else are none."""
    porter = need('nltk.stem.porter').PorterStemmer()
    lot = random.Random(8)
    ends = '''sses ies ss s eed ed ing at bl iz y ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti
    fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent sion tion ion ou ism ate iti ous ive ize e ll lle'''.split()
    words = {w.lower() for w in ENGLISH}
    for _ in range(6000):
        words.add(''.join(lot.choices('aeioubcdlmstyzéñ', k=lot.randint(0, 5))) + ''.join(lot.choice(ends) for _ in range(lot.randint(1, 2))))
    words = sorted(w for w in words if w)
    with folder() as d:
        d = pathlib.Path(d)
        stems = [porter.stem(w) for w in words]
        # equal stems match even where the words differ; the stem of a stem may be another, so pairs are of words
        pairs = [(w, lot.choice(words)) for w in words]
        by_stem = {}
        for w, s in zip(words, stems):
            by_stem.setdefault(s, []).append(w)
        pairs += [(a, b) for group in by_stem.values() for a in group[:3] for b in group[:3]]
        score(d, [a for a, _ in pairs], [[b for _, b in pairs]], '--tokenize', 'none', '--list', d / 'list')
        got = [float(line.split('\t')[2]) > 0 for line in (d / 'list').read_text().splitlines()]
        want = [porter.stem(a) == porter.stem(b) for a, b in pairs]
        wrong = [(p, g) for p, g, w in zip(pairs, got, want) if g != w]
        print(len(pairs), 'pairs,', sum(want), 'alike,', sum(a != b and w for (a, b), w in zip(pairs, want)), 'by their stems alone')
        require(not wrong and sum(a != b and w for (a, b), w in zip(pairs, want)) > 500, wrong[:5])


def case_rates():
    sacrebleu, jiwer = need('sacrebleu'), need('jiwer')
    lot = random.Random(9)
    with folder() as d:
        d = pathlib.Path(d)
        for pairs in corpora(lot):
            hyp, ref = [a for a, _ in pairs], [b for _, b in pairs]
            for tokenizer in ('zh', 'none'):
                cut = sacrebleu.metrics.BLEU(tokenize=tokenizer)._preprocess_segment
                words = [(cut(a).split(), cut(b).split()) for a, b in pairs]
                got = score(d, hyp, [ref], '--tokenize', tokenizer)
                for key, rows, rate in (('wer', words, lambda a, b: jiwer.wer([' '.join(x) for x in b], [' '.join(x) for x in a])),
                                        ('cer', [(a.strip(), b.strip()) for a, b in pairs], lambda a, b: jiwer.cer(list(b), list(a)))):
                    if any(b for _, b in rows):
                        want = rate([a for a, _ in rows], [b for _, b in rows])
                        each = [rate([a], [b]) for a, b in rows if b]
                        require(abs(got[key] - want) < 1e-9, key, got[key], want, pairs[:3])
                        require(abs(got[key + '_macro'] - sum(each) / len(each)) < 1e-9, key, got[key + '_macro'], each[:5])
                    else:
                        require(got[key] is None and got[key + '_macro'] is None, key, got[key])
        # by syllable, of pinyin as it stands
        real = [s + t for s in 'ma shi zhong guo nv xue er a qiong yuan'.split() for t in '1234'] + ['。', '，']
        pairs = []
        while len(pairs) < 60:
            b = lot.choices(real, k=lot.randint(1, 12))
            a = [w if lot.random() < 0.7 else lot.choice(real) for w in b if lot.random() < 0.9]
            if any(w[-1].isdigit() for w in b):
                pairs.append((' '.join(a), ' '.join(b)))
        got = score(d, [a for a, _ in pairs], [[b for _, b in pairs]], '--syllables')
        signs = str.maketrans('', '', '。，')
        clean = [(a.translate(signs), b.translate(signs)) for a, b in pairs]
        require(abs(got['ser_toned'] - jiwer.wer([b for _, b in clean], [a for a, _ in clean])) < 1e-9, got)
        bare = str.maketrans('', '', '1234')
        each = [jiwer.wer(b.translate(bare), a.translate(bare)) for a, b in clean]
        require(abs(got['ser_macro'] - sum(each) / len(each)) < 1e-9, got)
        got = score(d, ['他说是的', '二零二六年'], [['她说是的', '2026年']], '--syllables')
        require((got['syllables'], got['ser'], got['cer'] > 0) == (9, 0, True), 'characters that sound the same are right', got)


def case_errors():
    with folder() as d:
        d = pathlib.Path(d)
        a, b = lines_of(d, 'a', ['你好', 'x y']), lines_of(d, 'b', ['你好'])
        evaluate(a, code=64, says='WANTED')
        evaluate(a, *[a] * 17, code=64, says='WANTED')
        evaluate(a, a, '--tokenize', 'intl', code=64, says='--tokenize takes')
        evaluate(a, a, '--nothing', code=64, says='--help')
        evaluate(a, a, '--json', '--list', '-', code=64, says='standard output')
        evaluate(a, b, code=65, says='2 lines')
        evaluate(a, d / 'none', code=66, says='none')
        evaluate(a, a, '--list', d / 'none/x', code=73)
        (d / 'c').write_bytes(b'')
        evaluate(d / 'c', d / 'c', code=65, says='no line')
        for bytes_, line in ((b'ok\n\xff\n', 2), (b'ok\nok\n\xed\xa0\x80\n', 3), (b'a\0b\n', 1), (b'\xc0\xaf\n', 1), (b'\xe4\xbd', 1)):
            (d / 'c').write_bytes(bytes_)
            evaluate(d / 'c', d / 'c', code=65, says=f'line {line}: it is no UTF-8')
        (d / 'c').write_text('a' * 10001)
        evaluate(d / 'c', d / 'c', code=65, says='too long')
        (d / 'c').write_bytes('你好\r\nx y'.encode())  # ends of lines as in files from elsewhere
        require(json.loads(evaluate(a, d / 'c', '--json'))['cer'] == 0)
        lines_of(d, 'c', ['', ''])
        got = json.loads(evaluate(d / 'c', d / 'c', '--json'))
        require((got['bleu'], got['meteor'], got['wer'], got['cer_macro'], got['ser']) == (0, 0, None, None, None), got)
        evaluate(d / 'c', d / 'c', '--syllables', code=65, says='no syllable')
        words = evaluate(a, a)
        require('BLEU' in words and 'METEOR' in words and 'tok:zh' in words, words)
        with open('/dev/full', 'w') as full:
            p = subprocess.run([EVAL, 'text', a, a], stdout=full, stderr=subprocess.PIPE, timeout=100)
        require(p.returncode == 74, p)


main({k[5:]: v for k, v in globals().items() if k.startswith('case_')})
