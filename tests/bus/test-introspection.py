#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What brailled says of itself equals systemd/org.brailled.Brailled1.xml, and it says so without any Vulkan device.

test-introspection.py XML; on the test's own bus."""
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

NAME, PATH, MANAGER = 'org.brailled.Brailled1', '/org/brailled/Brailled1', 'org.brailled.Brailled1.Manager'


def normal(interface):
    """An interface as comparable rows; the default of EmitsChangedSignal is \"true\"."""
    rows = []
    for member in interface:
        if member.tag == 'annotation':
            continue
        args = [(a.get('name'), a.get('type'), a.get('direction', 'in' if member.tag == 'method' else None))
                for a in member.iter('arg')]
        notes = {a.get('name').rsplit('.', 1)[1]: a.get('value') for a in member.iter('annotation')}
        if member.tag == 'property':
            notes.setdefault('EmitsChangedSignal', 'true')
        rows.append((member.tag, member.get('name'), member.get('type'), member.get('access'), args, sorted(notes.items())))
    return sorted(rows, key=str)


def interfaces(text):
    return {i.get('name'): normal(i) for i in ET.fromstring(text).iter('interface')
            if not i.get('name').startswith('org.freedesktop.DBus.')}


def get(name):
    out = subprocess.run(['busctl', '--user', '--json=short', 'get-property', NAME, PATH, MANAGER, name], check=True,
                         capture_output=True).stdout
    return json.loads(out)


if not shutil.which('busctl'):
    print('SKIPPED: busctl is missing; install systemd')
    sys.exit(77)
said = subprocess.run(['busctl', '--user', '--xml-interface', 'introspect', NAME, PATH], check=True, capture_output=True,
                      text=True).stdout
with open(sys.argv[1]) as f:
    written = f.read()
a, b = interfaces(said), interfaces(written)
for name in sorted(set(a) | set(b)):
    for row in a.get(name, []):
        if row not in b.get(name, []):
            print('only the daemon has', name, row)
    for row in b.get(name, []):
        if row not in a.get(name, []):
            print('only the XML has', name, row)
assert a == b and a, 'introspection and XML differ'
assert len(a[MANAGER]) == 11, a

assert get('Device') == {'type': '(sus)', 'data': ['', 0, '']}, get('Device')
assert get('BrailleCodes')['data'] == ['zh-current', 'zh-common', 'zh-two-cell']
assert get('Outputs')['data'] == ['pinyin', 'cells', 'brf', 'audio']
assert get('MaxImageBytes')['data'] >= 35 << 20, 'an A4 page at 600 dpi has 35 MB'
assert get('ActiveJobs')['data'] == 0 and get('QueueLimit')['data'] > 1
