"""The web layer of every service: the app with its edge (limits, ids, log, headers), its documentation, its server.

app = create_http_app("Registri UMKM", "registry", routers=[owners.router], health=health, verifier=verifier)
await run_http(app, settings, stop)
"""

from shared.web.app import RequestModel, cause_of, create_http_app, health_app
from shared.web.edge import Limits
from shared.web.server import PortTakenError, run_health, run_http

__all__ = [
    "Limits",
    "PortTakenError",
    "RequestModel",
    "cause_of",
    "create_http_app",
    "health_app",
    "run_health",
    "run_http",
]
