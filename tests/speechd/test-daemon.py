# SPDX-License-Identifier: Apache-2.0
"""sd_brailled that speaks through brailled, on the test's own bus; each case is a test of its own."""
import array
import os
import pathlib
import signal
import sys

from module import Module, names, require, seconds, sound

SENTENCE = '今天天气很好，我们一起去公园散步。'
MARKED = '<speak><mark name="a"/>你好。<mark name="__spd_0"/>今天<mark name="二 2"/>很好<mark name="b"/><mark name="end"/></speak>'
HUSH_STEP = 160  # of silence that is left out
LONG = '<speak>' + ''.join(f'今天<mark name="{i}"/>天气很好。<mark name="__spd_{i}"/>我们一起去公园散步。' for i in range(12)) + '</speak>'
PIDS = pathlib.Path(os.environ['BRAILLED_TEST_LOG']).parent / 'pids'


def through_brailled():
    m = Module(config='BrailledUseDaemon yes\n', env=dict(os.environ), init=False)
    answer = m.command('INIT')
    require(answer[-1] == b'299 OK LOADED SUCCESSFULLY' and b'through brailled' in answer[0], answer)
    m.command('AUDIO')
    require(m.command('audio_output_method=server\n.') == [b'203 OK AUDIO INITIALIZED'])
    return m


def places(events):
    """[(mark, samples before it)]"""
    n, out = 0, []
    for name, what in events:
        n += len(what) // 2 if name == 'sound' else 0
        if name == 'mark':
            out.append((what, n))
    return out


def loud(events):
    """What is heard, without the silence around it: how much of that is left out goes by how the sound comes in blocks."""
    samples = array.array('h', sound(events))
    at = [i for i, x in enumerate(samples) if abs(x) > 64]
    return samples[at[0]:at[-1] + 1] if at else samples


def same_places(a, b):
    return [mark for mark, _ in a] == [mark for mark, _ in b] and all(abs(m - n) <= HUSH_STEP for (_, m), (_, n) in zip(a, b))


def marks():
    """In their places: as in the module's own process, which makes sound and marks in one piece."""
    texts = [MARKED, '<speak><mark name="only"/></speak>', LONG, '<speak>你好</speak>', '<speak>你好<b>吗</speak>', 'hello 😀']
    with Module() as here, through_brailled() as there:
        for text in texts:
            a, b = here.hear(text), there.hear(text)
            require(names(a) == names(b), names(a), names(b))
            require(same_places(places(a), places(b)), places(a), places(b))
            require(loud(a) == loud(b) and (seconds(a) > 0.3 or 'only' in text), text[:40], seconds(a), seconds(b))
        require(names(there.hear(MARKED)) == ['begin', 'a', '__spd_0', '二 2', 'b', 'end', 'end'])


def killed():
    """The message goes on where it was, with no mark lost and none twice."""
    with through_brailled() as m:
        whole = m.hear(LONG)
        m.say(LONG)
        events = [m.event()]
        while len(places(events)) < 5:
            events.append(m.event())
        pids = PIDS.read_text().split()
        os.kill(int(pids[-1]), signal.SIGKILL)
        while events[-1][0] != 'end':
            require(events[-1][0] != 'stop', names(events))
            events.append(m.event())
        require(len(PIDS.read_text().split()) == len(pids) + 1, 'another one took over')
        require(names(events) == names(whole), names(events))
        require(same_places(places(events), places(whole)), places(events), places(whole))
        require(loud(events) == loud(whole), seconds(events), seconds(whole))


def stop():
    """What is broken off leaves the next message as it would be."""
    with through_brailled() as m:
        usual = loud(m.hear('你好'))
        for n_blocks in (0, 3):
            m.say(LONG)
            require(m.event()[0] == 'begin')
            for _ in range(n_blocks):
                m.event()
            m.send('STOP\n')
            require(m.rest()[-1][0] == 'stop')
            require(loud(m.hear('你好')) == usual)
        for text, last in ((LONG, '__spd_'), (f'<speak>{SENTENCE * 12}</speak>', None)):
            m.say(text)
            require(m.event()[0] == 'begin' and m.event()[0] == 'sound')
            m.send('PAUSE\n')
            events = m.rest()
            require(events[-1][0] == 'pause', names(events))
            require(not last or names(events)[-2].startswith(last) and names(events)[-2] != '__spd_11', names(events))
            require(seconds(events) < 30, seconds(events))
            require(loud(m.hear('你好')) == usual)


globals()[sys.argv[1]]()
