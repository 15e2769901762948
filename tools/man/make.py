#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make.py PAGE SECTION LANGUAGE SCDOC OUT [PROGRAM | XML]: a manual page, from the program's own --help (what it says and what
the page says cannot differ) and from words.py. Where scdoc warns, nothing is written."""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

from words import ABOUT, ENVIRONMENT, EXAMPLES, EXIT, HEADINGS, INTERFACE, UNITS

page, section, language, scdoc, out = sys.argv[1:6]
source = sys.argv[6] if len(sys.argv) > 6 else None
H, CHINESE = HEADINGS[language], language != 'en'
SUB = ('braillectl', 'braille-dataset', 'braille-eval')


def plain(text):
    """Text that scdoc takes for nothing else."""
    return re.sub(r'([\\_*`<>~#\[\]|+-])', r'\\\1', text)


def literal(lines):
    return '```\n' + '\n'.join(lines) + '\n```\n'


def prose(lines):
    """Lines of a help: flowing text, but tables and what is indented stay as they are."""
    result, block = [], []
    for line in [*lines, '']:
        if line.startswith(' ') and line.strip():
            block.append(line)
            continue
        if block:
            result += ['', literal(block)]
            block = []
        result.append(plain(line))
    return '\n'.join(result) + '\n'


def option(head):
    return ' '.join('*' + plain(w.rstrip(',')) + '*' + (',' if w.endswith(',') else '') if w.startswith('-') else '_' + plain(w) + '_' for w in head.split())


def options(lines):
    """Rows "  -o, --output OUT   the file" with the lines that go on below."""
    rows, result = [], []
    for line in lines:
        if re.match(r' {2,6}-', line):
            m = re.match(r' {2,6}(-.{1,60}?)(?: {2,}(\S.*))?$', line) or re.match(r' {2,6}(-\S+(?: [^ ]+)?) (.*)$', line)
            rows.append([m[1], [m[2]] if m[2] else []])
        elif line.startswith('      ') and rows:
            rows[-1][1].append(line.strip())
        elif line.strip() and line not in ('Options:', '选项：'):
            rows.append([None, [line.strip()]])
    for head, text in rows:
        if head is None:
            result.append(plain(' '.join(text)) + '\n')
        else:
            result.append(option(head) + '\n\t' + plain((' ' if not CHINESE else '').join(text) or '-') + '\n')
    return '\n'.join(result) + '\n'


def help_of(*words):
    # C.UTF-8 and not C: a page is the same wherever it is made
    env = {k: v for k, v in os.environ.items() if not k.startswith(('LC_', 'LANG'))}
    env['ASAN_OPTIONS'] = 'detect_leaks=0'  # of a build with sanitizers: a driver that is unloaded looks lost
    env['LC_ALL'] = 'zh_CN.UTF-8' if CHINESE else 'C.UTF-8'
    return subprocess.run([source, *words, '--help'], env=env, check=True, capture_output=True, text=True).stdout.splitlines()


def table(rows):
    return ''.join(f'*{plain(a)}*\n\t{plain(c if CHINESE else b)}\n\n' for a, b, c in rows)


def heading(key):
    return f'# {H[key]}\n\n'


def from_help():
    """(summary, usage lines, text, options)"""
    program = next((p for p in SUB if page == p or page.startswith(p + '-')), page)
    command = page[len(program) + 1:]
    lines = help_of(*([command] if command else []))
    usage = []
    while lines and lines[0].strip():
        usage.append(re.sub(r'^(usage|Usage|用法)[:：]\s*', '', lines.pop(0)).strip())
    first = next((i for i, line in enumerate(lines) if re.match(r' {2,6}-', line)), len(lines))
    while first and lines[first - 1].strip():  # the line over a table of options
        first -= 1
    text, rest = lines[1:first], lines[first:]
    if program == 'braillectl' and command:  # the summary stands under NAME
        text = text[1:]
    if command:
        listed = [re.match(rf'  {command} +(.*)', line) for line in help_of()]
        summary = next(m[1] for m in listed if m)
    else:
        summary = ABOUT[page][CHINESE]
    return summary, usage, text, rest


def body():
    if page == 'brailled.service':
        return heading('description') + table(UNITS) + heading('see') + '*brailled*(8), *braillectl*(1), *org.brailled.Brailled1*(5)\n'
    if page == 'org.brailled.Brailled1':
        return interface()
    summary, usage, text, rest = from_help()
    tail = [i for i, line in enumerate(rest) if line and not line.startswith(' ') and not line.endswith((':', '：'))]
    end = next((i for i in tail if not any(re.match(r' {2,6}-', line) for line in rest[i:])), len(rest))
    result = heading('synopsis') + ''.join(f'*{plain(u)}*\n\n' for u in usage) + heading('description') + prose(text) + '\n'
    result += heading('options') + options(rest[:end])
    if rest[end:]:
        result += prose(rest[end:]) + '\n'
    if page in EXAMPLES:
        result += heading('examples') + ''.join(literal([e[0]]) + '\n' + plain(e[1 + CHINESE]) + '\n\n' for e in EXAMPLES[page])
    result += heading('exit') + table(EXIT) + heading('environment') + table(ENVIRONMENT if page.startswith('braillectl') else ENVIRONMENT[:2])
    others = [p for p in ('braillectl', 'braille-dataset', 'braille-eval') if page.startswith(p + '-')] + ['brailled(8)', 'org.brailled.Brailled1(5)']
    return result + heading('see') + ', '.join(f'*{plain(o)}*(1)' if '(' not in o else '*' + plain(o[:-3]) + '*' + o[-3:] for o in others) + '\n'


def interface():
    text = open(source, encoding='utf-8').read()
    first = re.search(r'<node>\s*<!--(.*?)-->', text, re.S)
    result = heading('description') + plain(INTERFACE[CHINESE]) + '\n\n'
    if first:
        result += literal([line[4:] for line in first[1].strip('\n').splitlines() if line.strip()])
    result += '\n' + heading('interface')
    parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))
    for i in ET.fromstring(text.encode(), parser).findall('interface'):
        result += f'## {plain(i.get("name"))}\n\n'
        about = ''
        for e in i:
            if e.tag is ET.Comment:
                about = ' '.join(e.text.split())
                continue
            if e.tag == 'property':
                what = f'{e.get("type")}, {e.get("access")}'
            else:
                ways = {d: ' '.join(f'{a.get("type")} {a.get("name")}' for a in e.findall('arg') if a.get('direction', 'out') == d) for d in ('in', 'out')}
                what = f'({ways["in"]}) → ({ways["out"]})' if e.tag == 'method' else f'({ways["out"]})'
            result += f'*{plain(e.get("name"))}* ({e.tag})\n\t{plain(what)}' + (f'. {plain(about)}' if about else '') + '\n\n'
            about = ''
    return result + heading('see') + '*brailled*(8), *brailled.service*(8), *braillectl*(1)\n'


summary = ABOUT[page][CHINESE] if page in ABOUT else from_help()[0]
text = f'{page}({section}) "brailled"\n\n' + heading('name') + f'{plain(page)} - {plain(summary)}\n\n' + body()
text = re.sub(r'\n{3,}', '\n\n', text)
p = subprocess.run([scdoc], input=text, capture_output=True, text=True)
if p.returncode or p.stderr:
    number = re.search(r'line (\d+)', p.stderr)
    sys.exit(f'{page}: {p.stderr}' + (text.splitlines()[int(number[1]) - 1] if number else ''))
with open(out, 'w', encoding='utf-8') as f:
    f.write(p.stdout)
