#!/bin/sh
# Runs a class of Kafka; KAFKA_HEAP_OPTS counts as in the image that this one stands in for.
exec /opt/java/bin/java ${KAFKA_HEAP_OPTS:--Xmx256m} -Djava.awt.headless=true \
    -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.properties -cp '/opt/kafka/libs/*' "$@"
