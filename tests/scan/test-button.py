#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""braillectl button: presses, and what becomes of them. The button is in the memory that our driver shares with us."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from rig import *  # noqa: E402,F403
from harness import main, sound_info  # noqa: E402

TONES = {'press': 1920, 'scanned': 2240, 'done': 3200, 'stopped': 2240, 'error': 4800, 'ready': 3200}


def whole_page(d):
    path = os.path.join(d, 'whole.pgm')
    sample_to_pgm(path)
    return path


def lengths(r):
    return [len(h) for h in r.heard()]


def length_said(d, text):
    run('say', text, '--local', '-o', d + '/said.wav')
    return sound_info(d + '/said.wav')['frames']


def until_it_polls(r):
    n = r.state.n_polls
    wait_for(lambda: r.state.n_polls >= n + 9)


def press_while_speaking(r, w, button='scan'):
    """One press, and when its page is at work, another one."""
    n = r.state.n_starts
    r.press()
    require(w.event('press')['press'] == {'button': 'scan', 'speaking': False})
    wait_for(lambda: r.state.n_starts > n and r.state.end_ns)
    until_it_polls(r)
    r.press(button)
    require(w.event('press')['press'] == {'button': button, 'speaking': True})


def case_list():
    with folder() as d:
        r = Rig(d, top_of_page(d))
        want = 'scan\tscan\tScan button\ncancel\tstop\tCancel button\nbutton-pressed\tscan\tWhich button\n'
        require(run('button', env=r.env).text == want)
        o = run('button', '--json', env=r.env).json
        require(o['scanner'] == 'brailletest:desk' and [b['does'] for b in o['buttons']] == ['scan', 'stop', 'scan'], o)
        require(len(run('button', '--button', 'cover-open', env=r.env).text.splitlines()) == 1)
        run('button', '--button', 'lid', env=r.env, code=64, says='it has scan, cancel, button-pressed')
        for args, says in ((['-o', 'x.png'], 'page-%03d.png'), (['-o', 'x.wav'], '--speak'), (['--format', 'html'], 'an end'),
                           (['word'], 'no words')):
            run('button', '--watch', *args, env=r.env, code=64, says=says)
        need_driver('test')
        r.drivers('test')
        run('button', '--watch', '--scanner', 'test:0', env=r.env, code=69, says='no button of this scanner')
        (r.home / 'sane.d/test.conf').write_text('enable-test-options true\n')
        named = run('button', '--scanner', 'test:0', '--button', 'bool-hard-select-soft-detect', env=r.env).text
        require(named.startswith('bool-hard-select-soft-detect\tscan\t'), named)


def case_press():
    with folder() as d:
        r = Rig(d, top_of_page(d))
        service = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        service.bind(d + '/notify')
        w = Watch(r, '--speak', env=dict(r.env, NOTIFY_SOCKET=d + '/notify'))
        require(w.event('ready')['ready']['scanner'] == 'brailletest:desk')
        service.settimeout(WAIT_S)
        require(b'READY=1' in service.recv(4096))
        for n in (1, 2):
            pressed = r.press()
            require(w.event('press')['press'] == {'button': 'scan', 'speaking': False})
            o = w.event('page', 'error')
            require(o.get('page') == 1 and 'kongqi hen3 qingxin' in o['pinyin'] and o['ms']['sound'] > 0, o)
            require(pressed < r.state.start_ns < r.state.end_ns and r.state.n_starts == n)
            w.line('read aloud')
        r.press('copy')
        require(w.event('press')['press']['button'] == 'button-pressed')
        w.event('page')
        w.line('read aloud')
        w.end()
        require(b'STOPPING=1' in b''.join(iter_messages(service)))
        run('convert', str(r.page), '--local', '-o', d + '/same.wav')
        page = sound_info(d + '/same.wav')['frames']
        require(lengths(r) == [TONES['ready']] + 3 * [TONES['press'], TONES['scanned'], page, TONES['done']], lengths(r), page)
        # the page was scanned as it has to be: grey at 200 dpi, all of the glass, once a press
        require(r.state.n_starts == 3 and r.state.n_cancels == 3 and r.state.n_opens == 1, 'one handle for all')


