# SPDX-License-Identifier: Apache-2.0
"""test-spool.py CASE...: braillectl spool, with real pages, broken ones, writers that are slow and ends that come too soon."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'cli'))
from harness import CTL, PAGE, folder, main, need_page, no_bus, png, require, run, sound_info  # noqa: E402

CROP = PAGE.parent / 'crop-248.png'
CROP_TEXT = 'er4bai3si4shi2ba1\n'
NO_DEVICE = {'VK_ICD_FILENAMES': '/nonexistent', 'VK_DRIVER_FILES': '/nonexistent'}


class Place:
    """A spool folder `box` with its results in `out`."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.box, self.out = self.root / 'in', self.root / 'out'
        self.box.mkdir()

    def words(self, *more):
        return ['spool', self.box, '--out', self.out, *more]

    def run(self, *more, **how):
        return run(*self.words(*more), **how)

    def start(self, *more, env=None):
        return subprocess.Popen([str(CTL), *map(str, self.words(*more))], env=env or no_bus(), stderr=subprocess.PIPE,
                                stdout=subprocess.PIPE)

    def state(self):
        """All files but the lock's folder, as they lie below `root`."""
        return sorted(str(p.relative_to(self.root)) for p in self.root.rglob('*') if not p.is_dir())

    def require_state(self, *names):
        require(self.state() == sorted(names), 'files:', self.state(), 'not', sorted(names))

    def why(self, name):
        return (self.out / 'failed' / name).read_text()


def until(what, why, process=None):
    end = time.monotonic() + 120
    while not what():
        require(time.monotonic() < end, 'waited in vain:', why)
        require(process is None or process.poll() is None, 'it ended:', why, process and process.poll())
        time.sleep(0.005)


def end(process, code):
    out, err = process.communicate(timeout=200)
    require(process.returncode == code, 'exit code', process.returncode, 'not', code, err.decode())
    return out.decode(), err.decode()


def test_pages():
    """Good and bad pages together, in the order of their numbers; a second run finds nothing to do."""
    need_page()
    with folder() as d:
        p = Place(d)
        shutil.copy(PAGE, p.box / 'p2.png')
        shutil.copy(CROP, p.box / 'p10.png')
        (p.box / 'cut.png').write_bytes(PAGE.read_bytes()[:5000])
        (p.box / 'text.png').write_text('this is no picture')
        (p.box / 'empty.png').touch()
        (p.box / 'blank.png').write_bytes(png(300, 300))
        (p.box / 'link.png').symlink_to(PAGE)
        (p.box / 'folder').mkdir()
        os.mkfifo(p.box / 'pipe.png')
        (p.box / '.hidden.png').write_text('a copy that is still under way')
        (p.box / 'old.png~').write_text('a backup')
        (p.box / 'never.png.part').write_text('a download')
        os.utime(p.box / 'never.png.part', (1, 1))
        r = p.run('--json')
        told = {o['page']: o for o in map(json.loads, r.text.splitlines())}
        good = {n: o for n, o in told.items() if 'why' not in o}
        require(list(good) == ['p2.png', 'p10.png'], 'in this order:', list(good))
        bad = ['blank.png', 'cut.png', 'empty.png', 'folder', 'link.png', 'never.png.part', 'pipe.png', 'text.png']
        require(sorted(set(told) - set(good)) == bad, sorted(told))
        require('2 pages done, 8 put aside' in r.error, r.error)
        p.require_state('in/.hidden.png', 'in/old.png~', 'out/p2.opus', 'out/p2.txt', 'out/p10.opus', 'out/p10.txt',
                        'out/done/p2.png', 'out/done/p10.png', *(f'out/failed/{n}' for n in bad if n != 'folder'),
                        *(f'out/failed/{pathlib.Path(n).stem}.txt' for n in bad))
        for name, o in good.items():
            info = sound_info(o['sound'])
            require(abs(info['frames'] / info['rate'] - o['audio_s']) < 0.1 and info['rms'] > 0.01, name, info)
        require((p.out / 'p10.txt').read_text() == CROP_TEXT)
        text = (p.out / 'p2.txt').read_text()
        require(text.startswith('jin1tian1 zao3shang4 ') and text.count('。') > 6, 'not the whole page:', text)
        for name in bad:
            why = p.why(pathlib.Path(name).stem + '.txt')
            require(why == told[name]['why'] + '\n' and len(why) > 20, name, why)
        for name, word in (('text', 'no picture'), ('empty', 'empty'), ('link', 'is a link'), ('folder', 'is a folder'),
                           ('pipe', 'no file'), ('never.png', 'never finished')):
            require(word in p.why(name + '.txt'), name, p.why(name + '.txt'))
        require((p.out / 'failed/text.png').read_text() == 'this is no picture', 'the page itself was changed')
        before = {f: (p.root / f).lstat().st_mtime_ns for f in p.state()}
        require('0 pages done, 0 put aside' in p.run().error)
        require(before == {f: (p.root / f).lstat().st_mtime_ns for f in p.state()}, 'a second run did something')


