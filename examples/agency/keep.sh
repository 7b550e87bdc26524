#!/usr/bin/env bash
# Keeps records of an agency's topic, as kafka.sh and kafka_java.sh pass them on: headers, key and value, with tabs between.
# Each event is added once to the file: id, subject, sequence, type, data, with tabs between.
set -euo pipefail
file=$1
declare -A kept
touch "$file"
if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then # we died in the middle of a line
    sed -i '$d' "$file"
fi
while IFS=$'\t' read -r id _; do kept[$id]=1; done <"$file"

attribute() { [[ ,$headers, =~ ,ce_$1[=:]([^,]*), ]] && echo "${BASH_REMATCH[1]}"; }

while IFS=$'\t' read -r headers key value; do
    id=$(attribute id)
    [ -z "${kept[$id]:-}" ] || continue
    type=$(attribute type) sequence=$(attribute sequence)
    printf '%s\t%s\t%s\t%s\t%s\n' "$id" "$key" "$sequence" "$type" "$value" >>"$file"
    kept[$id]=1
    echo "$type $key $sequence $id"
done
