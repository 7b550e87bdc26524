"""The command ``naikkelas``."""

from __future__ import annotations

from ops.cli import run


def main() -> None:
    """Run the command and end the process with its exit code."""
    run()


if __name__ == "__main__":
    main()
