"""The audit: every aggregate, from its source's version over the log to each consumer's position and effects.

Reads only: the ``audit`` views of each service's database, and every topic from its first record.
"""

from ops.audit.audit import Databases, audit, wait_until_quiet
from ops.audit.report import Finding, Report

__all__ = ["Databases", "Finding", "Report", "audit", "wait_until_quiet"]
