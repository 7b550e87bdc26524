"""Reference data of the registry, and the pure rules that read it.

Places, KBLI, classes, sectors, name folding, the method of assessments, the checklist for export.

Owns: nothing that changes at run time. Sources: Kemendagri codes of Balikpapan, KBLI 2020 and 2025 (BPS), PP 7/2021,
and lists of the office's own.
Layer: the innermost of ``services.registry``; imports contracts only.
"""
