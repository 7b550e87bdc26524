"""The local stack: Apache Kafka, PostgreSQL, a mailbox and the services, each a process of this machine, on 127.0.0.1 only.

Owns the folder ``NAIKKELAS_HOME`` (default ``.naikkelas``): data, logs, passwords, and ``stack.json`` with what runs.
``Stack`` is what the command, the demo, the benchmarks and the tests use.
"""

from ops.stack.errors import StackError
from ops.stack.stack import Stack

__all__ = ["Stack", "StackError"]
