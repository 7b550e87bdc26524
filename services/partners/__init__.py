"""Agencies (*instansi*): under which agreement which one may see what, the streams that they read, and who was given what.

Owns: agreements with their texts and signatures; the events that agencies may read, each kept once; the disclosure log;
notices of erasure to agencies;
endpoints of agencies (webhooks) with their replays and topics of agencies, how far each is, and the last outcomes.
Emits: ``agreement.*`` on the topic ``umkm.agreement``; what an agreement grants by Kafka on ``umkm.agency.<code>``,
and what is public on ``umkm.public.*``.
Consumes: all topics of registry, trainings and exhibitions, as the consumer ``partners``.
Shows: the portal, for people of agencies and for the operator.
What an agency sees of an event is said in one place, ``domain/showing.py``: nothing that is not granted. What everybody may see is
the same under a text that grants what is public (``domain/public.py``).
"""
