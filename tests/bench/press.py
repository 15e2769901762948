#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""press.py BUILD [--repeat N]: from the press of a scanner's button to the first sound, by stages.

The scanner is the tests' own driver (tests/scan/backend.c), which writes down when it was asked to scan; the page is the sample page, the card
is ALSA's null plugin, the bus a private one. Times count from the moment the button's value changes. Cold: a brailled (or braillectl) that was
just started; slow: the scan takes about 5 s, as a scanner's does, so that warm-up hides behind it. Asserts nothing.
"""
import argparse
import os
import pathlib
import signal
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGES = [('scan asked for', 'start'), ('press tone', 'tone'), ('page whole', 'scanned'), ('text', 'text'), ('first sound of speech', 'sound')]


def environment(build):
    os.environ.update(BRAILLECTL=str(build / 'tools/braillectl'), SOUND_INFO=str(build / 'tests/cli/sound-info'),
                      TEST_BACKEND=str(build / 'tests/scan/libsane-brailletest.so'), TO_PGM=str(build / 'tests/scan/to-pgm'),
                      SAMPLE_PAGE=str(ROOT / 'tests/data/sample-page.png'))
    sys.path.insert(0, str(ROOT / 'tests/scan'))


def one_press(rig, r, w, seed):
    """Milliseconds of each stage behind the press. The seed moves it against the polling."""
    time.sleep(0.2 + 0.037 * (seed % 11))
    before = set(r.home.glob('heard*'))
    wall, pressed = time.time_ns(), r.press()
    page = w.event('page', 'error')
    if 'error' in page:
        sys.exit(f'it failed: {page}')
    w.line('read aloud')
    noticed = (r.state.start_ns - pressed) / 1e6 - page['ms']['start']
    got = {name: page['ms'][name] + noticed for name in ('scanned', 'text', 'sound')}
    got['start'] = (r.state.start_ns - pressed) / 1e6
    first = min(set(r.home.glob('heard*')) - before, key=lambda p: p.stat().st_mtime_ns)
    got['tone'] = (first.stat().st_mtime_ns - wall) / 1e6
    for path in r.home.glob('heard*'):
        path.unlink()
    return got


def show(name, rows):
    print(f'{name}, {len(rows)} presses, load {os.getloadavg()[0]:.1f}')
    for title, key in STAGES:
        values = sorted(row[key] for row in rows)
        print(f'  {title:24} median {statistics.median(values):7.0f} ms   {values[0]:.0f} to {values[-1]:.0f}', flush=True)


def presses(rig, way, n, cold, line_usec):
    rows = []
    with tempfile.TemporaryDirectory(prefix='bench-press-') as tmp:
        page = os.path.join(tmp, 'page.pgm')
        rig.sample_to_pgm(page)
        r = rig.Rig(tmp, page)
        r.state.line_usec = line_usec
        env = dict(r.env)
        if way == 'brailled':
            env['DBUS_SESSION_BUS_ADDRESS'] = os.environ['DBUS_SESSION_BUS_ADDRESS']
        pids = pathlib.Path(os.environ['BRAILLED_TEST_LOG']).parent / 'pids'
        w = None
        for k in range(n + (not cold)):
            if cold and w:
                w.end()
                w = None
            if cold and way == 'brailled' and pids.read_text().split():
                try:
                    os.kill(int(pids.read_text().split()[-1]), signal.SIGKILL)
                except ProcessLookupError:
                    pass
                time.sleep(1)
            if not w:
                w = rig.Watch(r, '--speak', env=env)
                w.event('ready')
            rows.append(one_press(rig, r, w, k))
        w.end()
    return rows if cold else rows[1:]


def main():
    p = argparse.ArgumentParser()
    p.add_argument('build', type=pathlib.Path)
    p.add_argument('--repeat', type=int, default=20)
    p.add_argument('--inside', action='store_true', help='on its private bus already')
    a = p.parse_args()
    build = a.build.resolve()
    if not a.inside:
        os.execv(ROOT / 'tests/bus/with-bus.sh', ['with-bus.sh', str(build / 'daemon/brailled'), '--', sys.executable, __file__, str(build),
                                                  '--repeat', str(a.repeat), '--inside'])
    environment(build)
    import rig
    few = max(1, a.repeat // 4)
    print(f'{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}')
    for way in ('brailled', 'in braillectl'):
        show(f'{way}, warm', presses(rig, way, a.repeat, False, 0))
        show(f'{way}, cold', presses(rig, way, few, True, 0))
        show(f'{way}, cold, slow scan', presses(rig, way, few, True, 2000))


if __name__ == '__main__':
    main()
