# SPDX-License-Identifier: Apache-2.0
"""run-as-unit.py UNIT -- PROGRAM [ARGUMENT...]

Run a program under the system call filter of a unit, with libseccomp, as systemd would (systemd.exec(5)): what the unit
forbids is forbidden here, without systemd as PID 1 and without root. UNIT is a file after meson's configure.
"""
import ctypes
import errno
import os
import pathlib
import subprocess
import sys

SKIPPED = 77
ALLOW, PR_SET_NO_NEW_PRIVS = 0x7fff0000, 38
NE, MASKED_EQ = 1, 7
AF_UNIX = 1
# what RestrictNamespaces= refuses to unshare and clone
NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)


class Compare(ctypes.Structure):
    _fields_ = [('arg', ctypes.c_uint), ('op', ctypes.c_int), ('a', ctypes.c_uint64), ('b', ctypes.c_uint64)]


def error(number):
    return 0x00050000 | number


def settings(unit):
    """Name -> all its values, as in systemd: an empty one resets."""
    found = {}
    for line in pathlib.Path(unit).read_text().splitlines():
        name, equals, value = line.partition('=')
        if equals and not line.startswith(('#', ' ')):
            found.setdefault(name, []).append(value.strip())
    return found


def members(word, seen=None):
    """The system calls of a group or of a single name."""
    seen = set() if seen is None else seen
    if not word.startswith('@'):
        return {word.split(':')[0]}
    if word in seen:
        return set()
    seen.add(word)
    text = subprocess.run(['systemd-analyze', 'syscall-filter', word], check=True, capture_output=True, text=True).stdout
    words = [line.strip() for line in text.splitlines()[1:]]
    return set().union(*(members(w, seen) for w in words if w and not w.startswith('#')))


def allowed(lines):
    """An allow list from which later lines take away; @default stays in any case."""
    calls = set()
    for line in lines:
        named = set().union(*(members(w) for w in line.lstrip('~').split()))
        calls = calls - named if line.startswith('~') else calls | named
    return calls | members('@default')


def confine(unit):
    """Load the filter into this process."""
    unit = settings(unit)
    library = ctypes.CDLL('libseccomp.so.2', use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
                                               ctypes.POINTER(Compare)]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    assert unit['SystemCallErrorNumber'] == ['EPERM'], 'a call that is killed looks different'

    def rule(filter_, action, call, *compares):
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number == -1:  # of another machine, or newer than this libseccomp
            return
        array = (Compare * max(1, len(compares)))(*compares)
        r = library.seccomp_rule_add_array(filter_, action, number, len(compares), array)
        assert r in (0, -errno.EEXIST, -errno.EDOM, -errno.EACCES), (call, r)

    # one filter a directive, as systemd loads them: the strictest answer counts
    filters = [library.seccomp_init(error(errno.EPERM))]
    for call in sorted(allowed(unit['SystemCallFilter'])):
        rule(filters[0], ALLOW, call)
    if unit.get('RestrictAddressFamilies') == ['AF_UNIX']:
        filters.append(library.seccomp_init(ALLOW))
        rule(filters[-1], error(errno.EAFNOSUPPORT), 'socket', Compare(0, NE, AF_UNIX, 0))
    if unit.get('RestrictNamespaces') == ['yes']:
        filters.append(library.seccomp_init(ALLOW))
        for flag in NAMESPACES:
            for call in ('unshare', 'clone'):
                rule(filters[-1], error(errno.EPERM), call, Compare(0, MASKED_EQ, flag, flag))
        rule(filters[-1], error(errno.ENOSYS), 'clone3')
    assert all(filters) and ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    for filter_ in reversed(filters):
        assert library.seccomp_load(filter_) == 0, 'the kernel takes no filter'


def main():
    unit, dashes, *words = sys.argv[1:]
    assert dashes == '--' and words
    try:
        ctypes.CDLL('libseccomp.so.2')
    except OSError:
        print('SKIPPED: libseccomp.so.2 is missing')
        sys.exit(SKIPPED)
    confine(unit)
    os.execv(words[0], words)


main()
