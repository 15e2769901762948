# SPDX-License-Identifier: Apache-2.0
"""sd_brailled by its protocol; each case is a test of its own."""
import array
import os
import random
import signal
import sys
import time

from module import Module, RATE_HZ, WAIT_S, names, require, seconds, sound

SENTENCE = '今天天气很好，我们一起去公园散步。'
LONG = SENTENCE * 40


def level(events):
    samples = array.array('h', sound(events))
    return (sum(x * x for x in samples) / len(samples)) ** 0.5


def protocol():
    with Module(init=False) as m:
        require(m.command('NONSENSE') == [b'300 ERR UNKNOWN COMMAND'])
        m.command('SPEAK')
        require(m.command('too early\n.') == [b'301 ERROR CANT SPEAK'])
        require(m.command('LIST VOICES') == [b'304 CANT LIST VOICES'])
        answer = m.command('INIT')
        require(answer[-1] == b'299 OK LOADED SUCCESSFULLY' and answer[0].startswith(b'299-brailled '), answer)
        require(m.command('AUDIO')[-1].startswith(b'207 '))
        require(m.command('audio_output_method=alsa\n.')[-1].startswith(b'303 '))
        require(m.command('LOGLEVEL')[-1].startswith(b'207 '))
        require(m.command('log_level=4\n.') == [b'203 OK LOGLEVEL SET'])
        require(m.command('LIST VOICES') == [b'200-xiaobei\tzh-CN\tfemale1', b'200-yunjian\tzh-CN\tmale1', b'200 OK VOICE LIST SENT'])
        require(m.set(rate=20, pitch='0', language='zh-CN', new_in_1_0='x') == [b'203 OK SETTINGS RECEIVED'])
        require(m.set(rate=200)[-1].startswith(b'303 '))
        m.command('SET')
        require(m.command('rate\n.')[-1].startswith(b'302 '))
        log = os.path.join(m.folder.name, 'debug')
        require(m.command(f'DEBUG ON {log}') == [b'200 OK DEBUGGING ON'])
        require(names(m.hear('你好')) == ['begin', 'end'])
        require(m.command('DEBUG OFF') == [b'200 OK DEBUGGING OFF'])
        require(m.command('DEBUG')[-1].startswith(b'302 ') and m.command('DEBUG ON /nonexistent/x')[-1].startswith(b'303 '))
        text = open(log).read()
        require('<- SPEAK' in text and '你好' not in text, 'what is spoken stays out of the log:', text)
        require(m.command('INIT')[-1].startswith(b'399 '), 'twice')
    with Module(config='BrailledDevice "no such device"', init=False) as m:
        answer = m.command('INIT')
        require(answer[-1] == b'399 ERR CANT INIT MODULE' and b'no such device' in answer[0], answer)
    with Module(config='BrailledRate fast\n') as m:  # is told, and costs nobody the voice
        require(seconds(m.hear('你好')) > 0.3)


