#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Run by deb.sh as root in the bare system: install /debs, then use what was installed, as different people.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
page=/usr/share/doc/brailled/examples/sample-page.png
apt-get -q update >/dev/null 2>&1
apt-get -q -y install --no-install-recommends /debs/*.deb dbus-daemon dbus-system-bus-common systemd 2>&1 |
    grep -E '^(Setting up (brailled|speech-dispatcher-brailled)|Creating|E:|dpkg)' || true
dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' 'brailled*' 'speech-dispatcher-brailled*' 2>/dev/null || true
[ -z "$(dpkg --audit)" ]

echo "-- users and folders"
getent passwd brailled
id brailled
stat -c '%A %U %G %n' /var/spool/brailled/in /var/spool/brailled/out /var/cache/brailled
useradd -m alice && usermod -aG brailled alice
useradd -m mallory
# as WHO COMMAND...: with a clean environment, as at a login
as() {
    local who=$1
    shift
    (cd / && setpriv --reuid "$who" --regid "$who" --init-groups env -i PATH=/usr/bin:/bin HOME="/home/$who" LC_ALL=C.UTF-8 "$@")
}

echo "-- alone, and through the session bus"
as alice sh /debs/installed

if [ -e /usr/lib/speech-dispatcher-modules/sd_brailled ]; then
    echo "-- the module of speech-dispatcher"
    printf 'INIT\nLIST VOICES\nQUIT\n' | as alice /usr/lib/speech-dispatcher-modules/sd_brailled | tee /run/voices
    grep -q xiaobei /run/voices
fi

echo "-- through the system bus"
mkdir -p /run/dbus
dbus-daemon --system --nofork --nopidfile 2>/run/dbus.log &
for _ in $(seq 100); do [ -S /run/dbus/system_bus_socket ] && break || sleep 0.1; done
# the bus has no systemd here that could start the unit
mkdir -p /var/lib/brailled && chown brailled: /var/lib/brailled
setpriv --reuid brailled --regid brailled --init-groups env -i CACHE_DIRECTORY=/var/cache/brailled \
    /usr/libexec/brailled --system &
daemon=$!
for _ in $(seq 100); do
    busctl --system list --no-pager 2>/dev/null | grep -q '^org.brailled.Brailled1 ' && break || sleep 0.1
done
as alice braillectl convert "$page" -o /home/alice/system.opus --text /home/alice/system.txt 2>/run/alice.log
cat /run/alice.log
grep -q '^through brailled .* on the system bus$' /run/alice.log
[ -s /home/alice/system.opus ]
# who is not of the group is refused, and works in a process of their own
as mallory busctl --system get-property org.brailled.Brailled1 /org/brailled/Brailled1 \
    org.brailled.Brailled1.Manager Version >/run/mallory.log 2>&1 && exit 1
cat /run/mallory.log
grep -qi 'access denied\|not allowed' /run/mallory.log

echo "-- the daemon of one device, as brailled@0.service starts it"
unit=$(ls /usr/lib/systemd/system/brailled@.service /lib/systemd/system/brailled@.service 2>/dev/null | head -n 1)
setpriv --reuid brailled --regid brailled --init-groups env -i CACHE_DIRECTORY=/var/cache/brailled \
    $(sed -n 's/^ExecStart=//p' "$unit" | sed 's/%[iI]/0/g') &
device=$!
for _ in $(seq 100); do
    busctl --system list --no-pager 2>/dev/null | grep -q '^org.brailled.Brailled1.device0 ' && break || sleep 0.1
done
get() { as "$1" busctl --system get-property org.brailled.Brailled1.device0 /org/brailled/Brailled1 org.brailled.Brailled1.Manager Version; }
get alice
get mallory 2>/dev/null && exit 1
kill -HUP "$device" # ExecReload=
get alice
kill "$device" && wait "$device"

echo "-- the spool folder"
as mallory cp "$page" /var/spool/brailled/in/ 2>/dev/null && exit 1
as alice cp "$page" /var/spool/brailled/in/first.png
as alice sh -c 'echo this is no picture >/var/spool/brailled/in/broken.png'
as mallory ls /var/spool/brailled/out 2>/dev/null && exit 1
unit=/usr/lib/systemd/system/brailled-spool.service
[ -e "$unit" ] || unit=/lib/systemd/system/brailled-spool.service
(umask "$(sed -n 's/^UMask=//p' "$unit")" && cd / &&
    setpriv --reuid brailled --regid brailled --init-groups $(sed -n 's/^ExecStart=//p' "$unit"))
as alice ls -lR /var/spool/brailled
as alice cat /var/spool/brailled/out/first.txt /var/spool/brailled/out/failed/broken.txt
as alice test -s /var/spool/brailled/out/first.opus
as alice rm /var/spool/brailled/out/first.opus

echo "-- clean shutdown, and removal"
kill "$daemon" && wait "$daemon"
apt-get -q -y purge $(dpkg-query -W -f '${Package}\n' | grep brailled) >/dev/null
[ ! -e /usr/libexec/brailled ] && [ ! -e /usr/share/brailled ]
echo "installed, used and removed: all passed"