def test_names():
    """Pages of one name do not overwrite one another; long names and other scripts fit."""
    with folder() as d:
        p = Place(d)
        long = '页' * 80 + '.png'
        for name in ('a.png', 'a.jpg', 'no ending', long):
            shutil.copy(CROP, p.box / name)
        p.run('--format', 'wav', '--quiet')
        shutil.copy(CROP, p.box / 'a.png')
        (p.out / 'b.opus').write_text('not ours')
        shutil.copy(CROP, p.box / 'b.png')
        p.run('--format', 'wav')
        sounds = sorted(f.name for f in p.out.glob('*.wav'))
        require(len(sounds) == 6 and {'a.wav', 'a-2.wav', 'a-3.wav', 'b-2.wav', 'no ending.wav'} < set(sounds), sounds)
        stems = {pathlib.Path(s).stem for s in sounds}
        require({f.stem for f in p.out.glob('*.txt')} == stems, 'texts of other names')
        require({pathlib.Path(f).stem for f in os.listdir(p.out / 'done')} == stems, os.listdir(p.out / 'done'))
        require((p.out / 'b.opus').read_text() == 'not ours')
        cut = (stems - {'a', 'a-2', 'a-3', 'b-2', 'no ending'}).pop()
        require(long.startswith(cut) and len(cut) > 60, cut)


def test_writing():
    """A file that is being written is waited for, as long as it takes; others are not held up by it."""
    with folder() as d:
        p = Place(d)
        data = CROP.read_bytes()
        with open(p.box / 'slow.png', 'wb', buffering=0) as slow:
            slow.write(data[:1000])
            shutil.copy(CROP, p.box / 'whole.png')
            shutil.copy(CROP, p.box / 'browser.png.part')
            process = p.start()
            until(lambda: (p.out / 'done/whole.png').exists(), 'the whole one', process)
            require((p.box / 'slow.png').exists() and not list(p.out.glob('slow*')), p.state())
            slow.write(data[1000:])
        until(lambda: (p.out / 'done/slow.png').exists(), 'the slow one', process)
        require((p.box / 'browser.png.part').exists(), p.state())
        os.rename(p.box / 'browser.png.part', p.box / 'browser.png')
        end(process, 0)
        require([(p.out / f'{n}.txt').read_text() for n in ('slow', 'whole', 'browser')] == 3 * [CROP_TEXT])
        require(not os.listdir(p.box) and not os.listdir(p.out / 'failed'), p.state())


def test_watch():
    """--watch stays, does what comes, keeps a second one off and ends with 0 when it is stopped."""
    with folder() as d:
        p = Place(d)
        process = p.start('--watch')
        for i in range(2):
            shutil.copy(CROP, p.root / 'x.png')
            os.rename(p.root / 'x.png', p.box / f'p{i}.png')
            until(lambda: (p.out / f'done/p{i}.png').exists(), f'page {i}', process)
        p.run(code=66, says='another braillectl spool works on')
        process.send_signal(signal.SIGTERM)
        end(process, 0)
        p.require_state('out/done/p0.png', 'out/done/p1.png', 'out/p0.opus', 'out/p0.txt', 'out/p1.opus', 'out/p1.txt')


def test_killed():
    """Killed in the middle of a page, or stopped: nothing half-made is to be seen, and the next run goes on."""
    need_page()
    with folder() as d:
        p = Place(d)
        shutil.copy(PAGE, p.box / 'page.png')
        for sig, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130)):
            process = p.start()
            tries = p.out / '.work/page.png/tries'
            until(lambda: tries.exists() and tries.stat().st_size == 1 + (sig == signal.SIGTERM), 'its begin', process)
            process.send_signal(sig)
            end(process, code)
            visible = [f for f in p.state() if not f.startswith('out/.work/')]
            require(not visible and (p.out / '.work/page.png/page').exists(), p.state())
            require(tries.stat().st_size == 1, 'only a kill counts:', tries.stat().st_size)
        r = p.run(says='it was begun before')
        require('1 pages done, 0 put aside' in r.error, r.error)
        p.require_state('out/done/page.png', 'out/page.opus', 'out/page.txt')


