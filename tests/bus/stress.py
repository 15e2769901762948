#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many conversions by eight programs at once, with random cancels, kills of callers and kills of the daemon.

stress.py N KILLS; on a private bus (tests/bus/with-bus.sh BRAILLED --verbose -- PYTHON tests/bus/stress.py 1000 3).
Every call is answered or fails with a named error, every conversion is written once, the same picture gives the same
sound, and the daemon ends with the descriptors and the memory that it had when it was warm. Prints the figures."""
import asyncio
import collections
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from bus import JOB, Bus, Failed, Message, Variant, require

CALLERS = 8
HERE = pathlib.Path(__file__).resolve()
DATA = HERE.parent.parent / 'data'
PICTURES = ['crop-hao4.png', 'crop-zhong1.png', 'crop-248.png', 'sample-page.png']
GONE = ('org.freedesktop.DBus.Error.NoReply', 'org.freedesktop.DBus.Error.ServiceUnknown',
        'org.freedesktop.DBus.Error.Disconnected', 'org.freedesktop.DBus.Error.UnknownObject',
        'org.freedesktop.DBus.Error.Spawn.ChildSignaled', 'org.freedesktop.DBus.Error.UnknownMethod')


def plan(ticket):
    """What a ticket stands for is the same in every run."""
    rng = random.Random(ticket)
    picture = rng.choices(PICTURES, [4, 4, 4, 1])[0]
    how = rng.choices(['call', 'job', 'pipe', 'cancel'], [4, 2, 2, 1])[0]
    return picture, how, rng.random()


class Caller:
    """One program: its tickets one by one, a line of log for every call."""

    def __init__(self, bus, folder):
        self.bus, self.folder = bus, folder
        self.log = os.open(folder / 'log', os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, ticket, outcome):
        os.write(self.log, f'{ticket} {outcome}\n'.encode())

    async def sound_of(self, reply, result):
        fd = reply.unix_fds[result['audio'].value]
        with open(fd, 'rb') as f:
            return f.read()

    async def by_call(self, page, options):
        reply = await self.bus.call('Convert', 'ha{sv}', [0, options], [page], timeout=600)
        return await self.sound_of(reply, reply.body[1])

    async def by_job(self, page, options, cancel_after=None):
        path = (await self.bus.call('CreateJob', 'ha{sv}', [0, options], [page])).body[0]
        run = asyncio.ensure_future(self.bus.call('Run', path=path, interface=JOB, timeout=600))
        if cancel_after is not None:
            await asyncio.sleep(cancel_after)
            try:
                await self.bus.job(path, 'Cancel')
            except Failed as e:
                if 'UnknownObject' not in e.name:  # it was through already
                    run.add_done_callback(lambda f: f.cancelled() or f.exception())
                    raise
        reply = await run
        return await self.sound_of(reply, reply.body[1])

    async def by_pipe(self, page, options):
        read_end, write_end = os.pipe()
        with open(read_end, 'rb') as f:
            listening = asyncio.ensure_future(asyncio.to_thread(f.read))
            try:
                options = {**options, 'audio-fd': Variant('h', 1)}
                await self.bus.call('Convert', 'ha{sv}', [0, options], [page, write_end], timeout=600)
            finally:
                os.close(write_end)
                sound = await listening
        return sound[44:]  # the header of a stream says nothing of its length

    async def convert(self, ticket):
        picture, how, chance = plan(ticket)
        outputs = ['pinyin'] if picture == 'sample-page.png' and how != 'pipe' else ['pinyin', 'audio']
        options = {'outputs': Variant('as', outputs), 'dpi': Variant('d', 200)}
        with open(DATA / picture, 'rb') as page:
            if outputs == ['pinyin']:
                reply = await self.bus.call('Convert', 'ha{sv}', [0, options], [page.fileno()], timeout=600)
                return reply.body[0].encode()
            if how == 'pipe':
                return await self.by_pipe(page.fileno(), options)
            if how == 'call':
                return await self.by_call(page.fileno(), options)
            return await self.by_job(page.fileno(), options, chance / 2 if how == 'cancel' else None)

    def write(self, ticket, data):
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix='.new') as f:
            f.write(data)
            f.flush()
            os.link(f.name, self.folder / f'{ticket}.out')  # fails if it was written before

    async def ticket(self, ticket):
        """True once it is through."""
        self.note(ticket, 'begin')
        try:
            data = await self.convert(ticket)
        except Failed as e:
            self.note(ticket, e.name)
            return e.name == 'Cancelled' and plan(ticket)[1] == 'cancel'
        picture, how, _ = plan(ticket)
        self.write(ticket, data)
        self.note(ticket, f'done {picture}/{how == "pipe"} {hashlib.sha256(data).hexdigest()[:16]}')
        return True


async def caller(folder, tickets):
    bus = await Bus.open()
    c = Caller(bus, pathlib.Path(folder))
    for ticket in tickets:
        while not await c.ticket(ticket):
            await asyncio.sleep(0.05)
    bus.close()


def ended(folder):
    """Tickets that are through, from the log."""
    done = set()
    for line in (folder / 'log').read_text().splitlines() if (folder / 'log').exists() else []:
        ticket, outcome = line.split(' ', 1)
        if outcome.startswith('done') or (outcome == 'Cancelled' and plan(int(ticket))[1] == 'cancel'):
            done.add(int(ticket))
    return done | {int(p.stem) for p in folder.glob('*.out')}  # killed between the file and its line


class Watch:
    """The daemon from outside: which process, how many descriptors, how much memory."""

    def __init__(self, bus):
        self.bus, self.rows = bus, []

    async def pid(self):
        m = Message(destination='org.freedesktop.DBus', path='/org/freedesktop/DBus', interface='org.freedesktop.DBus',
                    member='GetConnectionUnixProcessID', signature='s', body=['org.brailled.Brailled1'])
        reply = await self.bus.bus.call(m)
        return reply.body[0] if isinstance(reply.body[0], int) else None

    async def look(self, n_done):
        pid = await self.pid()
        try:
            fds = len(os.listdir(f'/proc/{pid}/fd'))
            status = pathlib.Path(f'/proc/{pid}/status').read_text()
        except OSError:
            return
        if 'VmRSS:' not in status:  # killed, and not buried yet
            return
        rss = int(status.split('VmRSS:')[1].split()[0]) / 1024
        self.rows.append((pid, n_done, fds, rss))

    async def quiet(self, n_done):
        """As look(), when nothing is under way."""
        await self.bus.wait_for(lambda n: n == 0, 'QueueLength')
        await self.look(n_done)
        return self.rows[-1]


async def run_all(folder, n, kills):
    watch = Watch(await Bus.open())
    rng = random.Random(7)
    warm_at, kill_at = n // 2, sorted(rng.sample(range(n // 20, n // 2), kills)) if kills else []
    callers, pause, warm, n_killed, began = {}, False, None, 0, time.monotonic()
    while len(done := ended(folder)) < n or callers:
        require(time.monotonic() - began < 3000, 'it does not end', len(done))
        for slot, p in list(callers.items()):
            if p.poll() is not None:
                require(p.returncode in (0, -signal.SIGKILL), p.returncode, p.stderr.read().decode())
                p.stderr.close()
                del callers[slot]
        if warm is None and len(done) >= warm_at and not kill_at:
            pause = True  # let all run dry, look, go on
            for p in callers.values():
                p.kill()
            if not callers:
                warm, pause = await watch.quiet(len(done)), False
        for slot in range(CALLERS):
            todo = [t for t in range(n) if t % CALLERS == slot and t not in done]
            if slot not in callers and todo and not pause:
                callers[slot] = subprocess.Popen([sys.executable, HERE, '--caller', folder, *map(str, todo)],
                                                 stderr=subprocess.PIPE)
        if kill_at and len(done) >= kill_at[0]:
            kill_at.pop(0)
            pid = await watch.pid()
            if pid:
                os.kill(pid, signal.SIGKILL)
        elif callers and rng.random() < 0.15 and n_killed < n // 25:
            rng.choice(list(callers.values())).kill()
            n_killed += 1
        await watch.look(len(done))
        await asyncio.sleep(0.25)
    last = await watch.quiet(n)
    metrics = (await watch.bus.call('GetMetrics')).body[0]
    watch.bus.close()
    return warm, last, n_killed, time.monotonic() - began, watch.rows, metrics


def report(folder, n, kills, warm, last, n_killed, seconds, rows):
    outcomes, sounds, begun = collections.Counter(), collections.defaultdict(set), 0
    for line in (folder / 'log').read_text().splitlines():
        _, outcome = line.split(' ', 1)
        word, *rest = outcome.split(' ')
        if word == 'begin':
            begun += 1
            continue
        outcomes[word] += 1
        if word == 'done':
            sounds[rest[0]].add(rest[1])
    print(f'{n} conversions by {CALLERS} callers in {seconds:.0f} s; {n_killed} callers and {kills} daemons killed, '
          f'{len({r[0] for r in rows})} daemons seen')
    print('calls:', begun, json.dumps(outcomes), 'not answered, as their caller was killed:', begun - sum(outcomes.values()))
    print(f'descriptors {warm[2]} -> {last[2]}, resident memory {warm[3]:.1f} -> {last[3]:.1f} MiB '
          f'between {warm[1]} and {last[1]} conversions of one daemon; most on the way: {max(r[2] for r in rows)} and '
          f'{max(r[3] for r in rows):.1f} MiB')
    allowed = {'done', 'Cancelled', 'Busy', *GONE}
    require(set(outcomes) <= allowed, 'an unknown outcome', set(outcomes) - allowed)
    require(all(len(s) == 1 for s in sounds.values()), 'one picture, two sounds', dict(sounds))
    require(begun - sum(outcomes.values()) <= n_killed + CALLERS, 'calls that nobody answered')
    require(warm[0] == last[0] and last[2] <= warm[2], 'descriptors grow', warm, last)
    room = 1.1 if n >= 500 else 1.4  # a daemon that is young still grows into its work
    require(last[3] < warm[3] * room, 'memory grows', warm, last)
    written = {int(p.stem) for p in folder.glob('*.out')}
    require(all(t in written or plan(t)[1] == 'cancel' for t in range(n)), 'not written', set(range(n)) - written)
    print(f'{len(written)} written once, {n - len(written)} cancelled by their callers')


def main():
    if sys.argv[1] == '--caller':
        asyncio.run(caller(sys.argv[2], [int(t) for t in sys.argv[3:]]))
        return
    n, kills = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as d:
        folder = pathlib.Path(d)
        warm, last, n_killed, seconds, rows, metrics = asyncio.run(run_all(folder, n, kills))
        report(folder, n, kills, warm, last, n_killed, seconds, rows)
        require('brailled_queue_length 0' in metrics, metrics)


main()
