"""The command ``naikkelas``: one module for each group of subcommands, found by name when it is called.

A module exports ``app`` (``typer.Typer``). Its name and one line of help stand in ``COMMANDS``, so that
``naikkelas --help`` loads none of them.
"""

from ops.cli.command import COMMANDS, run

__all__ = ["COMMANDS", "run"]
