# SPDX-License-Identifier: Apache-2.0
"""test-pipes.py WAY CASE: `braillectl convert - -o - <page.png | aplay`, as a remote client uses it; WAY is local or daemon."""
import fcntl
import os
import pathlib
import pty
import signal
import subprocess
import sys
import wave

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'cli'))
from harness import CTL, PAGE, folder, main, need_page, no_bus, png, require, run  # noqa: E402

WAY = sys.argv.pop(1)
ENV = no_bus() if WAY == 'local' else dict(os.environ)
CROP = PAGE.parent / 'crop-248.png'
HEADER = 44
CONVERT = ('convert', '-', '-o', '-')


def say_way(error):
    require(('through brailled' in error) == (WAY == 'daemon'), f'not {WAY}:', error)


def start(stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how):
    return subprocess.Popen([str(CTL), *CONVERT], env=ENV, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, **how)


def end(process, code, says):
    error = process.stderr.read().decode()
    require(process.wait(200) == code and says in error, process.returncode, error)
    process.stderr.close()
    return error


def samples_of_file(env):
    with folder() as d:
        run('convert', CROP, '-o', pathlib.Path(d, 'x.wav'), env=env)
        with wave.open(str(pathlib.Path(d, 'x.wav'))) as w:
            return w.getparams(), w.readframes(w.getnframes())


def test_same():
    """What comes out of the pipe is a WAV of the longest length there is, with the samples that a file gets."""
    params, samples = samples_of_file(ENV)
    data = CROP.read_bytes()
    for way in ('file', 'pipe', 'pieces'):
        if way == 'file':
            with open(CROP, 'rb') as f:
                p = start(stdin=f)
                out = p.stdout.read()
        elif way == 'pipe':
            p = start()
            out, error = p.communicate(data)
        else:
            p = start()
            for i in range(0, len(data), 5000):
                p.stdin.write(data[i:i + 5000])
                p.stdin.flush()
            p.stdin.close()
            out = p.stdout.read()
        require(p.wait(100) == 0, way)
        head = out[:HEADER]
        require(head[:4] == b'RIFF' and head[8:16] == b'WAVEfmt ' and head[36:40] == b'data', head)
        require(int.from_bytes(head[22:24], 'little') == 1 and int.from_bytes(head[34:36], 'little') == 16, head)
        require(int.from_bytes(head[24:28], 'little') == params.framerate, head)
        require(int.from_bytes(head[40:44], 'little') > 0x7fffff00, 'a player would stop early:', head)
        require(out[HEADER:] == samples, way, len(out), len(samples))


def test_streams():
    """Sound comes out while the rest is being made: who is killed at the first of it has not written all."""
    need_page()
    for _ in range(3):  # a reader that the machine holds up may come too late
        r, w = os.pipe()
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20)  # so that nothing waits for the reader
        with open(PAGE, 'rb') as page:
            p = start(stdin=page, stdout=w)
        os.close(w)
        got = 0
        while got <= HEADER:
            got += len(os.read(r, 4096))
        p.send_signal(signal.SIGKILL)
        while True:
            more = len(os.read(r, 1 << 20))
            if not more:
                break
            got += more
        os.close(r)
        p.wait()
        if HEADER < got < 700000:  # 39 s of speech are 1.2 MB
            say_way(p.stderr.read().decode())
            return
    raise AssertionError(f'all of it came at once: {got} bytes')


def test_leaves():
    """A reader that has heard enough ends the work, with a word about it."""
    need_page()
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
    with open(PAGE, 'rb') as page:
        p = start(stdin=page, stdout=w)
    os.close(w)
    require(len(os.read(r, 1000)) > 0)
    os.close(r)
    say_way(end(p, 74, "cannot write 'standard output': Broken pipe"))
    p = start(stdout=open('/dev/full', 'wb'))
    p.stdin.write(CROP.read_bytes())
    p.stdin.close()
    end(p, 74, 'No space left')


def test_broken():
    """Nothing, half a page and no page: 65, and not one byte that a player would take for sound."""
    name = 'standard input' if WAY == 'local' else 'the picture'
    for data, says in ((b'', name), (CROP.read_bytes()[:9000], name), (b'ssh: no', 'no picture'),
                       (png(300, 300), 'braille')):
        r = run(*CONVERT, stdin=data, code=65, says=says, env=ENV)
        require(r.out == b'', r.out[:100])
    # streams that are closed at all are not mistaken for files opened later
    with open(CROP, 'rb') as page:
        end(start(stdin=page, stdout=None, preexec_fn=lambda: os.close(1)), 74, 'standard output')
    end(start(stdin=None, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.close(0)), 74, 'standard input')


def test_terminal():
    """Sound is not poured over a terminal, where a screen reader would read it."""
    ours, theirs = pty.openpty()
    p = start(stdin=subprocess.DEVNULL, stdout=theirs)
    os.close(theirs)
    end(p, 64, 'aplay')
    os.close(ours)


main({name[5:]: case for name, case in list(globals().items()) if name.startswith('test_')})
