#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl metrics: a daemon's figures as Prometheus reads them; on the test's own bus."""
import asyncio
import json
import math
import os
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import folder, no_bus, require, run, skip, wait_for_name  # noqa: E402

try:
    from dbus_fast import Message, MessageType
    from dbus_fast.aio import MessageBus
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    if os.environ.get('NEED_PACKAGES') == '1':
        raise
    skip('prometheus_client or dbus-fast is missing; build with -Dtest_python=PYTHON that has tests/requirements.txt')

BUS = dict(os.environ)
PIDS = pathlib.Path(os.environ['BRAILLED_TEST_LOG']).parent / 'pids'


def families(text):
    return {f.name: f for f in text_string_to_metric_families(text)}


def job_counts(text):
    return {(s.labels['method'], s.labels['outcome']): s.value for s in families(text)['brailled_jobs'].samples}


def nobody_runs(d):
    old = os.path.join(d, 'old.prom')
    with open(old, 'w') as f:
        f.write('as it was')
    for env in (BUS, no_bus()):
        run('metrics', env=env, code=69, says='no brailled runs')
        run('metrics', '-o', old, env=env, code=69)
    run('metrics', '--instance', '7', env=BUS, code=69, says='org.brailled.Brailled1.device7')
    require(not PIDS.read_text(), 'a daemon was started to be asked')
    require(os.listdir(d) == ['old.prom'] and open(old).read() == 'as it was', os.listdir(d))


def usage():
    for words in (['word'], ['--local'], ['--device', '0'], ['--models', '/'], ['--instance', ''], ['-o']):
        run('metrics', *words, env=BUS, code=64)


def figures(d):
    run('say', '--pinyin', 'ni3hao3。', '-o', os.path.join(d, 'x.wav'), env=BUS, says='through brailled')
    r = run('metrics', env=BUS)
    require(not r.err and job_counts(r.text)['Say', 'done'] == 1, r.error, r.text)
    direct = subprocess.run(['busctl', '--user', '--json=short', 'call', 'org.brailled.Brailled1', '/org/brailled/Brailled1',
                             'org.brailled.Brailled1.Manager', 'GetMetrics'], capture_output=True, text=True)
    if direct.returncode == 0:  # the daemon's text as it is, but for what the clock moves
        mine, theirs = ([line.split(' ')[0] for line in text.splitlines()] for text in (r.text, json.loads(direct.stdout)['data'][0]))
        require(mine == theirs, mine, theirs)
    # JSON has the same names, labels and numbers
    o = run('metrics', '--json', env=BUS).json
    samples = [s for f in families(r.text).values() for s in f.samples]
    require({s.name for s in samples} == set(o), set(o))
    for s in samples:
        if s.labels:
            require([e['value'] for e in o[s.name] if e['labels'] == s.labels] == [s.value], s, o[s.name])
        elif not s.name.startswith('process_'):
            require(o[s.name] == s.value, s, o[s.name])
    require(isinstance(o['process_resident_memory_bytes'], int) and o['brailled_audio_seconds_total'] > 0.1, o)


def files(d):
    path = os.path.join(d, 'brailled.prom')
    mask = os.umask(0o022)
    for words, read in ([], lambda: job_counts(open(path).read())['Say', 'done'] == 1), (['--json'], lambda: open(path).read(1) == '{'):
        r = run('metrics', '-o', path, *words, env=BUS)
        require(not r.out and read(), r.out)
        require(os.stat(path).st_mode & 0o777 == 0o644, 'node_exporter may read it', oct(os.stat(path).st_mode))
    os.umask(mask)
    require(sorted(os.listdir(d)) == ['brailled.prom', 'old.prom', 'x.wav'], os.listdir(d))
    require(families(run('metrics', '-o', '-', env=BUS).text))
    run('metrics', '-o', os.path.join(d, 'missing/x.prom'), env=BUS, code=73)
    run('metrics', '-o', d, env=BUS, code=73)
    with open('/dev/full', 'w') as full:
        run('metrics', env=BUS, stdout=full, code=74)
        run('metrics', '--json', env=BUS, stdout=full, code=74)


def instance():
    """The one that is named is asked, not the one that runs beside it."""
    name = 'org.brailled.Brailled1.device7'
    daemon = subprocess.Popen([os.environ['BRAILLED'], '--instance', '7', '--idle-timeout', '0'])
    try:
        wait_for_name(name, daemon)
        require(job_counts(run('metrics', '--instance', '7', env=BUS).text)['Say', 'done'] == 0)
        require(job_counts(run('metrics', env=BUS).text)['Say', 'done'] == 1)
    finally:
        daemon.terminate()
        require(daemon.wait(60) == 0, 'its end:', daemon.returncode)


class Pretender:
    """A brailled@9 whose figures the test chooses."""

    def __init__(self):
        self.text, self.loop = '', asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.begin(), self.loop).result(60)

    async def begin(self):
        self.bus = await MessageBus().connect()
        self.bus.add_message_handler(self.answer)
        await self.bus.request_name('org.brailled.Brailled1.device9')

    def answer(self, m):
        if m.message_type is MessageType.METHOD_CALL and m.member == 'GetMetrics':
            return Message.new_method_return(m, 's', [self.text])

    def end(self):
        self.loop.call_soon_threadsafe(self.bus.disconnect)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)


def odd():
    """Names of devices may hold anything, and other versions say other things."""
    other = Pretender()
    try:
        other.text = '# HELP x y{z\n\nx{a="q\\"b\\\\n\\n,}=",b=""} 1.5\nx{a="2"} -3\ny NaN\nz +Inf\nbig 1e300\nmany 205123456\nnone{} 2\n'
        r = run('metrics', '--instance', '9', env=BUS)
        require(r.text == other.text, r.text)
        samples = [s for f in families(other.text).values() for s in f.samples]
        o = run('metrics', '--instance', '9', '--json', env=BUS).json
        require(o['x'] == [{'labels': s.labels, 'value': s.value} for s in samples if s.name == 'x'], o)
        require(o['x'][0]['labels'] == {'a': 'q"b\\n\n,}=', 'b': ''}, o)
        require(o['y'] is None and o['z'] is None and math.isclose(o['big'], 1e300) and o['many'] == 205123456, o)
        for broken in ('x', 'x ', 'x y', 'x{', 'x{a', 'x{a="', 'x{a="b\\', 'x{a="b"', 'x{a="b"}', 'x{a="b"}1', 'x{a="b" 1', 'x 1 2 3', 'x 1\nx{a="b"} 2'):
            other.text = broken
            require(run('metrics', '--instance', '9', env=BUS).text == broken)
            run('metrics', '--instance', '9', '--json', env=BUS, code=69, says='same version')
        other.text = ''
        require(run('metrics', '--instance', '9', '--json', env=BUS).json == {})
    finally:
        other.end()


with folder() as d:
    usage()
    nobody_runs(d)
    figures(d)
    files(d)
    instance()
    odd()
print('passed')
