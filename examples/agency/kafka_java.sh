#!/usr/bin/env bash
# Reads an agency's topic with Kafka's own console consumer, in Java: kafka-console-consumer.sh of Kafka 4.2 or newer, on the PATH.
#
#   ./kafka_java.sh dpmptsp   # agency.conf: what the office handed you
#
# CONF: another name of that file. KEEP_IN: the file of events (kafka-java.tsv).
set -euo pipefail
case ${1:-} in "" | -*) sed -n '/^set/q; 2,$s/^# \{0,1\}//p' "$0" && [ "${1:-}" = --help ]; exit ;; esac
command -v kafka-console-consumer.sh >/dev/null || { echo "kafka-console-consumer.sh is not on the PATH" >&2 && exit 69; }
here=$(dirname "${BASH_SOURCE[0]}")
conf=${CONF:-agency.conf}
value() { sed -n "s/^$1=//p" "$conf"; }

# The same access as Java's client writes it. A place that Kafka stores by itself may be ahead of what is kept, so it stores none,
# and keep.sh passes over what it has. One that was killed holds its place in the group for 10 s, without this for 45.
properties() {
    cat <<END
security.protocol=$(value security.protocol)
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
    username="$(value sasl.username)" password="$(value sasl.password)";
enable.auto.commit=false
session.timeout.ms=10000
END
    local ca
    ca=$(value ssl.ca.location)
    [ -z "$ca" ] || printf '%s\n' ssl.truststore.type=PEM "ssl.truststore.location=$ca"
}

kafka-console-consumer.sh --bootstrap-server "$(value bootstrap.servers)" --command-config <(properties) \
    --topic "umkm.agency.$1" --group "$1.java" --from-beginning \
    --formatter-property print.headers=true --formatter-property print.key=true |
    "$here/keep.sh" "${KEEP_IN:-kafka-java.tsv}"
