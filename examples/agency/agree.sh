#!/usr/bin/env bash
# What the office does, on a stack of your own: writes an agreement with an agency, which two different people sign.
#
#   PARTNERS=http://… ./agree.sh dpmptsp      # prints the agreement's id
#
# Needs curl, jq, and `naikkelas` on the PATH, which signs the officers' tokens.
set -euo pipefail
case ${1:-} in "" | -*) sed -n '/^set/q; 2,$s/^# \{0,1\}//p' "$0" && [ "${1:-}" = --help ]; exit ;; esac
post() { # the officer's token, a path, then what else curl is to be told
    local token=$1 path=$2 key
    shift 2
    key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    curl --fail-with-body --silent --show-error --request POST --header @- --header "Idempotency-Key: $key" "$@" \
        "$PARTNERS$path" <<<"Authorization: Bearer $token"
}

first=$(naikkelas token --role operator --subject petugas-a)
second=$(naikkelas token --role operator --subject petugas-b)
agreement=$(jq --null-input --arg agency "$1" '{
    agency: $agency,
    title: "DPMPTSP Balikpapan",
    legal_basis: "tanpa_data_pribadi",
    legal_reference: "PKS 119/2026",
    purpose: "Pelayanan perizinan berusaha",
    contact: "Seksi Data DPMPTSP",
    grants: [
        {type: "id.go.balikpapan.umkm.business.registered.v1", fields: ["business_id", "kelurahan", "sector", "kelas"]},
        {type: "id.go.balikpapan.umkm.business.verified.v1", fields: ["business_id"]}
    ],
    ways: ["feed", "webhook", "kafka"],
    starts_at: (now | todate),
    expires_at: (now + 30 * 86400 | todate)
}')
id=$(post "$first" /agreements --json "$agreement" | jq -r .id)
post "$first" "/agreements/$id/signatures" --header 'If-Match: "1"' >/dev/null
post "$second" "/agreements/$id/signatures" --header 'If-Match: "2"' >/dev/null
echo "$id"
