"""API, worker and relay in one process: for a small machine."""

from __future__ import annotations

from functools import partial

from services.partners.app import close_app, create_app
from services.partners.working import worker_parts
from shared.web.all_in_one import run_all_in_one

run_all = partial(run_all_in_one, create_app, worker_parts, close=close_app, beside=lambda app: [app.state.watch.run])
