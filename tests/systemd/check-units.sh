#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-units.sh BUILD-SYSTEMD-FOLDER SOURCE-SYSTEMD-FOLDER BRAILLED BRAILLECTL
# The units parse, system units stay closed (exposure at most 1.0 of 10), policy, activation, users and folders name
# one another.
set -eu
built=$1 source=$2 brailled=$3 braillectl=$4

if ! command -v systemd-analyze >/dev/null; then
    echo "SKIPPED: systemd-analyze is missing; install systemd" >&2
    exit 77
fi
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
export XDG_RUNTIME_DIR="$home"

# The programs of the build stand in for the installed ones; nothing else of a unit is changed.
for side in user system; do
    mkdir "$home/$side"
    for unit in "$built/$side"-*.service; do
        name=${unit##*/"$side"-}
        sed "s|^ExecStart=[^ ]*/brailled\( .*\)\?$|ExecStart=$brailled\1|; s|^ExecStart=[^ ]*/braillectl |ExecStart=$braillectl |" \
            "$unit" >"$home/$side/$name"
        grep -q "^ExecStart=\($brailled\|$braillectl\)" "$home/$side/$name"
        if grep -n '@[a-z]*@' "$home/$side/$name" >&2; then
            exit 1
        fi
    done
    cp "$source/$side"/*.path "$home/$side"
done

# verify SIDE UNIT: warnings about our file are failures; those about the machine's own units are not ours
verify() {
    systemd-analyze "--$1" verify --man=no "$home/$1/$2" >"$home/out" 2>&1 || {
        cat "$home/out" >&2
        exit 1
    }
    if grep -F brailled "$home/out" >&2; then
        exit 1
    fi
}
for side in user system; do
    verify $side brailled.service
    verify $side brailled-spool.service
    verify $side brailled-spool.path
done
verify system brailled@1.service
verify user braille-button.service

for unit in brailled brailled@1 brailled-spool; do
    systemd-analyze security --offline=true --threshold=10 "$home/system/$unit.service" | tail -n 1
done
systemd-analyze --user security --offline=true --threshold=60 "$home/user/brailled.service" | tail -n 1
systemd-analyze --user security --offline=true --threshold=80 "$home/user/braille-button.service" | tail -n 1

grep -q '^BusName=org.brailled.Brailled1$' "$home/user/brailled.service"
for side in user system; do
    grep -q '^Name=org.brailled.Brailled1$' "$built/activation-$side.service"
    grep -q '^SystemdService=brailled.service$' "$built/activation-$side.service"
    # a reload and a watchdog are promised wherever the daemon runs
    for unit in "$home/$side"/brailled.service "$home/$side"/brailled@.service; do
        [ -e "$unit" ] || continue
        grep -q '^ExecReload=/bin/kill -HUP \$MAINPID$' "$unit"
        grep -q '^WatchdogSec=' "$unit"
    done
    # the folders that wake the spool are those it works on
    for folder in in out; do
        grep -q "^DirectoryNotEmpty=.*/$folder\(/.work\)\?$" "$source/$side/brailled-spool.path"
        path=$(sed -n "s|^DirectoryNotEmpty=\(.*/$folder\)\(/.work\)\?$|\1|p" "$source/$side/brailled-spool.path")
        grep -q "^ExecStart=.* $path\( \|$\)" "$home/$side/brailled-spool.service"
    done
done

# users and folders are made, in a root of their own, and made again without a change
if [ "$(id -u)" -eq 0 ] && command -v systemd-sysusers >/dev/null && command -v systemd-tmpfiles >/dev/null; then
    root=$home/root
    mkdir -p "$root/etc" "$root/usr/lib/sysusers.d"
    cp "$source/system/sysusers.conf" "$root/usr/lib/sysusers.d/brailled.conf"
    # video and render are Debian's own, with systemd's basic.conf
    printf 'g video 44\n' >"$root/usr/lib/sysusers.d/basic.conf"
    systemd-sysusers --root="$root"
    grep -q '^brailled:.*:/var/lib/brailled:' "$root/etc/passwd"
    grep -q '^render:.*brailled' "$root/etc/group"
    for _ in 1 2; do
        systemd-tmpfiles --create --root="$root" "$source/system/tmpfiles.conf"
        [ "$(stat -c %a "$root/var/spool/brailled/in")" = 3770 ]
        [ "$(stat -c %a "$root/var/spool/brailled/out")" = 2770 ]
    done
fi

python3 - "$source/system/org.brailled.Brailled1.conf" <<'END'
import sys
import xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
owners = [p.get('user') for p in root.iter('policy') if any(a.get('own') or a.get('own_prefix') for a in p)]
assert owners == ['brailled'], owners
assert root.find('policy[@context]') is None, 'strangers must get nothing'
prefixes = {a.get('own_prefix') or a.get('send_destination_prefix') for a in root.iter('allow')}
assert prefixes == {'org.brailled.Brailled1'}, prefixes
group = root.find("policy[@group='brailled']")
faces = {a.get('send_interface') for a in group}
assert {'org.brailled.Brailled1.Manager', 'org.brailled.Brailled1.Job'} <= faces and None not in faces, faces
END
