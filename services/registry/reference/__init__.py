"""Reference data of the registry, and the pure rules that read it: places, KBLI, classes, sectors, name folding.

Owns: nothing that changes at run time. Sources: Kemendagri codes of Balikpapan, KBLI 2020 and 2025 (BPS), PP 7/2021.
Layer: the innermost of ``services.registry``; imports contracts only.
"""
