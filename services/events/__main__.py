"""``python -m services.events api | worker | relay | all | migrate``."""

from __future__ import annotations

import sys

from services.events.app import SERVICE

if __name__ == "__main__":
    sys.exit(SERVICE.main(sys.argv[1:]))
