"""``python -m bench.scale [--write]``: print the tables of docs/scale.md, or put them there."""

from __future__ import annotations

import argparse
import sys

from bench.scale.costs import SIZE
from bench.scale.tables import DOCUMENT, text, written


def main() -> int:
    """Run it; some seconds of one core, no server."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="How large it grows, by simulation.")
    parser.add_argument("--write", action="store_true", help="write docs/scale.md")
    if parser.parse_args().write:
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8"), SIZE), encoding="utf-8")
    else:
        sys.stdout.write(text(SIZE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
