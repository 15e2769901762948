# SPDX-License-Identifier: Apache-2.0
"""test-journal.py [inside]: what brailled tells the journal, as a journal of the test's own receives it; on a private bus."""
import os
import pathlib
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
from harness import wait_for_name  # noqa: E402

SKIPPED = 77
JOURNAL = pathlib.Path('/run/systemd/journal/socket')


def fields(entry):
    """The native protocol: NAME=value, or NAME, a length of 8 bytes and the value."""
    found = {}
    while entry:
        line, _, rest = entry.partition(b'\n')
        name, equals, value = line.partition(b'=')
        if not equals:
            size = int.from_bytes(rest[:8], 'little')
            value, rest = rest[8:8 + size], rest[9 + size:]
        found[name.decode()] = value.decode()
        entry = rest
    return found


def entries(journal, wanted, process):
    """All so far, once one of them has the fields that are wanted."""
    found, end = [], time.monotonic() + 120
    journal.settimeout(1)
    while not any(wanted.items() <= e.items() for e in found):
        assert time.monotonic() < end and process.poll() is None, (wanted, found)
        try:
            found.append(fields(journal.recv(1 << 16)))
        except TimeoutError:
            pass
    return found


def start(stderr, stream):
    st = os.fstat(stream)
    env = dict(os.environ, JOURNAL_STREAM=f'{st.st_dev}:{st.st_ino}')
    return subprocess.Popen([os.environ['BRAILLED'], '--replace'], stderr=stderr, env=env)


def call(words, code):
    p = subprocess.run([os.environ['BRAILLECTL'], *words], capture_output=True, timeout=200)
    assert p.returncode == code and b'through brailled' in p.stderr, (words, p.returncode, p.stderr)


def inside():
    subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', '/run'], check=True)
    JOURNAL.parent.mkdir(parents=True)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(str(JOURNAL))
    ours, stderr = socket.socketpair()
    process = start(stderr, stderr.fileno())
    wait_for_name('org.brailled.Brailled1', process)
    call(['say', '--pinyin', 'ni3hao3', '-o', '/run/hello.wav'], 0)
    said = entries(journal, {'BRAILLED_METHOD': 'Say', 'BRAILLED_RESULT': 'done'}, process)
    device = next(e for e in said if e['MESSAGE'].startswith('Device: '))
    assert device['PRIORITY'] == '6' and 'BRAILLED_METHOD' not in device, device
    done = said[-1]
    assert done['SYSLOG_IDENTIFIER'] == 'brailled' and done['BRAILLED_CALLER'].startswith(':1.'), done
    assert int(done['BRAILLED_AUDIO_USEC']) > 200000 and int(done['BRAILLED_DURATION_USEC']) > 0, done
    assert done['BRAILLED_DEVICE'] and 'ni3' not in str(said), done
    pathlib.Path('/run/no.png').write_text('no picture')
    call(['convert', '/run/no.png', '-o', '/run/no.wav'], 65)
    failed = entries(journal, {'BRAILLED_METHOD': 'Convert', 'BRAILLED_RESULT': 'InvalidInput'}, process)[-1]
    assert 'no picture' in failed['MESSAGE'] and 'BRAILLED_AUDIO_USEC' not in failed, failed
    process.terminate()
    assert process.wait(60) == 0
    stderr.close()
    assert ours.recv(4096) == b'', 'lines came twice'
    # the variable of another stream: lines go where standard error leads
    other, theirs = socket.socketpair()
    process = start(subprocess.PIPE, theirs.fileno())
    call(['say', '--pinyin', 'ni3hao3', '-o', '/run/hello.wav'], 0)
    process.terminate()
    error = process.communicate(timeout=60)[1]
    assert b'<6>Device: ' in error, error
    print('the journal has it')


if sys.argv[1:] == ['inside']:
    inside()
else:
    if subprocess.run(['unshare', '--map-root-user', '--mount', 'true'], capture_output=True).returncode:
        print('SKIPPED: no mount namespaces here (unshare --map-root-user --mount)')
        sys.exit(SKIPPED)
    os.execvp('unshare', ['unshare', '--map-root-user', '--mount', sys.executable, __file__, 'inside'])
