"""Exhibitions and bazaars (*pameran, bazar*), and fixed selling places: who gets a place, who comes, what they sold.

Owns: exhibitions with waves and booths, applications, scores, places, sales reports; outlets with their rota.
Emits: ``exhibition.*``, ``booth.*``, ``application.*``, ``sales.*``, ``outlet.*`` on the topics ``umkm.exhibition``,
``umkm.application`` and ``umkm.outlet``.
Consumes: ``umkm.owner``, ``umkm.business``, ``umkm.licence``, ``umkm.organisation`` and ``umkm.enrolment``, as the consumer
``events``: its own copy of what a curation reads of a business's history, and of who may hold an exhibition or outlet.
Not the messages between services, which are called events too.
"""
