#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An example of a client in Python (dbus-fast, from PyPI): a page to text and sound. convert.py PAGE OUT.wav"""
import asyncio
import sys

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus


async def convert(page, out):
    bus = await MessageBus(negotiate_unix_fd=True).connect()
    with open(page, 'rb') as f:
        reply = await bus.call(Message(
            destination='org.brailled.Brailled1', path='/org/brailled/Brailled1',
            interface='org.brailled.Brailled1.Manager', member='Convert', signature='ha{sv}',
            body=[0, {'rate': Variant('d', 1.25)}],  # the picture is the first descriptor
            unix_fds=[f.fileno()]))
    if reply.message_type is MessageType.ERROR:
        sys.exit(reply.body[0])
    text, result = reply.body
    print(text)
    if 'audio' in result:
        with open(reply.unix_fds[result['audio'].value], 'rb') as sound, open(out, 'wb') as f:
            f.write(sound.read())
    bus.disconnect()


asyncio.run(convert(*sys.argv[1:3]))
