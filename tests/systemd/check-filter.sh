#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-filter.sh UNIT BRAILLECTL PYTHON RUNNER: speech is made on the software driver under the unit's filter, which
# refuses what it should.
set -eu
unit=$1 braillectl=$2 python=$3 runner=$4
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

confined() {
    "$python" "$runner" "$unit" -- "$@"
}
confined "$(command -v "$python")" - <<'END'
import ctypes
import os
import socket
libc = ctypes.CDLL(None, use_errno=True)
socket.socket(socket.AF_UNIX).close()
for name, what in {'network': lambda: socket.socket(socket.AF_INET), 'affinity': lambda: os.sched_setaffinity(0, {0}),
                   'chroot': lambda: os.chroot('/'), 'priority': lambda: os.setpriority(os.PRIO_PROCESS, 0, 5)}.items():
    try:
        what()
    except OSError:
        continue
    raise SystemExit(f'{name} is not refused')
if libc.unshare(0x10000000) == 0:
    raise SystemExit('a namespace is not refused')
END
confined "$braillectl" say --local --quiet 你好。 -o "$home/hello.wav"
[ "$(stat -c %s "$home/hello.wav")" -gt 16000 ]
