#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs as objects, several callers at once, reloading, figures. test-jobs.py CASE; on the test's own bus."""
import asyncio
import fcntl
import os
import signal
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import folder, run, sound_info  # noqa: E402
from bus import JOB, PATH, SENTENCE, Bus, Failed, Message, Variant, fails, main, require

RAW = 'audio/x-raw,format=S16LE,channels=1,rate=16000'
SSML = '<speak>今天<mark name="here"/>天气很好。<mark name="there"/>我们去公园。</speak>'


class Listener:
    """The read end of a pipe: how much came, and when."""

    def __init__(self, size=4096):
        self.end, self.write_end = os.pipe()
        fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, size)
        os.set_blocking(self.end, False)
        self.data = b''
        asyncio.get_running_loop().add_reader(self.end, self._read)
        self.ended = asyncio.get_running_loop().create_future()

    def _read(self):
        block = os.read(self.end, 65536)
        self.data += block
        if not block:
            asyncio.get_running_loop().remove_reader(self.end)
            os.close(self.end)
            self.ended.set_result(True)

    def options(self, **more):
        return {'audio-fd': Variant('h', 0), 'audio-format': Variant('s', RAW), **more}

    def handed_over(self):
        os.close(self.write_end)

    @property
    def seconds(self):
        return len(self.data) / 32000


async def speech(bus, text, listener, **options):
    path = await bus.create_speech(text, listener.options(**options), [listener.write_end])
    listener.handed_over()
    return path


async def case_signals():
    bus, other = await Bus.open(), await Bus.open()
    await other.bus.call(Message(destination='org.freedesktop.DBus', path='/org/freedesktop/DBus',
                                 interface='org.freedesktop.DBus', member='AddMatch', signature='s',
                                 body=[f"type='signal',interface='{JOB}'"]))
    path = (await bus.picture('CreateJob', {'outputs': Variant('as', ['audio', 'pinyin'])})).body[0]
    require(path.startswith(PATH + '/job/') and await bus.get('State', path, JOB) == 0, path)
    reply = await bus.job(path, 'Run')
    text, result = reply.body
    os.close(reply.unix_fds[0])
    progress = [body for member, body, _ in bus.signals if member == 'Progress']
    require(progress[0] == [1, 0] and progress[-1] == [7, 1], progress)
    require([p[1] for p in progress] == sorted(p[1] for p in progress), progress)
    require({2, 3, 4, 5, 6} <= {p[0] for p in progress}, progress)
    told = [body for member, body, _ in bus.signals if member == 'Segment']
    segments = result['segments'].value
    require(len(told) == len(segments) > 3, len(told), len(segments))
    for a, b in zip(told, segments):
        require(list(a[:5]) == list(b[:5]) and abs(a[5] - b[5]) < 50000 and a[6] == b[6] < 1, a, b)
    require(not other.signals, 'signals go to the owner only', other.signals)
    await fails('org.freedesktop.DBus.Error.UnknownObject', bus.job(path, 'Run'))

    # what is told of a sentence comes before its sound; marks where they stand; the text of a text
    bus.signals.clear()
    ear = Listener()
    path = await speech(bus, SSML, ear, input=Variant('s', 'ssml'))
    text, result = (await bus.job(path, 'Run')).body
    await ear.ended
    require(text == SSML and abs(ear.seconds - result['audio-duration'].value) < 0.001, text, ear.seconds)
    marks = [body for member, body, _ in bus.signals if member == 'Mark']
    segments = result['segments'].value
    require([m[0] for m in marks] == ['here', 'there'], marks)
    require(segments[0][4] < marks[0][1] < marks[1][1] < segments[-1][5], marks, segments)
    path = await bus.create_speech('我有3本书。你呢？', {'input': Variant('s', 'text')})
    reply = await bus.job(path, 'Run')
    os.close(reply.unix_fds[0])
    require([s[2] for s in reply.body[1]['segments'].value] == ['我有3本书。', '你呢？'], reply.body)
    bus.close()
    other.close()


async def case_ahead():
    """Sentences are told as they are made, whether or not anybody takes the sound: whoever waits for the signal before
    reading on gets it."""
    bus = await Bus.open()
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, 4096)
    path = await bus.create_speech(SENTENCE * 6, {'audio-fd': Variant('h', 0), 'audio-format': Variant('s', RAW)}, [write_end])
    os.close(write_end)
    run = asyncio.ensure_future(bus.job(path, 'Run'))
    while sum(member == 'Segment' for member, *_ in bus.signals) < 6:
        require(not run.done(), 'it ended without its sound being taken')
        await asyncio.sleep(0.02)
    with open(read_end, 'rb') as f:
        data = await asyncio.to_thread(f.read)
    last = [body for member, body, _ in bus.signals if member == 'Segment'][-1]
    require(last[4] / 1e6 < len(data) / 32000 < last[5] / 1e6 + 0.1, last, len(data))
    await run
    bus.close()


