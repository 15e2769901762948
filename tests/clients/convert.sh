#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An example of a client in one line of shell (gdbus, of GLib): what a page says. convert.sh PAGE
exec gdbus call --session --timeout 600 -d org.brailled.Brailled1 -o /org/brailled/Brailled1 \
    -m org.brailled.Brailled1.Manager.Read 'handle 5' '{"outputs": <["pinyin"]>}' 5<"$1"
