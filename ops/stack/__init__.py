"""The local stack: Apache Kafka, PostgreSQL, a mailbox and the services, each a process of this machine, on 127.0.0.1 only.

Owns the folder ``NAIKKELAS_HOME`` (default ``.naikkelas``): data, logs, passwords, and ``stack.json`` with what runs.
``Stack`` is what the command, the demo, the benchmarks and the tests use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ops.stack.errors import StackError

if TYPE_CHECKING:
    from ops.stack.stack import Stack

__all__ = ["Stack", "StackError"]


def __getattr__(name: str) -> Any:
    """Load ``Stack`` when somebody asks for it: the mailbox, a process of this package, has no need of all that it brings."""
    if name == "Stack":
        return import_module("ops.stack.stack").Stack
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
