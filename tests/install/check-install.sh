#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-install.sh BUILD SOURCE MESON PREFIX BUS-SCRIPT: `meson install` puts everything in its place, and what it put there
# works without the source tree and the build folder, also where the tree was moved to.
set -eu
build=$1 source=$2 meson=$3 prefix=$4 with_bus=$5
home=$(mktemp -d /tmp/brailled-install.XXXXXX)
trap 'rm -rf "$home"' EXIT
export XDG_CACHE_HOME="$home/cache" DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent
unset BRAILLED_MODELS

"$meson" install -C "$build" --no-rebuild --destdir "$home/root" >"$home/log"
tree=$home/root$prefix

for file in bin/braillectl bin/braille-dataset bin/braille-eval libexec/brailled \
    lib/systemd/user/brailled.service lib/systemd/user/brailled-spool.path lib/systemd/user/brailled-spool.service \
    lib/systemd/system/brailled.service lib/systemd/system/brailled@.service lib/systemd/system/brailled-spool.path \
    lib/systemd/system/brailled-spool.service lib/sysusers.d/brailled.conf lib/tmpfiles.d/brailled.conf \
    share/dbus-1/services/org.brailled.Brailled1.service share/dbus-1/system-services/org.brailled.Brailled1.service \
    share/dbus-1/system.d/org.brailled.Brailled1.conf share/dbus-1/interfaces/org.brailled.Brailled1.xml \
    share/brailled/models/clip.safetensors share/brailled/models/fastspeech2.safetensors \
    share/brailled/models/hifigan.safetensors share/doc/brailled/examples/sample-page.png; do
    [ -s "$tree/$file" ] || {
        echo "$file was not installed" >&2
        exit 1
    }
done

# units and activation start what is there
for file in "$tree"/lib/systemd/*/brailled*.service "$tree"/share/dbus-1/services/org.brailled.Brailled1*.service; do
    for program in $(sed -n 's/^Exec\(Start\)\?=\([^ ]*\).*/\2/p' "$file"); do
        [ -x "$home/root$program" ] || {
            echo "$file starts $program, which was not installed" >&2
            exit 1
        }
    done
done
# what is installed is made from its own folder: no name of a build folder is in a text file
if grep -rIlF -e "$build" -e "$source" "$tree"; then
    echo "these name the build folder or the source tree" >&2
    exit 1
fi

# the tree is moved: what it needs lies beside its programs
mv "$tree" "$home/moved"
cd /
"$home/moved/bin/braillectl" say --quiet 你好。 -o "$home/hello.wav"
[ "$(stat -c %s "$home/hello.wav")" -gt 16000 ]
"$with_bus" "$home/moved/libexec/brailled" -- "$home/moved/bin/braillectl" say 你好。 -o "$home/bus.wav" 2>"$home/bus.log" || {
    cat "$home/bus.log" >&2
    exit 1
}
grep -q '^through brailled .* on the session bus' "$home/bus.log"
[ "$(stat -c %s "$home/bus.wav")" -gt 16000 ]

# and nowhere else: without them it says so
mv "$home/moved/share/brailled" "$home/moved/share/gone"
status=0
"$home/moved/bin/braillectl" say --quiet 你好。 -o "$home/no.wav" 2>"$home/no.log" || status=$?
if [ -e "$prefix/share/brailled/models" ]; then
    exit 0 # another brailled is installed on this machine
fi
cat "$home/no.log"
[ "$status" -eq 69 ] && grep -qF "$prefix/share/brailled/models" "$home/no.log"