def iter_messages(service):
    service.settimeout(0.5)
    try:
        while True:
            yield service.recv(4096)
    except TimeoutError:
        pass


def case_pictures():
    """Without a reader, and with earcons off: only pictures, numbered on."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        pathlib.Path(d, 'p-004.pgm').write_bytes(b'')
        w = Watch(r, '-o', d + '/p-%03d.pgm', '--no-earcons')
        w.event('ready')
        for k in (5, 6):
            r.press()
            o = w.event('page')
            require(o['file'] == f'{d}/p-00{k}.pgm' and read_pnm(o['file']) == read_pnm(r.page), o)
            until_it_polls(r)
        w.end()
        require(lengths(r) == [])


def case_stop():
    with folder() as d:
        r = Rig(d, whole_page(d))
        w = Watch(r, '--speak')
        w.event('ready')
        for button in ('scan', 'cancel'):
            press_while_speaking(r, w, button)
            w.line('stopped')
            until_it_polls(r)
        require(r.state.n_starts == 2, 'a press that stops does not scan')
        r.press()
        require(w.event('press')['press']['speaking'] is False)
        w.event('page')
        w.line('read aloud')
        until_it_polls(r)
        n = r.state.n_starts
        r.press()
        wait_for(lambda: r.state.n_starts > n and r.state.end_ns)
        w.end()  # in the middle of it
        full = max(lengths(r))
        require(sum(n == full for n in lengths(r)) == 1 and r.state.n_starts == 4, lengths(r))


def case_next():
    with folder() as d:
        r = Rig(d, top_of_page(d))
        for way, pages in (('next', 1), ('queue', 2)):
            r.state.n_starts = 0
            w = Watch(r, '--speak', '--no-earcons', '--on-press-while-speaking', way)
            w.event('ready')
            press_while_speaking(r, w)
            for _ in range(pages):
                require('kongqi' in w.event('page')['pinyin'])
            w.line('read aloud')
            if pages == 2:
                w.line('read aloud')
            w.end()
            require(r.state.n_starts == 2 and sum('"page"' in line for line in w.log) == pages, w.log)


def case_gone():
    """Pulled out, said once, plugged in again."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        w = Watch(r, '--speak')
        w.event('ready')
        # a moment of trouble is no matter
        r.state.poll_status = IO_ERROR
        w.line('opening it anew')
        r.state.poll_status = GOOD
        while True:
            o = w.event('ready', 'error')
            if 'ready' in o:
                break
        del w.log[:]
        opened = r.state.n_opens
        r.state.n_devices, r.state.poll_status = 0, IO_ERROR
        o = w.event('error')['error']
        require(o['name'] == 'gone' and o['exit'] == 74 and 'Braille Desk: the scanner does not answer' in o['text'], o)
        r.state.poll_status = GOOD
        wait_for(lambda: any(len(h) > 16000 for h in r.heard()))
        r.state.n_devices = 1
        w.event('ready')
        require(sum('"error"' in line for line in w.log) == 1 and r.state.n_opens > opened, w.log)
        r.press()
        require('kongqi' in w.event('page')['pinyin'])
        w.line('read aloud')
        w.end()


PROBLEMS = [(JAMMED, 'paper-jam', 74, '卡纸了。请打开送纸器，取出纸张，再试一次。'),
            (COVER_OPEN, 'cover-open', 74, '扫描仪的盖子开着。请合上盖子，再试一次。'),
            (NO_DOCS, 'no-paper', 66, '没有纸。请放入纸张，再试一次。'),
            (DENIED, 'permission', 69, '没有权限使用扫描仪。请管理员把你加入扫描仪用户组，然后重新登录。')]


