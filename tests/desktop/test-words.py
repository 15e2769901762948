#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The catalogues: in step with the sources, whole, with the same directives, and really used."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'cli'))
from harness import folder, no_bus, require, run, skip  # noqa: E402

PO = pathlib.Path(__file__).parents[2] / 'tools/po'
CHINESE = re.compile('[\u4e00-\u9fff]')


def case_catalogue():
    if not shutil.which('msgfmt'):
        skip('msgfmt is missing; install gettext')
    with folder() as d:
        pot = d + '/brailled.pot'
        subprocess.run([PO / 'update', '--pot', pot], check=True)
        for language in (w for w in (PO / 'LINGUAS').read_text().split('\n') if w and w[0] != '#'):
            po = PO / f'{language}.po'
            # every message of the sources is there; every one that is there has the same directives and a translation
            subprocess.run(['msgcmp', '--use-untranslated', po, pot], check=True)
            p = subprocess.run(['msgfmt', '--check-format', '--check-domain', '--statistics', '-o', '/dev/null', po], check=True, capture_output=True, text=True)
            require('fuzzy' not in p.stderr and 'untranslated' not in p.stderr, p.stderr, '- see tools/po/update')
            require('<PRI' not in po.read_text(), 'PRIu64 and the like have no place in a message')


def say(program, *args, **env):
    env = {**{k: v for k, v in no_bus().items() if not k.startswith(('LC_', 'LANG'))}, **env}
    return subprocess.run([os.environ[program], *args], env=env, capture_output=True, text=True, timeout=100)


def case_help():
    """Every command's --help is Chinese, line by line, where the locale need not be installed."""
    zh = {'LC_ALL': 'zh_CN.UTF-8'}
    commands = {}
    for program in ('BRAILLECTL', 'BRAILLE_DATASET', 'BRAILLE_EVAL', 'BRAILLED', 'SD_BRAILLED', 'BRAILLED_SPIEL'):
        english, chinese = say(program, '--help', LC_ALL='C.UTF-8').stdout, say(program, '--help', **zh).stdout
        require(not CHINESE.search(english.replace('你好', '')) and CHINESE.search(chinese), program, chinese)
        commands[program] = re.findall(r'^  ([a-z]+)  +\S', english, re.M) if program in ('BRAILLECTL', 'BRAILLE_DATASET', 'BRAILLE_EVAL') else []
    for program, names in commands.items():
        for name in names:
            english, chinese = say(program, name, '--help', LC_ALL='C.UTF-8'), say(program, name, '--help', **zh)
            if english.returncode == 69:  # the name is kept for a later version
                continue
            require(chinese.returncode == 0 and not CHINESE.search(english.stdout.replace('da4。', '')), name, english.stdout)
            same = [s for s in chinese.stdout.splitlines() if len(s.split()) > 2 and s in english.stdout.splitlines() and re.search('[a-z] [a-z]', s)]
            require(not same, program, name, 'has lines that are not translated:', same)
            options = [sorted(set(re.findall(r'(?<![\w-])--[a-z][a-z-]+', p.stdout))) for p in (english, chinese)]
            require(options[0] == options[1], program, name, set(options[0]) ^ set(options[1]))


def case_errors():
    for env, chinese in (({'LC_ALL': 'zh_CN.UTF-8'}, True), ({'LANG': 'zh_CN.UTF-8'}, True), ({'LC_ALL': 'C.UTF-8', 'LANGUAGE': 'zh_CN'}, True),
                         ({'LANG': 'zh_CN.UTF-8', 'LANGUAGE': 'en'}, False), ({'LC_ALL': 'C', 'LANGUAGE': 'zh_CN'}, False), ({}, False)):
        p = say('BRAILLECTL', 'convert', '/nonexistent.png', '-o', '/tmp/x.wav', '--quiet', '--local', **env)
        want = '无法打开“/nonexistent.png”：没有那个文件或目录' if chinese else "cannot open '/nonexistent.png': No such file or directory"
        require(p.returncode == 66 and p.stderr == f'braillectl: {want}\n', env, p.stderr)
    p = say('BRAILLE_DATASET', 'split', '/nonexistent', LANG='zh_CN.UTF-8')
    require(p.returncode == 66 and CHINESE.search(p.stderr), p.stderr)
    # what programs read stays as it is
    for args in (('devices', '--json'), ('voices', '--json', '--local')):
        require(say('BRAILLECTL', *args, LANG='zh_CN.UTF-8').stdout == say('BRAILLECTL', *args).stdout, args)


globals()['case_' + sys.argv[1]]()
