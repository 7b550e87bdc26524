#!/usr/bin/env bash
# What an officer does, on a stack of your own, so that there is something to read: registers an owner with a business.
#
#   REGISTRY=http://… ./register.sh           # prints the business's id
set -euo pipefail
token=$(naikkelas token --role petugas_dinas --subject petugas-pendaftaran)
post() {
    local key
    key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    curl --fail-with-body --silent --show-error --header @- --header "Idempotency-Key: $key" --json "$2" "$REGISTRY$1" \
        <<<"Authorization: Bearer $token" | jq -r .id
}

nik=$(printf '647101%02d%02d%02d99%02d' $((RANDOM % 28 + 1)) $((RANDOM % 12 + 1)) $((RANDOM % 40 + 50)) $((RANDOM % 100)))
owner=$(post /owners "{\"name\": \"Pemilik Contoh\", \"nik\": \"$nik\", \"kelurahan\": \"64.71.01.1001\"}")
post /businesses "{\"owner_ids\": [\"$owner\"], \"name\": \"Warung Contoh\", \"kelurahan\": \"64.71.01.1001\", \"sector\": \"kuliner\"}"