async def case_owner():
    bus, other = await Bus.open(), await Bus.open()
    path = await bus.create_speech('hao3', {})
    for member in ('Run', 'Pause', 'Resume', 'Cancel'):
        await fails('org.freedesktop.DBus.Error.AccessDenied', other.job(path, member))
    await fails('org.freedesktop.DBus.Error.AccessDenied', other.get('State', path, JOB))
    require(await bus.get('State', path, JOB) == 0)
    run = asyncio.ensure_future(bus.job(path, 'Run'))
    await fails('InvalidOption', second_run(bus, path, run))
    os.close((await run).unix_fds[0])

    # four places of one connection, also where nothing runs; they go with it
    for _ in range(4):
        path = await bus.create_speech('hao3', {})
    await fails('Busy', bus.create_speech('hao3', {}))
    await fails('Busy', bus.call('ListVoices'))
    await bus.job(path, 'Cancel')
    await fails('org.freedesktop.DBus.Error.UnknownObject', bus.job(path, 'Cancel'))
    await bus.call('ListVoices')
    await bus.create_speech('hao3', {})
    bus.close()
    more = [await Bus.open() for _ in range(4)]
    for one in more:
        for _ in range(4):
            await create_soon(one)
    await fails('Busy', other.create_speech('hao3', {}))
    for one in more:
        one.close()
    require(await create_soon(other))
    other.close()


async def second_run(bus, path, first):
    await bus.job(path, 'Pause')  # so that it is still there
    require(not first.done())
    try:
        return await bus.job(path, 'Run')
    finally:
        await bus.job(path, 'Resume')


async def create_soon(bus):
    """Others that left may not be forgotten yet."""
    end = time.monotonic() + 30
    while True:
        try:
            return await bus.create_speech('hao3', {})
        except Failed as e:
            require(e.name == 'Busy' and time.monotonic() < end, e)
            await asyncio.sleep(0.05)


async def case_pause():
    bus, other = await Bus.open(), await Bus.open()
    text = SENTENCE * 12
    plain = Listener()
    await bus.job(await speech(bus, text, plain), 'Run')
    await plain.ended

    ear = Listener()
    path = await speech(bus, text, ear)
    await bus.job(path, 'Pause')
    run = asyncio.ensure_future(bus.job(path, 'Run'))
    await other.say('hao3')  # goes through meanwhile
    require(await bus.get('State', path, JOB) == 3 and not ear.data and not run.done())
    await bus.job(path, 'Resume')
    while ear.seconds < 1:
        await asyncio.sleep(0.01)
    await bus.job(path, 'Pause')
    await asyncio.sleep(0.2)  # what was in the pipe
    held = len(ear.data)
    await other.say(SENTENCE * 2)
    require(len(ear.data) == held < len(plain.data) and not run.done(), 'it speaks on', held)
    require(await other.get('QueueLength') == 1 and await other.get('Busy') is True)
    await bus.job(path, 'Resume')
    require(await bus.get('State', path, JOB) in (1, 2))
    await run
    await ear.ended
    require(ear.data == plain.data, 'a pause changes nothing', len(ear.data), len(plain.data))

    # a cancel ends it at once, paused or not, and its caller may leave paused
    for paused in (False, True):
        ear = Listener()
        path = await speech(bus, SENTENCE * 500, ear)
        run = asyncio.ensure_future(bus.job(path, 'Run'))
        while not ear.data:
            await asyncio.sleep(0.01)
        if paused:
            await bus.job(path, 'Pause')
        await bus.job(path, 'Cancel')
        await fails('Cancelled', run)
        await ear.ended
    path = await bus.create_speech(SENTENCE, {})
    await bus.job(path, 'Pause')
    asyncio.ensure_future(bus.job(path, 'Run')).add_done_callback(lambda f: f.exception())
    await other.wait_for(lambda n: n == 1, 'QueueLength')
    bus.close()
    await other.wait_for(lambda n, busy: n == 0 and not busy, 'QueueLength', 'Busy')
    other.close()


