"""Notifications: who is told what, once, by the channel they chose.

Owns      recipients (preferences and consent as facts tell them), officers' addresses, messages, their steps.
Consumes  ``umkm.owner``, ``umkm.business``, ``umkm.import``, ``umkm.enrolment``, ``umkm.certificate``, every fact of them, as the consumer ``notifications``.
Emits     nothing yet; messages leave by e-mail (SMTP), or to the console where that channel is named.
Asks      the registry for keys at the moment of sending, with the purpose ``notifikasi``.
Reads     over HTTP: ``GET /messages``, ``/messages/{id}``, ``/recipients/{owner_id}``, ``/officers/{sub}``.
Writes    over HTTP: ``POST /messages/{id}/resend``, ``PUT /officers/{sub}``.

Facts of an import notify no owner; the officer gets one digest per file.
"""
