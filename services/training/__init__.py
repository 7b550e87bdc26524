"""Trainings (*pelatihan*): who may come, who has a seat, who was there, who passed, and the certificate.

Owns: programmes, courses with batches (*angkatan*) and sessions, enrolments, attendance, certificates.
Emits: ``course.*``, ``enrolment.*``, ``attendance.recorded``, ``training.completed``, ``certificate.*`` on the topics
``umkm.course``, ``umkm.enrolment`` and ``umkm.certificate``.
Consumes: ``umkm.owner``, ``umkm.business`` and ``umkm.organisation``, as the consumer ``training``: its own copy of what its
rules need, of organisations who may hold a course.
Asks the registry for keys at the moment of use: for a NIB where a course asks for one, and for the name on a certificate.
"""