async def case_fair():
    """Hours of speech for one, a pipe that is never fed, and a short sentence of another: it is said at once."""
    greedy, slow, short = await Bus.open(), await Bus.open(), await Bus.open()
    runs = [asyncio.ensure_future(greedy.say(SENTENCE * 300)) for _ in range(3)]
    await short.wait_for(lambda n: n == 3, 'QueueLength')
    read_end, write_end = os.pipe()
    runs.append(asyncio.ensure_future(slow.picture('Convert', {}, read_end)))
    await short.wait_for(lambda n: n == 4, 'QueueLength')
    os.close(read_end)
    for _ in range(3):
        fd = (await short.call('Say', 'sa{sv}', ['ni3hao3。', {}])).unix_fds[0]
        os.close(fd)
    require(not any(r.done() for r in runs), 'the others have time')
    require(await short.get('QueueLength') == 4)
    # a page in the middle of it is a page as ever
    text, result = (await short.picture('Read', {})).body
    require(len(text) > 100 and 'cells' in result, text)
    os.close(write_end)
    await fails('InvalidInput', runs.pop())
    greedy.close()
    slow.close()
    for r in runs:
        r.cancel()
    await short.wait_for(lambda n: n == 0, 'QueueLength')
    short.close()


async def case_limits():
    """A caller's pictures count together, as long as they are open."""
    bus, blocks = await Bus.open(), bytes(1 << 20)
    ends, runs = [], []
    for _ in range(3):
        read_end, write_end = os.pipe()
        path = (await bus.picture('CreateJob', {}, read_end)).body[0]
        os.close(read_end)
        await bus.job(path, 'Pause')
        runs.append(asyncio.ensure_future(bus.job(path, 'Run')))
        ends.append((path, write_end))
    for i, (path, write_end) in enumerate(ends):
        for _ in range(200):
            await asyncio.to_thread(os.write, write_end, blocks)
        os.close(write_end)
        if i < 2:
            require(await bus.get('State', path, JOB) == 3)
    done, _ = await asyncio.wait(runs, return_when=asyncio.FIRST_COMPLETED)
    require(len(done) == 1, done)
    error = await fails('Busy', done.pop())
    require('512 MiB' in error, error)
    for path, _ in ends:
        try:
            await bus.job(path, 'Resume')
        except Failed as e:
            require('UnknownObject' in e.name, e)
    ends = await asyncio.gather(*runs, return_exceptions=True)
    require(sorted(e.name for e in ends) == ['Busy', 'InvalidInput', 'InvalidInput'], ends)
    bus.close()


async def case_read():
    bus = await Bus.open()
    text, result = (await bus.picture('Read', {'outputs': Variant('as', ['lines', 'boxes', 'cells', 'audio']),
                                               'sides': Variant('u', 3), 'rate': Variant('d', 1)})).body
    require({'output-unavailable:audio', 'unknown-option:rate'} <= set(result['warnings'].value), result['warnings'])
    lines, boxes = result['lines'].value, result['boxes'].value
    require('audio' not in result and 'acoustic' not in result['timings'].value and 'pinyin' not in result, result.keys())
    pages = ['\n'.join(line[2] for line in lines if line[0] == side) for side in (1, 2)]
    require('\f'.join(pages) == result['cells'].value, 'lines are the cells')
    require(any('\u4e00' <= c < '\ua000' for line in lines for c in line[4]), 'no Hanzi', lines[:3])
    raised = sum(c not in '\u2800\n' for c in pages[0])
    require(sum(b[0] == 1 for b in boxes) == raised > 100, len(boxes), raised)
    for side, row, column, (x, y, w, h), dots, p in boxes:
        require(0 <= x < 5000 and 0 <= y < 5000 and 4 < w < h < 60 and 0 < dots < 64 and 0 < p <= 1.0001, side, row, column)
    bus.close()


async def daemon_pid(bus):
    reply = await bus.bus.call(Message(destination='org.freedesktop.DBus', path='/org/freedesktop/DBus',
                                       interface='org.freedesktop.DBus', member='GetConnectionUnixProcessID',
                                       signature='s', body=['org.brailled.Brailled1']))
    return reply.body[0]


async def case_reload():
    """SIGHUP: what was begun goes on; what follows has the device opened anew."""
    bus = await Bus.open()
    await bus.call('Prepare', 'a{sv}', [{}])
    ear = Listener()
    path = await speech(bus, SENTENCE * 8, ear)
    run = asyncio.ensure_future(bus.job(path, 'Run'))
    while not ear.data:
        await asyncio.sleep(0.01)
    pid = await daemon_pid(bus)
    os.kill(pid, signal.SIGHUP)
    text, result = (await run).body
    require(result['timings'].value['open'] < 5 and text, result['timings'])
    result = await bus.say('hao3')
    require(result['audio-duration'].value > 0.1, result)
    with open(os.environ['BRAILLED_TEST_LOG']) as f:
        require('Reloading' in f.read())
    require(await daemon_pid(bus) == pid and (await bus.get('Device'))[0], 'it is the same process')
    bus.close()


