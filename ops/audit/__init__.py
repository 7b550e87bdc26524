"""The audit: every aggregate, from its source's version over the log to each consumer's position and effects.

Reads only: the ``audit`` views of each service's database, and every topic from its first record, or from where an earlier audit
ended. What it keeps is its own checkpoint.
"""

from ops.audit.audit import audit, wait_until_quiet
from ops.audit.checkpoint import RefusedError
from ops.audit.continuing import audit_since
from ops.audit.reading import Databases
from ops.audit.report import Finding, Report
from ops.audit.scope import scope_of

__all__ = ["Databases", "Finding", "RefusedError", "Report", "audit", "audit_since", "scope_of", "wait_until_quiet"]
