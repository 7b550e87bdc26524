#!/usr/bin/env bash
# Reads an agency's topic with kcat, on a librdkafka of 2.6.1 or newer.
#
#   ./kafka.sh dpmptsp        # agency.conf: what the office handed you
#
# CONF: another name of that file. KEEP_IN: the file of events (kafka-kcat.tsv). It reads from the first record that the topic has,
# and keep.sh passes over what it has: a place that kcat stores by itself may be ahead of what is kept.
set -euo pipefail
case ${1:-} in "" | -*) sed -n '/^set/q; 2,$s/^# \{0,1\}//p' "$0" && [ "${1:-}" = --help ]; exit ;; esac
here=$(dirname "${BASH_SOURCE[0]}")
kcat -F "${CONF:-agency.conf}" -C -q -u -o beginning -f '%h\t%k\t%s\n' -t "umkm.agency.$1" |
    "$here/keep.sh" "${KEEP_IN:-kafka-kcat.tsv}"
