# SPDX-License-Identifier: Apache-2.0
"""A connection to the test's bus by dbus-fast, and what the tests of brailled ask through it."""
import asyncio
import os
import sys
import time

SKIPPED = 77
try:
    from dbus_fast import Message, MessageType, Variant
    from dbus_fast.aio import MessageBus
except ImportError:
    print('SKIPPED: dbus-fast is missing; build with -Dtest_python=PYTHON that has tests/requirements.txt')
    sys.exit(1 if os.environ.get('NEED_PACKAGES') == '1' else SKIPPED)

NAME, PATH = 'org.brailled.Brailled1', '/org/brailled/Brailled1'
MANAGER, JOB = NAME + '.Manager', NAME + '.Job'
PROPERTIES = 'org.freedesktop.DBus.Properties'
PAGE = os.environ['SAMPLE_PAGE']
SENTENCE = 'jin1tian1 tian1qi4 hen3 hao3，wo3men5 yi4qi3 qu4 gong1yuan2。'


def require(ok, *what):
    if not ok:
        raise AssertionError(' '.join(str(w) for w in what))


class Failed(Exception):
    """A call's error; `name` without our prefix."""

    def __init__(self, reply):
        self.name = reply.error_name.removeprefix(NAME + '.Error.')
        super().__init__(f'{self.name}: {reply.body[0] if reply.body else ""}')


class Bus:
    def __init__(self, bus):
        self.bus = bus
        self.signals = []  # (member, body, what time it came)
        bus.add_message_handler(self._take)

    @classmethod
    async def open(cls):
        return cls(await MessageBus(negotiate_unix_fd=True).connect())

    def _take(self, m):
        if m.message_type is MessageType.SIGNAL and m.interface == JOB:
            self.signals.append((m.member, m.body, time.monotonic()))

    async def call(self, member, signature='', body=(), fds=(), path=PATH, interface=MANAGER, timeout=120):
        m = Message(destination=NAME, path=path, interface=interface, member=member, signature=signature, body=list(body),
                    unix_fds=list(fds))
        reply = await asyncio.wait_for(self.bus.call(m), timeout)
        if reply.message_type is MessageType.ERROR:
            raise Failed(reply)
        for f in reply.unix_fds:
            os.set_inheritable(f, False)
        return reply

    async def get(self, name, path=PATH, interface=MANAGER):
        reply = await self.call('Get', 'ss', [interface, name], path=path, interface=PROPERTIES)
        return reply.body[0].value

    async def picture(self, member, options, fd=None):
        with open(PAGE, 'rb') as page:
            return await self.call(member, 'ha{sv}', [0, options], [fd if fd is not None else page.fileno()])

    async def say(self, text, **options):
        return (await self.call('Say', 'sa{sv}', [text, options])).body[0]

    async def create_speech(self, text, options, fds=()):
        return (await self.call('CreateSpeech', 'sa{sv}', [text, options], fds)).body[0]

    async def job(self, path, member):
        return await self.call(member, path=path, interface=JOB)

    async def wait_for(self, what, *path):
        end = time.monotonic() + 60
        while not what(*[await self.get(p) for p in path]):
            require(time.monotonic() < end, 'it did not come to that', path)
            await asyncio.sleep(0.02)

    def close(self):
        self.bus.disconnect()


async def fails(name, call):
    """The call must end with this error of ours, and say something."""
    try:
        await call
    except Failed as e:
        require(e.name == name and len(str(e)) > len(name) + 12, e)
        return str(e)
    raise AssertionError(f'no error where {name} was due')


def main(cases):
    """Run the case that the command line names."""
    asyncio.run(asyncio.wait_for(cases[sys.argv[1]](), 280))
