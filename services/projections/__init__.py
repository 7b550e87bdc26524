"""Projections: what others read. Business timeline, district dashboard, class history.

Owns      the tables ``business_timeline``, ``district_dashboard``, ``class_history``, and their generations.
Consumes  ``umkm.business``, every fact of it, as the consumer ``projections``.
Emits     nothing, so that a rebuild can have no side effect.
Reads     over HTTP: ``GET /`` (page), ``/dashboard``, ``/businesses/{id}/timeline``, ``/businesses/{id}/classes``.
Rebuild   ``naikkelas rebuild PROJECTION``: a second generation beside the live one, compared, then swapped.

No personal field is copied: the sealed part of a fact is left where it is.
"""
