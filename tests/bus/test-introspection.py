#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What brailled says of itself equals systemd/org.brailled.Brailled1.xml, and it says so without any Vulkan device.

test-introspection.py CASE XML; on the test's own bus."""
import sys
import xml.etree.ElementTree as ET

from bus import JOB, MANAGER, PATH, Bus, main, require


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


async def said(bus, path):
    reply = await bus.call('Introspect', path=path, interface='org.freedesktop.DBus.Introspectable')
    return interfaces(reply.body[0])


async def case_introspection():
    bus = await Bus.open()
    job = await bus.create_speech('hao3', {})
    a = {**await said(bus, PATH), **await said(bus, job)}
    with open(sys.argv[2]) as f:
        b = interfaces(f.read())
    for name in sorted(set(a) | set(b)):
        for row in a.get(name, []):
            if row not in b.get(name, []):
                print('only the daemon has', name, row)
        for row in b.get(name, []):
            if row not in a.get(name, []):
                print('only the XML has', name, row)
    require(a == b and set(a) == {MANAGER, JOB}, 'introspection and XML differ')
    require(len(a[MANAGER]) == 17 and len(a[JOB]) == 8, len(a[MANAGER]), len(a[JOB]))

    require(list(await bus.get('Device')) == ['', 0, ''])
    require(await bus.get('BrailleCodes') == ['zh-current', 'zh-common', 'zh-two-cell'])
    require(await bus.get('Outputs') == ['pinyin', 'cells', 'brf', 'audio', 'lines', 'boxes'])
    require(await bus.get('MaxImageBytes') >= 35 << 20, 'an A4 page at 600 dpi has 35 MB')
    require(await bus.get('QueueLength') == 0 and await bus.get('Busy') is False and await bus.get('QueueLimit') > 1)
    bus.close()


main({'introspection': case_introspection})
