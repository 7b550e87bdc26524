"""``python -m services.partners api | worker | relay | all | migrate``."""

from __future__ import annotations

import sys

from services.partners.app import SERVICE

if __name__ == "__main__":
    sys.exit(SERVICE.main(sys.argv[1:]))
