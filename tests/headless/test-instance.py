# SPDX-License-Identifier: Apache-2.0
"""test-instance.py: a client that names the daemon of one device reaches that one, or none. On a private bus."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'cli'))
from harness import require, run, wait_for_name  # noqa: E402

ENV = dict(os.environ)
NAME = 'org.brailled.Brailled1.device0'

run('voices', '--instance', '0', code=69, env=ENV, says='systemctl start brailled@0')
run('voices', '--instance', '', code=69, env=ENV)
run('voices', '--instance', '0', '--local', code=64, env=ENV)
daemon = subprocess.Popen([os.environ['BRAILLED'], '--instance', '0', '--device', '0', '--idle-timeout', '0'])
try:
    wait_for_name(NAME, daemon)
    require(run('voices', '--instance', '0', env=ENV, says='through brailled').text.startswith('xiaobei'))
    run('voices', '--instance', '1', code=69, env=ENV)
    pids = pathlib.Path(os.environ['BRAILLED_TEST_LOG']).parent / 'pids'
    require(not pids.read_text(), 'the daemon without an instance was started')
finally:
    daemon.terminate()
    require(daemon.wait(60) == 0, 'its end:', daemon.returncode)
print('passed')
