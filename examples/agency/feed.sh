#!/usr/bin/env bash
# Reads a stream of the feed, page by page, and goes on where it stopped. Needs curl and jq.
#
#   PARTNERS=https://… TOKEN=… ./feed.sh business          # follows it
#   PARTNERS=https://… TOKEN=… ./feed.sh business --once   # reads what there is, waits up to 30 s if that is nothing, and ends
#
# KEEP_IN: the folder of pages (feed-STREAM). A page is written under the number that stands beside the cursor in the file
# `next`, which is replaced as a whole: if we die between, the same page is read again under the same number.
set -euo pipefail
case ${1:-} in "" | -*) sed -n '/^set/q; 2,$s/^# \{0,1\}//p' "$0" && [ "${1:-}" = --help ]; exit ;; esac
stream=$1 once=${2:-}
folder=${KEEP_IN:-feed-$stream}
mkdir -p "$folder"
number=1 cursor=
[ ! -e "$folder/next" ] || read -r number cursor <"$folder/next"

header() { awk -v name="$1:" 'tolower($1) == name { sub(/\r$/, ""); value = $2 } END { print value }' "$folder/headers"; }

while true; do
    asked=(--data-urlencode wait=30)
    [ -z "$cursor" ] || asked+=(--data-urlencode "after=$cursor")
    # The token goes in by standard input: every user of the machine can read the arguments of a process.
    # Of what passes (no connection, 503 with Retry-After) curl tries again by itself.
    status=$(curl --silent --show-error --get "${asked[@]}" --header @- --retry 20 --retry-connrefused --max-time 60 \
        --dump-header "$folder/headers" --output "$folder/page" --write-out '%{http_code}' "$PARTNERS/feed/$stream" \
        <<<"Authorization: Bearer $TOKEN")
    if [ "$status" != 200 ]; then
        jq -r '"refused: \(.status) \(.type | sub(".*:"; "")): \(.detail)"' "$folder/page" >&2
        exit 1
    fi
    if [ "$(jq length "$folder/page")" -gt 0 ]; then
        page=$folder/$(printf '%08d' "$number").json
        mv "$folder/page" "$page"
        sync "$page"
        number=$((number + 1))
        jq -r '.[] | "\(.type) \(.subject) \(.sequence) \(.id)"' "$page"
    fi
    cursor=$(header feed-next)
    echo "$number $cursor" >"$folder/next.new"
    mv "$folder/next.new" "$folder/next"
    [ -z "$once" ] || [ "$(header feed-lag-events)" != 0 ] || exit 0
done