def voice():
    with Module() as m:
        usual = m.hear(SENTENCE, rate=0, pitch=0, volume=100, voice='female1')
        require(names(usual) == ['begin', 'end'] and 2 < seconds(usual) < 8, names(usual), seconds(usual))
        require(sound(m.hear(SENTENCE)) == sound(usual), 'the same twice')
        require(max(map(abs, array.array('h', sound(usual)[:2 * RATE_HZ // 10]))) > 64, 'it begins with sound')
        fast, slow = m.hear(SENTENCE, rate=100), m.hear(SENTENCE, rate=-100)
        require(seconds(fast) < 0.45 * seconds(usual) and seconds(slow) > 1.5 * seconds(usual), seconds(fast), seconds(usual), seconds(slow))
        soft = m.hear(SENTENCE, rate=0, volume=0)
        require(0.4 < level(soft) / level(usual) < 0.6, level(soft), level(usual))
        silent = m.hear(SENTENCE, volume=-100)
        require(not any(array.array('h', sound(silent))), 'silence')
        high = m.hear(SENTENCE, volume=100, pitch=100)
        require(sound(high) != sound(usual) and 0.7 < seconds(high) / seconds(usual) < 1.4)
        man = m.hear(SENTENCE, pitch=0, voice='male1')
        require(sound(man) not in (sound(usual), sound(high)))
        require(sound(m.hear(SENTENCE, voice='female2', synthesis_voice='yunjian')) == sound(man))
        require(sound(m.hear(SENTENCE, synthesis_voice='nobody')) == sound(usual))
        # SSML's own, on top
        require(seconds(m.hear(f'<speak><prosody rate="200%">{SENTENCE}</prosody></speak>')) < 0.75 * seconds(usual))
        require(seconds(m.hear('<speak>你<break time="2s"/>好</speak>')) > 2)


def kinds():
    with Module(config='BrailledSoundIcons "/nonexistent"') as m:
        for kind, text in [('CHAR', 'A'), ('CHAR', '，'), ('CHAR', 'space'), ('CHAR', '行'), ('KEY', 'ctrl_a'), ('KEY', 'Return'), ('KEY', 'F1'),
                           ('SOUND_ICON', 'capital')]:
            events = m.hear(text, kind)
            require(names(events) == ['begin', 'end'] and seconds(events) > 0.2, kind, text, seconds(events))
        plain = seconds(m.hear('你好，世界'))
        require(seconds(m.hear('你好，世界', punctuation_mode='all')) > plain, 'the comma is named')
        require(seconds(m.hear('你好，世界', punctuation_mode='none', spelling_mode='on')) > plain)
        m.set(spelling_mode='off', cap_let_recogn='icon')
        require(seconds(m.hear('aB')) > 0.2)
        for nothing in ('', ' ', '<speak/>', '!', '<speak>\n</speak>'):
            require(names(m.hear(nothing)) == ['begin', 'end'], repr(nothing))
    with Module(config=f'BrailledSoundIcons "{os.path.dirname(__file__)}"') as m:
        file = os.path.basename(__file__)
        require(names(m.hear(file, 'SOUND_ICON')) == ['begin', f'{os.path.dirname(__file__)}/{file}', 'end'])
        require(names(m.hear('../speechd/' + file, 'SOUND_ICON')) == ['begin', 'end'], 'only from its folder')


def marks():
    with Module() as m:
        events = m.hear('<speak><mark name="a"/>你好。<mark name="__spd_0"/>今天<mark name="二 2"/>很好<mark name="end"/></speak>')
        require(names(events) == ['begin', 'a', '__spd_0', '二 2', 'end', 'end'], names(events))
        at, n = {}, 0
        for name, what in events:
            n += len(what) // 2 if name == 'sound' else 0
            if name == 'mark':
                at[what] = n / RATE_HZ
        require(at['a'] == 0 and 0.3 < at['__spd_0'] < at['二 2'] < at['end'], at)
        require(abs(at['end'] - n / RATE_HZ) < 0.1, at, n / RATE_HZ)
        alone = seconds(m.hear('<speak>你好。</speak>'))
        require(abs(at['__spd_0'] - alone) < 0.6, at, alone)
        require(names(m.hear('<speak><mark name="only"/></speak>')) == ['begin', 'only', 'end'])
        require(names(m.hear('<speak>a<mark name="x&#10;703 STOP"/>b</speak>')) in (['begin', 'end'], ['begin', 'x 703 STOP', 'end']))


def stop():
    with Module() as m:
        m.send('STOP\nPAUSE\n')  # nothing is spoken: nothing is answered
        require(names(m.hear('你好')) == ['begin', 'end'])
        for n_blocks in (0, 1, 20):
            m.say(LONG)
            require(m.event()[0] == 'begin')
            for _ in range(n_blocks):
                require(m.event()[0] == 'sound')
            m.send('STOP\n')
            left = [m.event()]
            while left[-1][0] == 'sound':
                left.append(m.event())
            require(left[-1][0] == 'stop', left[-1])
            require(seconds(left) < 4, 'only what was in the pipe', seconds(left))


def stop_full():
    """A STOP while the pipe to the server is full, and a message right behind it."""
    with Module() as m:
        for _ in range(3):
            m.say(LONG)
            while not m.lines.data.endswith(b'705 AUDIO\n') or len(m.lines.data) < 65536:
                m.lines.data += os.read(m.lines.fd, 4096)
            m.send('STOP\n')
            require(names(m.events()) == ['begin', 'stop'])
            require(names(m.hear('你好')) == ['begin', 'end'])


def pause():
    with Module() as m:
        text = '<speak>' + ''.join(f'{SENTENCE}<mark name="__spd_{i}"/><mark name="own{i}"/>' for i in range(20)) + '</speak>'
        m.say(text)
        require(m.event()[0] == 'begin' and m.event()[0] == 'sound')
        m.send('PAUSE\n')
        events = [m.event()]
        while events[-1][0] not in ('pause', 'end'):
            events.append(m.event())
        require(events[-1][0] == 'pause' and events[-2][1].startswith('__spd_'), names(events))
        require(events[-2][1] != '__spd_19', 'before the end')
        # without a mark of the server's: at a sentence's end
        m.say(LONG)
        require(m.event()[0] == 'begin' and m.event()[0] == 'sound')
        m.send('PAUSE\n')
        events = [m.event()]
        while events[-1][0] == 'sound':
            events.append(m.event())
        require(events[-1][0] == 'pause' and seconds(events) < 30, events[-1], seconds(events))
        require(names(m.hear('你好')) == ['begin', 'end'], 'the next is not paused')


BROKEN = [
    '<speak>你好<b>吗</speak>', '<speak>你好', '你好</speak>', '<speak>3 < 4</speak>', '<speak>a & b</speak>', '<speak><mark/>你好</speak>',
    '<speak><mark name="x>你好</speak>', '<!DOCTYPE x [<!ENTITY a "aaaa">]><speak>&a;你好</speak>', '<speak>&nbsp;你好&#0;</speak>',
    '<speak><prosody rate="very">你好</prosody></speak>', '<speak>' + '<p>' * 100 + '你好' + '</p>' * 100 + '</speak>', '<speak xml:lang="en">hello 你好</speak>',
    b'\xff\xfe\x80\xe4\xbd', b'<speak>\xe4\xbd\xa0\xe5\xa5\xbd\xc3</speak>', b'<speak>\x00\x01\x02\xe4\xbd\xa0</speak>', b'\x00', b'<speak>\xed\xa0\x80\xe4\xbd\xa0</speak>',
    '<' * 50 + '你好', '&' * 50 + '你好', '😀🎉', '<speak>😀你好</speak>', 'éàü ĞŞ привет', '.\n..\n.x', '<speak><audio src="x">你好</audio></speak>',
    '<speak><mark name="__spd_' + '9' * 300 + '"/>你好</speak>', '　', '。。。', '\r\n\r\n', 'Hello, world!', '<speak>' + '你' * 100 + '</speak>',
]
HUGE = ['<' * 500_000, '&' * 500_000, '<speak>' + '<mark name="a"/>' * 50_000 + '</speak>', 'x' * 5_000_000, '你' * 500_000, '<speak>' + '<p>' * 300_000,
        '1' * 500_000, '\n' * 500_000, '<speak>' + '一1，<' * 100_000]



def broken():
    silent = {b'\xff\xfe\x80\xe4\xbd', b'\x00', '😀🎉', '　', '。。。', '\r\n\r\n', 'éàü ĞŞ привет'}
    with Module() as m:
        m.set(rate=100)
        for text in BROKEN:
            events = m.hear(text)
            require(events[-1][0] == 'end', text[:40], names(events))
            require(text in silent or seconds(events) > 0.05, 'is silent:', text[:40])
        for mode in ('some', 'all'):
            for text in BROKEN:
                for kind in ('SPEAK', 'KEY', 'CHAR'):
                    m.set(punctuation_mode=mode, cap_let_recogn='spell')
                    m.say(text, kind)
                    m.send('STOP\n')
                    require(m.events()[-1][0] in ('stop', 'end'), text[:40])


def huge():
    with Module() as m:
        for mode in ('none', 'all'):
            m.set(punctuation_mode=mode)
            for text in HUGE:
                m.say(text)
                require(m.event()[0] == 'begin')
                start = time.monotonic()
                m.send('STOP\n')
                event = m.event()
                while event[0] not in ('stop', 'end'):
                    event = m.event()
                print(f'{text[:12]!r}: {event[0]} after {1000 * (time.monotonic() - start):.1f} ms')
        require(names(m.hear('你好')) == ['begin', 'end'])


def long():
    with Module() as m:
        m.say('<speak>' + SENTENCE * 8000 + '</speak>')  # 400 kB
        require(m.event()[0] == 'begin' and m.event()[0] == 'sound')
        m.send('STOP\n')
        while m.event()[0] == 'sound':
            pass
        require(names(m.hear('你好')) == ['begin', 'end'])


def count_files(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def resident_kib(pid):
    return int(next(line for line in open(f'/proc/{pid}/status') if line.startswith('VmRSS')).split()[1])


def rapid(rounds=300):
    """As Orca does while somebody walks through a menu."""
    lot = random.Random(1)
    texts = ['文件', '编辑', 'OK', '<speak>打开<mark name="__spd_0"/>文件。</speak>', LONG]
    with Module() as m:
        for _ in range(10):
            m.hear(SENTENCE)
        before, ends = (count_files(m.p.pid), resident_kib(m.p.pid)), {'stop': 0, 'end': 0, 'pause': 0}
        for i in range(rounds):
            m.set(rate=lot.randint(-20, 80), pitch=lot.randint(-50, 50), voice=lot.choice(['male1', 'female1']))
            m.say(lot.choice(texts))
            time.sleep(lot.choice([0, 0, 0.001, 0.01, 0.03]))
            m.send(lot.choice(['STOP\n', 'STOP\nSTOP\n', 'PAUSE\nSTOP\n']))
            ends[m.events()[-1][0]] += 1
        events = m.hear('你好', rate=0)
        require(names(events) == ['begin', 'end'] and seconds(events) > 0.3)
        after = count_files(m.p.pid), resident_kib(m.p.pid)
        print(rounds, 'messages:', ends, 'files and KiB before and after:', before, after)
        require(after[0] == before[0] and after[1] < before[1] + 30000, before, after)
        require(ends['stop'] > rounds / 2, ends)


def gone():
    """The server goes away: so does the module, also while it speaks to nobody."""
    for how in ('input', 'output', 'both', 'term'):
        m = Module()
        m.say(LONG)
        require(m.event()[0] == 'begin' and m.event()[0] == 'sound')
        if how == 'term':
            m.p.send_signal(signal.SIGTERM)
        if how in ('output', 'both'):
            m.p.stdout.close()
        if how in ('input', 'both', 'output'):
            m.p.stdin.close()
        require(m.p.wait(WAIT_S) in (0, -signal.SIGTERM), how, m.p.returncode)
        m.folder.cleanup()


globals()[sys.argv[1]]()
