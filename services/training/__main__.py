"""``python -m services.training api | worker | relay | all | migrate``."""

from __future__ import annotations

import sys

from services.training.app import SERVICE

if __name__ == "__main__":
    sys.exit(SERVICE.main(sys.argv[1:]))
