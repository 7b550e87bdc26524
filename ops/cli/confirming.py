"""The word of a person before something is changed that nobody takes back lightly."""

from __future__ import annotations

import sys

import typer


def is_sure(word: str, asked: str, *, yes: bool) -> bool:
    """Tell whether it is to be done: ``yes`` was given, or somebody at a terminal types ``word`` when told what is ``asked``."""
    if yes:
        return True
    if not sys.stdin.isatty():
        return False
    typed: str = typer.prompt(asked, default="", show_default=False)
    return typed.strip() == word