async def case_lost():
    """The device is lost in the middle of a sentence, and in the middle of a page: nobody notices."""
    bus, other = await Bus.open(), await Bus.open()
    lose = os.environ['BRAILLED_TEST_LOSE']

    def lose_it():
        open(lose, 'w').close()

    async def lost():
        while os.path.exists(lose):
            await asyncio.sleep(0.01)

    plain, text = Listener(), SENTENCE * 8
    await bus.job(await speech(bus, text, plain), 'Run')
    await plain.ended
    pages = [(await bus.picture('Read', {})).body[0]]
    pid = await daemon_pid(bus)

    ear = Listener()
    path = await speech(bus, text, ear)
    run = asyncio.ensure_future(bus.job(path, 'Run'))
    while ear.seconds < 1:
        await asyncio.sleep(0.01)
    reading = asyncio.ensure_future(other.picture('Read', {}))  # takes turns with it
    lose_it()
    await lost()
    await run
    await ear.ended
    require(ear.data == plain.data, 'the sound goes on where it was', len(ear.data), len(plain.data))
    pages.append((await reading).body[0])
    lose_it()
    pages.append((await other.picture('Read', {})).body[0])
    require(not os.path.exists(lose) and pages[0] == pages[1] == pages[2], pages)
    require(await daemon_pid(bus) == pid)
    bus.close()
    other.close()


async def case_imported():
    """A voice at 22.05 kHz with 218 speakers: WAV and what is kept whole have its rate, raw sound 16 kHz as its name says, and segments fit both."""
    bus, lengths = await Bus.open(), {}
    for form in (RAW, 'audio/x-wav'):
        ear = Listener()
        reply = await bus.call('CreateSpeech', 'sa{sv}', [SENTENCE, ear.options(**{'audio-format': Variant('s', form)})], [ear.write_end])
        ear.handed_over()
        text, result = (await bus.job(reply.body[0], 'Run')).body
        await ear.ended
        data = ear.data
        if form != RAW:
            require(data[:4] == b'RIFF' and int.from_bytes(data[24:28], 'little') == 22050, data[:44])
            data = data[44:]
        lengths[form] = len(data) / 2 / (16000 if form == RAW else 22050)
        require(abs(lengths[form] - result['audio-duration'].value) < 0.001, lengths, result)
        require(abs(result['segments'].value[-1][5] / 1e6 - lengths[form]) < 0.01, result, lengths)
    require(abs(lengths[RAW] - lengths['audio/x-wav']) < 0.01 and lengths[RAW] > 0.3, lengths)
    voices = (await bus.call('ListVoices')).body[0]
    require(len(voices) == 218 and list(voices[17]) == ['SSB0085', 'zh-CN', '', 'SSB0085'], len(voices), voices[17])
    run('say', '你好。', '-o', '/dev/null/x.wav', env=dict(os.environ), code=73)
    with folder() as d:
        sounds = {}
        for way in ([], ['--local']):
            out = os.path.join(d, 'x.wav')
            run('say', '你好。', '--voice', '17', *way, '-o', out, env=dict(os.environ), says='in this process' if way else 'through brailled')
            require(sound_info(out)['rate'] == 22050, sound_info(out))
            with open(out, 'rb') as f:
                sounds[bool(way)] = f.read()
        require(sounds[True] == sounds[False], 'another sound through brailled')


async def case_lists():
    from prometheus_client.parser import text_string_to_metric_families
    bus = await Bus.open()
    devices = (await bus.call('ListDevices')).body[0]
    require(devices and devices[0][0] == 0 and devices[0][5], devices)
    voices = (await bus.call('ListVoices')).body[0]
    require((await bus.get('Device'))[0] in [d[1] for d in devices] and len(voices) == 2, voices)
    seconds = (await bus.say(SENTENCE))['audio-duration'].value
    await fails('InvalidInput', bus.say('xyz9'))
    text = (await bus.call('GetMetrics')).body[0]
    families = {f.name: f for f in text_string_to_metric_families(text)}
    jobs = {(s.labels['method'], s.labels['outcome']): s.value for s in families['brailled_jobs'].samples}
    require(jobs['Say', 'done'] == 1 and jobs['Say', 'failed'] == 1 and jobs['ListVoices', 'done'] == 1, jobs)
    require(jobs['Convert', 'done'] == 0 and sum(jobs.values()) == 4, jobs)
    one = {name: f.samples[0].value for name, f in families.items()}
    require(abs(one['brailled_audio_seconds'] - seconds) < 0.001 and one['brailled_queue_length'] == 0, one)
    require(one['process_open_fds'] > 5 and one['process_resident_memory_bytes'] > 20e6, one)
    require(one['process_cpu_seconds'] > 0 and families['brailled_info'].samples[0].labels['device'], one)
    bus.close()


main({name.removeprefix('case_'): case for name, case in list(globals().items()) if name.startswith('case_')})
