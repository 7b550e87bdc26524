"""Who runs the command, as the trail names them."""

from __future__ import annotations

import getpass
import os
from typing import Annotated

import typer

from ops.cli.output import fail
from shared.masking import mask_text

By = Annotated[
    str | None, typer.Option("--by", help="Who you are, for the trail; default: the account of this machine.")
]


def actor(by: str | None) -> str:
    """Return the name that was given, or that of the account."""
    if by is not None and by.strip():
        name = by.strip()[:200]
        if mask_text(name) != name:
            fail(
                "--by names you by an account or a code: what stands in the trail is kept for ever, so no mail address and no number."
            )
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def given_reason(text: str, *, as_json: bool) -> str:
    """Return why something is done, as the trail keeps it; ends the command where nothing is said, or a person is named by a number."""
    said = " ".join(text.split())
    if not 3 <= len(said) <= 200:
        fail("Nothing was done: say why with --reason, in 3 to 200 characters.", as_json=as_json, code=2)
    if mask_text(said) != said:
        fail(
            "Nothing was done: --reason stands in the trail for ever, so no mail address and no number of a person.",
            as_json=as_json,
        )
    return said
