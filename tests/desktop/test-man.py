#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every option of every --help is in its manual page and the other way round, in both languages, and the pages format cleanly."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'cli'))
from harness import require, skip  # noqa: E402

PAGES = pathlib.Path(os.environ['MAN_PAGES'])
PROGRAMS = {'braillectl': 'BRAILLECTL', 'braille-dataset': 'BRAILLE_DATASET', 'braille-eval': 'BRAILLE_EVAL', 'brailled': 'BRAILLED',
            'brailled-spiel': 'BRAILLED_SPIEL', 'sd_brailled': 'SD_BRAILLED'}
if not shutil.which('man') or not (PAGES / 'en').is_dir() or not list((PAGES / 'en').glob('*.1')):
    skip('man or scdoc is missing')


def options(text):
    return set(re.findall(r'(?<![\w-])--[a-z][a-z-]*[a-z]', text))


def show(page):
    p = subprocess.run(['man', '--warnings=w', '-E', 'UTF-8', '-l', page], env=dict(os.environ, LC_ALL='C.UTF-8', MANWIDTH='200', MANPAGER='cat', MAN_KEEP_FORMATTING='', MANROFFOPT='-c'),
                       capture_output=True, text=True, check=True)
    # Chinese has no blanks to break at: a line that is too long for troff is no fault
    warnings = [w for w in p.stderr.splitlines() if 'break line' not in w and 'adjust line' not in w]
    require(not warnings, page, warnings)
    return re.sub('.\b', '', p.stdout).replace('\u2010\n', '').replace('\u2010', '-').replace('\u2212', '-')


seen = 0
for language in ('en', 'zh_CN'):
    texts = {p.name.rsplit('.', 1)[0]: show(p) for p in sorted((PAGES / language).glob('*.[158]')) if p.stat().st_size > 100}
    require('NAME' in texts['braillectl'] if language == 'en' else '名称' in texts['braillectl'])
    for program, variable in PROGRAMS.items():
        run = lambda *words: subprocess.run([os.environ[variable], *words, '--help'], env=dict(os.environ, LC_ALL='C.UTF-8'), capture_output=True, text=True)
        pages = {program: run().stdout}
        commands = re.findall(r'^  ([a-z]+)  +\S', pages[program], re.M) if program in ('braillectl', 'braille-dataset', 'braille-eval') else []
        for command in commands:
            p = run(command)
            if p.returncode == 69:  # the name is kept for a later version
                continue
            pages[f'{program}-{command}'] = p.stdout
        for name, text in pages.items():
            require(name in texts, f'{name} has no page in {language}')
            part = re.split(r'\n(?:EXAMPLES|EXIT STATUS|示例|退出状态)\n', texts[name])[0]
            require(options(part) == options(text), language, name, options(part) ^ options(text))
            seen += 1
require(seen > 50, seen)
for unit in (pathlib.Path(__file__).parents[2] / 'systemd').glob('*/*.service*'):
    name = unit.name.removesuffix('.in')
    if not name.startswith('org.'):
        require((PAGES / 'en' / (name + '.8')).exists(), f'{name} has no page')
