#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-units.sh BUILD-SYSTEMD-FOLDER BRAILLED SOURCE-SYSTEMD-FOLDER
# The units parse, the system unit stays closed (exposure at most 2.5 of 10), policy and activation name one another.
set -eu
built=$1 brailled=$2 source=$3

if ! command -v systemd-analyze >/dev/null; then
    echo "SKIPPED: systemd-analyze is missing; install systemd" >&2
    exit 77
fi
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT

for side in user system; do
    mkdir "$home/$side"
    # where nothing is installed yet, the program of the build stands in for the installed one
    sed "s|^ExecStart=[^ ]*|ExecStart=$brailled|" "$built/brailled-$side.service" >"$home/$side/brailled.service"
    grep -q "^ExecStart=$brailled" "$home/$side/brailled.service"
done

verify() {
    systemd-analyze "--$1" verify --man=no "$home/$1/brailled.service" >"$home/out" 2>&1 || {
        cat "$home/out" >&2
        exit 1
    }
    # warnings about our file are failures; those about the machine's own units are not ours
    if grep -F brailled "$home/out" >&2; then
        exit 1
    fi
}
export XDG_RUNTIME_DIR="$home"
verify system
verify user
systemd-analyze security --offline=true --threshold=25 "$home/system/brailled.service" | tail -n 1

grep -q '^BusName=org.brailled.Brailled1$' "$home/user/brailled.service"
for side in user system; do
    grep -q '^Name=org.brailled.Brailled1$' "$built/activation-$side.service"
    grep -q '^SystemdService=brailled.service$' "$built/activation-$side.service"
done
python3 - "$source/system/org.brailled.Brailled1.conf" <<'EOF'
import sys
import xml.etree.ElementTree as ET
root = ET.parse(sys.argv[1]).getroot()
owners = [p.get('user') for p in root.iter('policy') if p.find('allow[@own]') is not None]
assert owners == ['brailled'], owners
assert root.find('policy[@context]') is None, 'strangers must get nothing'
EOF
