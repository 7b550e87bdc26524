"""The `naikkelas` command: local stack, demo, topics, lag, parked, redrive, rebuild, audit."""
