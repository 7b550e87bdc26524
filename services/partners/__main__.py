"""``python -m services.partners api | worker | relay | all | migrate``."""

from __future__ import annotations

import gc
import sys

gc.disable()  # what is loaded from here on stays; a process that runs switches it on again

from services.partners.processes import SERVICE

if __name__ == "__main__":
    sys.exit(SERVICE.main(sys.argv[1:]))
