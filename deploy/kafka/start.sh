#!/bin/sh
# Starts one KRaft node (broker and controller) that lets nobody in without a password.
#
# The image's own entry point cannot create SCRAM users while it formats, so this one formats and starts by itself.
# The first node (NODE_ID 1) founds the quorum; every further node joins it by itself (KIP-853), so that
# the profile `cluster` grows a running single node to three.
#
# Reads: NODE_ID, NODE_NAME (host name of this node), BOOTSTRAP (controllers to ask, host:9093,...), CLUSTER_ID,
#        REPLICATION (1 or 3), MIN_INSYNC (1 or 2), PROTOCOL (SASL_PLAINTEXT, or SASL_SSL for TLS on every way);
#        the passwords come as files in SECRETS (/run/secrets), for TLS also kafka_server (key and certificates) and kafka_ca.
# Listens: 9092 for clients (SCRAM-SHA-512), 9094 between brokers (SCRAM-SHA-512), 9093 between controllers (PLAIN,
#        because a controller must be let in before it can read the users).
set -eu
umask 077

SECRETS=${SECRETS:-/run/secrets}
DATA=${DATA:-/var/lib/kafka/data}
KAFKA_HOME=${KAFKA_HOME:-/opt/kafka}
CONFIG=${CONFIG:-/tmp/server.properties}
ARGUMENTS=${ARGUMENTS:-/tmp/format.arguments}
LISTEN=${LISTEN:-0.0.0.0}
PROTOCOL=${PROTOCOL:-SASL_PLAINTEXT}

case $PROTOCOL in
SASL_PLAINTEXT) ;;
SASL_SSL)
    for name in kafka_server kafka_ca; do
        if [ ! -s "$SECRETS/$name" ]; then
            echo "SASL_SSL needs $SECRETS/$name, which is empty or not there: make-secrets makes it where there is openssl" >&2
            exit 78
        fi
    done
    ;;
*)
    echo "PROTOCOL is '$PROTOCOL': SASL_PLAINTEXT or SASL_SSL are known" >&2
    exit 78
    ;;
esac

secret() { cat "$SECRETS/$1"; }

broker_password=$(secret kafka_broker_password)
controller_password=$(secret kafka_controller_password)
operator_password=$(secret kafka_operator_password)

scram=org.apache.kafka.common.security.scram.ScramLoginModule
plain=org.apache.kafka.common.security.plain.PlainLoginModule

cat >"$CONFIG" <<PROPERTIES
process.roles=broker,controller
node.id=$NODE_ID
controller.quorum.bootstrap.servers=$BOOTSTRAP
controller.quorum.auto.join.enable=true
controller.listener.names=CONTROLLER
inter.broker.listener.name=BROKER
listeners=CLIENT://$LISTEN:${CLIENT_PORT:-9092},CONTROLLER://$LISTEN:${CONTROLLER_PORT:-9093},BROKER://$LISTEN:${BROKER_PORT:-9094}
advertised.listeners=CLIENT://$NODE_NAME:${CLIENT_PORT:-9092},CONTROLLER://$NODE_NAME:${CONTROLLER_PORT:-9093},BROKER://$NODE_NAME:${BROKER_PORT:-9094}
listener.security.protocol.map=CLIENT:$PROTOCOL,CONTROLLER:$PROTOCOL,BROKER:$PROTOCOL
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.scram-sha-512.sasl.jaas.config=$scram required;
listener.name.broker.scram-sha-512.sasl.jaas.config=$scram required username="broker" password="$broker_password";
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=$plain required username="controller" password="$controller_password" user_controller="$controller_password";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:broker;User:controller;User:operator
auto.create.topics.enable=false
default.replication.factor=$REPLICATION
offsets.topic.replication.factor=$REPLICATION
transaction.state.log.replication.factor=$REPLICATION
share.coordinator.state.topic.replication.factor=$REPLICATION
min.insync.replicas=$MIN_INSYNC
transaction.state.log.min.isr=$MIN_INSYNC
share.coordinator.state.topic.min.isr=$MIN_INSYNC
offsets.topic.num.partitions=12
message.max.bytes=8388608
replica.fetch.max.bytes=8388608
group.initial.rebalance.delay.ms=500
log.dirs=$DATA
PROPERTIES
if [ "$PROTOCOL" = SASL_SSL ]; then
    # Of clients the password tells who they are, as without TLS; names in the certificate are checked by all that dial.
    cat >>"$CONFIG" <<PROPERTIES
ssl.keystore.type=PEM
ssl.keystore.location=$SECRETS/kafka_server
ssl.truststore.type=PEM
ssl.truststore.location=$SECRETS/kafka_ca
PROPERTIES
fi

if [ ! -f "$DATA/meta.properties" ]; then
    # The passwords of users go by a file, not by the command line, which every process of the host can read.
    if [ "$NODE_ID" = 1 ]; then
        printf '%s\n' --standalone \
            --add-scram "SCRAM-SHA-512=[name=broker,password=$broker_password]" \
            --add-scram "SCRAM-SHA-512=[name=operator,password=$operator_password]" >"$ARGUMENTS"
    else
        printf '%s\n' --no-initial-controllers >"$ARGUMENTS"
    fi
    # Its output holds the salted keys of the users, so it goes nowhere; errors are on stderr.
    # argparse4j, which the storage tool uses, takes arguments from a file named with @, one a line.
    "$KAFKA_HOME/bin/kafka-storage.sh" format --cluster-id "$CLUSTER_ID" --config "$CONFIG" "@$ARGUMENTS" >/dev/null
    rm -f "$ARGUMENTS"
fi
exec "$KAFKA_HOME/bin/kafka-server-start.sh" "$CONFIG"
