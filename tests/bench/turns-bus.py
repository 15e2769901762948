#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a screen reader waits for its first sound while another program has pages converted one after the other, against
the same sentence with the daemon to itself, in the same run. turns-bus.py BRAILLED [N]; starts its own bus."""
import asyncio
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'bus'))
PAGE = HERE.parent / 'data/sample-page.png'
os.environ.setdefault('SAMPLE_PAGE', str(PAGE))


async def first_sound(bus, text):
    from bus import Variant
    read_end, write_end = os.pipe()
    began = time.monotonic()
    options = {'audio-fd': Variant('h', 0), 'audio-format': Variant('s', 'audio/x-raw,format=S16LE,channels=1,rate=16000')}
    run = asyncio.ensure_future(bus.call('Say', 'sa{sv}', [text, options], [write_end]))
    with open(read_end, 'rb', buffering=0) as f:
        await asyncio.sleep(0)
        first = await asyncio.to_thread(f.read, 1)
        ms = (time.monotonic() - began) * 1000
        os.close(write_end)
        while first and await asyncio.to_thread(f.read, 65536):
            pass
    await run
    return ms


async def greedy(stop):
    from bus import Bus
    bus, n = await Bus.open(), 0
    while not stop.is_set():
        reply = await bus.picture('Convert', {})
        os.close(reply.unix_fds[0])
        n += 1
    bus.close()
    return n


async def measure(n):
    from bus import SENTENCE, Bus
    bus, text, stop = await Bus.open(), SENTENCE, asyncio.Event()
    await bus.call('Prepare', 'a{sv}', [{}])
    await first_sound(bus, text)
    alone = [await first_sound(bus, text) for _ in range(n)]
    other = asyncio.ensure_future(greedy(stop))
    await asyncio.sleep(1)
    beside = []
    for i in range(n):
        beside.append(await first_sound(bus, text))
        await asyncio.sleep(0.1 + 0.037 * (i % 7))  # at another place of the page each time
    stop.set()
    pages = await other
    a, b = statistics.median(alone), statistics.median(beside)
    print(f'first sound alone: median {a:.0f} ms, most {max(alone):.0f}; while {pages} pages are converted: median {b:.0f} ms, '
          f'most {max(beside):.0f}; ratio {b / a:.2f} ({n} times each, load {os.getloadavg()[0]:.1f})')
    bus.close()


if os.environ.get('TURNS_BUS_INSIDE'):
    asyncio.run(measure(int(sys.argv[2]) if len(sys.argv) > 2 else 20))
else:
    sys.exit(subprocess.run([str(HERE.parent / 'bus/with-bus.sh'), sys.argv[1], '--', sys.executable, __file__, *sys.argv[1:]],
                            env=dict(os.environ, TURNS_BUS_INSIDE='1')).returncode)
