"""Explain a number: which businesses are in it, and which facts put them there.

``EXPLAINERS`` is the register: who adds a projection adds an ``Explainer`` of its own to it, with a grammar of
its addresses, a statement of its cells (``sql/queries_explaining.sql``), and a function that finds the facts.
"""

from services.projections.handlers.explaining.explainer import Explainer, Fact
from services.projections.handlers.explaining.explaining import EXPLAINERS, Explained, Explaining, Item

__all__ = ["EXPLAINERS", "Explained", "Explainer", "Explaining", "Fact", "Item"]
