#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/install/deb.sh [--rootfs TAR | --suite NAME] [--work DIR] [--keep-debs]
# Build the Debian packages from what is committed, hold them against lintian, install them with apt into a bare system
# that has nothing of the source tree, and run the demo there: alone, through the session bus, through the system bus with
# and without permission, through the spool folder. Needs root and a network (apt).
#   --rootfs TAR   a bare root file system; else mmdebstrap makes one of --suite (bookworm)
#   --work DIR     where all of it goes and stays (a new folder in /tmp)
#   --keep-debs    install the packages that DIR has from the last time
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
rootfs='' suite=bookworm work='' keep=0
while [ $# -gt 0 ]; do
    case $1 in
    --rootfs) rootfs=$2 && shift ;;
    --suite) suite=$2 && shift ;;
    --work) work=$2 && shift ;;
    --keep-debs) keep=1 ;;
    -h | --help)
        sed -n '3,9s/^# \?//p' "$0"
        exit 0
        ;;
    *)
        echo "deb.sh: '$1' is no option; --help lists them" >&2
        exit 64
        ;;
    esac
    shift
done
[ "$(id -u)" -eq 0 ] || {
    echo "deb.sh: run this as root: it makes a system of its own to install into" >&2
    exit 1
}
[ -n "$work" ] || work=$(mktemp -d /tmp/brailled-deb.XXXXXX)
mkdir -p "$work"
work=$(cd "$work" && pwd)
say() { echo "== $*"; }

if [ "$keep" = 0 ]; then
    say "building in $work/source"
    rm -rf "$work/source" "$work"/*.deb "$work"/*.changes "$work"/*.dsc
    mkdir "$work/source"
    git -C "$root" archive HEAD | tar -x -C "$work/source"
    (
        cd "$work/source"
        dpkg-checkbuilddeps
        # no network: what the build needs is installed
        unshare --net -- nice -n 10 dpkg-buildpackage -us -uc -j2
    ) >"$work/build.log" 2>&1 || {
        tail -n 40 "$work/build.log" >&2
        exit 1
    }
    rm -rf "$work/source"
fi
ls -s --block-size=K "$work"/*.deb

say "lintian $(lintian --version | sed 's/.* v//')"
# errors end this; warnings are shown
lintian --fail-on error --tag-display-limit 0 --allow-root "$work"/*.changes | tee "$work/lintian.log"
[ -s "$work/lintian.log" ] || echo "lintian: nothing to say"

say "a bare system"
chroot=$work/chroot
mountpoint -q "$chroot/proc" && umount -R "$chroot/proc"
rm -rf "$chroot" && mkdir "$chroot"
if [ -n "$rootfs" ]; then
    # as it was packed, under whatever folder
    strip=$({ tar -tf "$rootfs" 2>/dev/null || true; } | sed -n 's|etc/debian_version$||p; /etc\/debian_version$/q' | tr -cd / | wc -c)
    tar -xf "$rootfs" -C "$chroot" --strip-components="$strip"
else
    mmdebstrap --variant=minbase "$suite" "$chroot"
fi
mkdir -p "$chroot/debs"
find "$work" -maxdepth 1 -name "*.deb" ! -name "*-dbgsym_*" -exec cp -t "$chroot/debs" {} +
cp "$root/debian/tests/installed" "$root/tests/install/in-chroot.sh" "$chroot/debs/"
cp /etc/resolv.conf "$chroot/etc/" 2>/dev/null || true
cp /etc/hosts "$chroot/etc/"
[ ! -e "$chroot$root" ] || {
    echo "deb.sh: the bare system holds $root; it must not see the source tree" >&2
    exit 1
}
# mounts and processes of the test end with it
unshare --mount --pid --fork --kill-child -- sh -eu -c '
    mount --rbind /dev "$1/dev"
    mount -t proc proc "$1/proc"
    mount -t tmpfs tmpfs "$1/dev/shm"
    exec chroot "$1" /bin/bash /debs/in-chroot.sh' sh "$chroot" 2>&1 | tee "$work/install.log"
say "all of it passed; $work has build.log, lintian.log and install.log"
