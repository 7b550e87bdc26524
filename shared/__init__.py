"""The shared kernel: contracts of the facts, and the plumbing that two services use.

Owns: envelope, outbox and relay, consumer layer, sealing, access, idempotency, health, logs.
Knows no service and holds no business rule.
"""
