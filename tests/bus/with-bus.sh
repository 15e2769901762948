#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# with-bus.sh BRAILLED [BRAILLED-OPTION...] -- PROGRAM [ARGUMENT...]
# Run a program on a private session bus on which this brailled, and nothing else, is activatable.
set -eu

daemon=
while [ "$1" != -- ]; do
    daemon="$daemon $1"
    shift
done
shift

if ! command -v dbus-run-session >/dev/null; then
    echo "SKIPPED: dbus-run-session is missing; install dbus-daemon" >&2
    exit 77
fi

home=$(mktemp -d /tmp/brailled-bus.XXXXXX)
trap 'rm -rf "$home"' EXIT
mkdir "$home/services"

# The daemon's own words go to a file, so that a failing test can show them.
cat >"$home/brailled" <<EOF
#!/bin/sh
echo \$\$ >>$home/pids
[ -z "\${BRAILLED_TEST_PRELOAD-}" ] || export LD_PRELOAD="\$BRAILLED_TEST_PRELOAD \${LD_PRELOAD-}"
exec$daemon \${BRAILLED_TEST_OPTIONS:-} 2>>$home/log
EOF
chmod +x "$home/brailled"

cat >"$home/services/org.brailled.Brailled1.service" <<EOF
[D-BUS Service]
Name=org.brailled.Brailled1
Exec=$home/brailled
EOF

cat >"$home/bus.conf" <<EOF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=$home</listen>
  <auth>EXTERNAL</auth>
  <servicedir>$home/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
EOF

export BRAILLED_TEST_LOG="$home/log" BRAILLED_TEST_LOSE="$home/lose-device"
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$home/no-system-bus"
: >"$home/log"
: >"$home/pids"
status=0
dbus-run-session --config-file="$home/bus.conf" -- "$@" || status=$?

# The bus is gone, and with it every daemon, each after it has tidied up.
while read -r pid; do
    for _ in $(seq 200); do
        kill -0 "$pid" 2>/dev/null || continue 2
        sleep 0.1
    done
    echo "brailled $pid stays although its bus is gone" >&2
    kill -KILL "$pid"
    status=1
done <"$home/pids"
if grep -q 'Sanitizer:\|runtime error:' "$home/log"; then
    status=1
fi
if [ $status -ne 0 ] && [ $status -ne 77 ]; then
    echo "--- what brailled logged:" >&2
    cat "$home/log" >&2
fi
exit $status
