"""Projections: what others read. Timelines, dashboard, classes, jobs, and what came of trainings, exhibitions, mentoring.

Owns      the tables ``business_timeline``, ``district_dashboard``, ``class_history``, ``class_funnel``, ``jobs``,
          ``service_timeline``, ``training_outcome``, ``exhibition_turnover``, ``mentoring_activity``, and their generations; ``rebuild_run``,
          ``audit_run`` and ``audit_checkpoint``: how far rebuilds are, what the last audits came to, and where the next may continue.
Consumes  as the consumer ``projections`` the topics of ``domain/making.py``: of the registry (businesses, licences,
          brands, mentors), of the trainings and of the exhibitions. Each row is made of one stream (decision 24).
Emits     nothing, so that a rebuild can have no side effect.
Reads     over HTTP: ``GET /`` (page), ``/dashboard``, ``/businesses/{id}/timeline``, ``/businesses/{id}/classes``,
          ``/class-funnel``, ``/jobs``, ``/jobs/months``, ``/jobs/changes``, ``/trainings/outcome``,
          ``/exhibitions/turnover``, ``/mentoring/activity``, ``/equity``; ``/explain/{address}``: what is behind a number.
Operates  nothing by itself: ``GET /operasi/`` (page) and ``/operations`` look at every process of the platform, and pass orders on to the
          service that owns a parked event, with the token of who looks (decision 48).
Rebuild   ``naikkelas rebuild PROJECTION``: a second generation beside the live one, compared, then swapped.

No personal field is copied, and no amount that one business sold: the sealed part of a fact is left where it is.
"""
