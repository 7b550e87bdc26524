"""The demo: the office's main job on real input, from 34 spreadsheets to the audit, with deaths on the way."""

from ops.demo.scenario import Demo, DemoFailedError, Outcome

__all__ = ["Demo", "DemoFailedError", "Outcome"]
