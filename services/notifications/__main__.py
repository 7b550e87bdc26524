"""``python -m services.notifications api | worker | all | migrate``."""

from __future__ import annotations

import sys

from services.notifications.app import SERVICE

if __name__ == "__main__":
    sys.exit(SERVICE.main(sys.argv[1:]))
