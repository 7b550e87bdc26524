"""Speed, as ratios: the product and the raw client or database in turn, in one run, on one machine; checked or void.

``python -m bench`` runs all, ``--only NAME`` one, ``--quick`` small and thrice for a smoke test.
"""
