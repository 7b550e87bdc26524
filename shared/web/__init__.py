"""The web layer of every service: the app with its edge (limits, ids, log, headers), its documentation, its server.

``create_api`` of ``shared.web.api`` makes the app of a service, ``run_http`` of ``shared.web.server`` serves it; a process
without an API serves its health alone (``shared.web.health``), and loads nothing of the rest.
"""
