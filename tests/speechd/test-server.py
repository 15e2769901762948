# SPDX-License-Identifier: Apache-2.0
"""The real server of speech-dispatcher with sd_brailled in it, spoken through by spd-say and by SSIP; each case is a test of its own."""
import array
import sys

from module import Client, RATE_HZ, Server, require

SENTENCE = '今天天气很好，我们一起去公园散步。'


def seconds(data):
    return len(data) / 2 / RATE_HZ


def say():
    """What spd-say can ask for, to the sound card."""
    with Server() as s:
        require('brailled' in s.spd_say('-O', wait=False).split(), 'found without a line of configuration')
        voices = [line.split() for line in s.spd_say('-L', wait=False).splitlines()[1:]]
        require(voices == [['xiaobei', 'zh-CN', 'female1'], ['yunjian', 'zh-CN', 'male1']], voices)
        s.spd_say(SENTENCE)
        usual = s.settle()
        require(2 < seconds(usual) < 8 and max(map(abs, array.array('h', usual))) > 1000, seconds(usual))
        for words, low, high in [(['-r', '100', SENTENCE], 0.15, 0.5), (['-r', '-100', SENTENCE], 1.4, 3), (['-p', '50', SENTENCE], 0.7, 1.4),
                                 (['-t', 'female1', SENTENCE], 0.6, 1.6), (['-y', 'xiaobei', SENTENCE], 0.6, 1.6),
                                 (['-s', '你好'], 0.1, 1), (['-m', 'all', SENTENCE], 1.1, 2), (['-x', f'<speak>{SENTENCE}<break time="3s"/>好</speak>'], 1.4, 3),
                                 (['-c', 'A'], 0.03, 0.5), (['-k', 'ctrl_a'], 0.1, 0.8), (['-i', '-50', SENTENCE], 0.9, 1.1), (['-x', '<speak>broken <b'], 0.1, 2)]:
            s.spd_say(*words)
            ratio = seconds(s.settle()) / seconds(usual)
            require(low < ratio < high, words, ratio)
        for i in range(20):
            s.spd_say('-C', wait=False)
            s.spd_say(f'第{i}个', wait=False)
        s.spd_say('-C', wait=False)
        s.settle()
        s.spd_say(SENTENCE)
        require(abs(seconds(s.settle()) - seconds(usual)) < 0.5 * seconds(usual), 'as before')


def ssip():
    """Index marks in their order; stop."""
    with Server() as s, Client(s) as c:
        c.command('SET SELF SSML_MODE ON')
        c.say(f'<speak><mark name="a"/>{SENTENCE}<mark name="b 1"/>世界<mark name="c"/></speak>')
        events = [c.event()]
        while events[-1] != 'END':
            events.append(c.event())
        require(events == ['BEGIN', 'a', 'b 1', 'c', 'END'], events)

        c.say('<speak>' + SENTENCE * 20 + '</speak>')
        require(c.event() == 'BEGIN')
        c.command('STOP SELF')
        require(c.event() == 'CANCELED')
        c.say('<speak>你好</speak>')
        require([c.event(), c.event()] == ['BEGIN', 'END'])


globals()[sys.argv[1]]()