def case_problems():
    """Said aloud, in these words, and the watch goes on."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        w = Watch(r, '--speak', '--no-earcons')
        w.event('ready')
        for status, name, code, _ in PROBLEMS:
            r.state.start_status = status
            r.press()
            o = w.event('error')['error']
            require((o['name'], o['exit']) == (name, code) and 'Braille Desk' in o['text'], o)
            n = len(lengths(r))
            wait_for(lambda: len(lengths(r)) > n)
            until_it_polls(r)
            r.state.start_status = GOOD
            while_it_speaks_stop(r, w)
        # what it said, whole, of the first one
        r.state.read_status, r.state.start_status = GOOD, JAMMED
        for path in r.home.glob('heard*'):
            path.unlink()
        r.press()
        w.event('error')
        wait_for(lambda: lengths(r))
        r.state.start_status = GOOD
        said = length_said(d, PROBLEMS[0][3])
        wait_for(lambda: lengths(r)[0] >= said)
        w.end()
        require(lengths(r) == [said], lengths(r), said)


def while_it_speaks_stop(r, w):
    """The cancel button is for that, too; whether the words were over already does not matter."""
    r.press('cancel')
    w.event('press')
    until_it_polls(r)


def case_stack():
    """A press between two sheets of a feeder ends the stack, and what is read of it."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        r.state.n_docs, r.state.line_usec = 3, 4000
        w = Watch(r, '--speak', '--no-earcons', '--source', 'adf')
        w.event('ready')
        r.press()
        w.event('press')
        wait_for(lambda: r.state.n_starts == 2)
        r.press()
        r.state.line_usec = 0
        w.line('pages: 2')
        require(r.state.n_docs == 1 and r.state.n_starts == 2)
        until_it_polls(r)
        # the rest, at the next press: one sheet, and its page is read
        r.press()
        require(w.event('press')['press']['speaking'] is False)
        require('kongqi' in w.event('page')['pinyin'])
        w.line('read aloud')
        w.end()
        require(r.state.n_docs == 0 and r.state.n_starts == 4, r.state.n_starts)


def case_hang():
    """A driver that nothing ends: it is said, and the service ends, to be begun anew."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        w = Watch(r, '--speak', '--no-earcons', '--timeout', '1')
        w.event('ready')
        r.state.odd = HANG
        r.press()
        w.line('sends nothing any more')
        require(w.p.wait(WAIT_S) == 74, w.log)
        require(lengths(r) == [length_said(d, '扫描仪没有回应。请关掉扫描仪再打开，然后再试。')], lengths(r))


def case_none():
    """Nothing there at first, no braille, a driver that hangs."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        r.state.n_devices = 0
        w = Watch(r, '--speak', '--no-earcons', '--timeout', '1')
        require(w.event('error', 'ready')['error']['name'] == 'no-scanner')
        r.state.open_status, r.state.n_devices = DENIED, 1
        require(w.event('error', 'ready')['error']['name'] == 'permission')
        r.state.open_status = GOOD
        w.event('ready')
        r.state.odd = BLOCK
        r.press()
        require(w.event('error', 'page')['error']['name'] == 'silent')
        r.state.odd = 0
        w.event('ready')
        r.state.odd, r.state.form, r.state.depth, r.state.width, r.state.bytes_per_line, r.state.lines = FORM, GRAY, 8, 60, 60, 60
        while_it_speaks_stop(r, w)
        r.press()
        w.event('page', 'error')
        w.line('no braille was found')
        w.end()


def case_text():
    """Without --speak the pages are printed as they come."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        w = Watch(r)
        w.event('ready')
        for _ in range(2):
            r.press()
            o = w.event('cells')
            require(o['page']['dpi'] == 200 and 'kongqi hen3 qingxin' in ' '.join(x['pinyin'] for x in o['lines']), o['page'])
            until_it_polls(r)
        w.end()


def case_daemon():
    """Through brailled of the test's own bus; it may even die between two presses."""
    with folder() as d:
        r = Rig(d, top_of_page(d))
        env = dict(r.env, DBUS_SESSION_BUS_ADDRESS=os.environ['DBUS_SESSION_BUS_ADDRESS'])
        w = Watch(r, '--speak', '--no-earcons', env=env)
        w.event('ready')
        pids = pathlib.Path(os.environ['BRAILLED_TEST_LOG']).parent / 'pids'
        for n in (1, 2):
            r.press()
            o = w.event('page', 'error')
            require(o.get('daemon') is True and 'kongqi' in o['pinyin'], o)
            w.line('read aloud')
            if n == 1:
                os.kill(int(pids.read_text().split()[-1]), signal.SIGKILL)
        w.end()


if __name__ == '__main__':
    main({k[5:]: f for k, f in globals().items() if k.startswith('case_')})
