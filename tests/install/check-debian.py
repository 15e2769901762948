# SPDX-License-Identifier: Apache-2.0
"""check-debian.py SOURCE BUILD MESON: debian/ knows the packages we build with, our version, and every file we install."""
import fnmatch
import json
import pathlib
import re
import subprocess
import sys

source, build, meson = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
# there in any case where a package is built, or needed to run and not to build
NOT_BUILT_WITH = {'gcc', 'g++', 'libc6-dev', 'binutils', 'python3', 'liblouis-data', 'mesa-vulkan-drivers'}
wrong = []


def fields(text):
    """The paragraphs of a control file."""
    for part in re.split(r'\n\n+', text.strip()):
        yield {m[1]: m[2] for m in re.finditer(r'^([A-Za-z-]+):((?:.*\n?)(?:[ \t].*\n?)*)', part, re.M)}


def names(value):
    return {re.match(r'[a-z0-9.+-]+', w.strip())[0] for w in value.split(',') if w.strip()}


control = list(fields((source / 'debian/control').read_text()))
depends = names(control[0]['Build-Depends']) - {'debhelper-compat', 'dh-sequence-installsysusers'}
listed = {line for line in (source / 'tools/packages.txt').read_text().splitlines() if re.match('[a-z]', line)}
listed = {line for line in listed if not line.startswith('test ')}
for package in sorted(listed - NOT_BUILT_WITH - depends):
    wrong.append(f'{package} is in tools/packages.txt and not in Build-Depends')
for package in sorted(depends - listed):
    wrong.append(f'{package} is in Build-Depends and not in tools/packages.txt')

introspect = lambda what: json.loads(subprocess.run([meson, 'introspect', what, build], check=True, capture_output=True).stdout)
version = introspect('--projectinfo')['version']
first = (source / 'debian/changelog').read_text().splitlines()[0]
if f'({version})' not in first:
    wrong.append(f'debian/changelog begins with {first!r}, and the version is {version}')

options = {o['name']: o['value'] for o in introspect('--buildoptions')}
patterns = [line.split()[0] for f in (source / 'debian').glob('*.install') for line in f.read_text().splitlines() if line]
used = set()
for path in introspect('--installed').values():
    name = pathlib.PurePosixPath(path)
    if name.is_relative_to(options['prefix']):
        name = 'usr' / name.relative_to(options['prefix'])
    name = str(name).lstrip('/').replace('usr/lib/systemd/system/', 'lib/systemd/system/')
    taken = [p for p in patterns if fnmatch.fnmatch(name, p) or fnmatch.fnmatch(name, p + '/*')]
    used.update(taken)
    if not taken:
        wrong.append(f'{name} is installed and in no debian/*.install')
for pattern in sorted(set(patterns) - used):
    wrong.append(f'{pattern} is in debian/*.install and not installed')

packages = {p['Package'].strip() for p in control[1:]}
for f in (source / 'debian').glob('*.install'):
    if f.stem not in packages:
        wrong.append(f'{f.name} belongs to no package of debian/control')
print('\n'.join(wrong) or 'debian/ fits')
sys.exit(bool(wrong))
