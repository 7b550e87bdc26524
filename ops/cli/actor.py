"""Who runs the command, as the trail names them."""

from __future__ import annotations

import getpass
import os
from typing import Annotated

import typer

By = Annotated[
    str | None, typer.Option("--by", help="Who you are, for the trail; default: the account of this machine.")
]


def actor(by: str | None) -> str:
    """Return the name that was given, or that of the account."""
    if by is not None and by.strip():
        return by.strip()[:200]
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"