def test_resumed():
    """What was decided before the power went is not done anew; a page that ends the program again and again is put aside."""
    with folder() as d:
        p = Place(d)
        p.run()
        decided, begun, deadly = (p.out / '.work' / n for n in ('decided.png', 'begun.png', 'deadly.png'))
        for work in (decided, begun, deadly):
            work.mkdir()
        (decided / 'out-decided.opus').write_text('sound')
        (decided / 'out-decided.txt').write_text('text')
        (decided / 'tries').write_text('x')
        (p.out / 'decided.opus').write_text('of another page')
        shutil.copy(CROP, begun / 'page')
        (begun / 'out-begun.opus').write_text('half')
        shutil.copy(CROP, deadly / 'page')
        (deadly / 'tries').write_text('xxx')
        p.run(says='1 pages done, 1 put aside')
        p.require_state('out/decided.opus', 'out/decided-2.opus', 'out/decided.txt', 'out/begun.opus', 'out/begun.txt',
                        'out/done/begun.png', 'out/failed/deadly.png', 'out/failed/deadly.txt')
        require((p.out / 'decided.opus').read_text() == 'of another page', 'overwritten')
        require((p.out / 'decided-2.opus').read_text() == 'sound', 'done anew')
        require(sound_info(p.out / 'begun.opus')['rms'] > 0.01)
        require('given up' in p.why('deadly.txt'), p.why('deadly.txt'))


def test_trouble():
    """Where it is not the page's fault the page stays: no device, no room, no folder, another disk."""
    with folder() as d:
        p = Place(d)
        run('spool', p.root / 'nowhere', code=66)
        run('spool', CROP, code=66)
        run('spool', code=64)
        p.run('--format', 'mp3', code=64)
        shutil.copy(CROP, p.box / 'page.png')
        p.run(code=69, env=dict(no_bus(), **NO_DEVICE))
        p.require_state('out/.work/page.png/page', 'out/.work/page.png/tries')
        p.run('--voice', 'nobody', code=64)

        def no_room():
            resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
        p.run('--format', 'wav', code=74, preexec=no_room)
        p.require_state('out/.work/page.png/page', 'out/.work/page.png/tries')
        p.run(says='1 pages done, 0 put aside')
        p.require_state('out/page.opus', 'out/page.txt', 'out/done/page.png')
        shm = pathlib.Path('/dev/shm')
        if shm.is_dir() and os.access(shm, os.W_OK) and shm.stat().st_dev != p.root.stat().st_dev:
            with tempfile.TemporaryDirectory(dir=shm) as other:
                shutil.copy(CROP, p.box / 'far.png')
                run('spool', p.box, '--out', other, code=64, says='different file systems')
                require((p.box / 'far.png').exists(), p.state())


def test_daemon():
    """Through brailled, also one that is killed over the page: the page is tried again."""
    need_page()
    log = pathlib.Path(os.environ['BRAILLED_TEST_LOG'])
    pids = log.parent / 'pids'
    with folder() as d:
        p = Place(d)
        (p.box / 'broken.png').write_text('no picture')
        shutil.copy(CROP, p.box / 'crop.png')
        p.run(env=dict(os.environ), says='1 pages done, 1 put aside')
        require(p.why('broken.txt').startswith('broken.png: '), p.why('broken.txt'))
        require('tries' not in ' '.join(p.state()) and 'lost' not in p.why('broken.txt'), p.state())
        first = int(pids.read_text().split()[0])
        os.kill(first, signal.SIGTERM)
        until(lambda: not pathlib.Path(f'/proc/{first}').exists(), 'the end of the first daemon')
        log.write_text('')
        shutil.copy(PAGE, p.box / 'page.png')
        process = p.start(env=dict(os.environ))
        until(lambda: 'Device:' in log.read_text(), 'a daemon that works', process)
        os.kill(int(pids.read_text().split()[-1]), signal.SIGKILL)
        out, err = end(process, 0)
        require('1 pages done, 0 put aside' in err and 'through brailled' in err, err)
        require(len(pids.read_text().split()) == 3 or 'in this process' in err, 'no second daemon:', err)
        p.require_state('out/page.opus', 'out/page.txt', 'out/done/page.png', 'out/crop.opus', 'out/crop.txt',
                        'out/done/crop.png', 'out/failed/broken.png', 'out/failed/broken.txt')


main({name[5:]: case for name, case in list(globals().items()) if name.startswith('test_')})
