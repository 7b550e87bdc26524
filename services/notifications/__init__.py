"""Notifications: who is told what, once, by the channel they chose.

Owns      recipients (preferences and consent as facts tell them), officers' addresses, messages, their steps, their
          attempts by channel, receipts of providers, announcements to many owners, topics of them that owners stopped.
Consumes  ``umkm.owner``, ``umkm.business``, ``umkm.import``, ``umkm.enrolment``, ``umkm.certificate``, every fact of them,
          as the consumer ``notifications``.
Emits     nothing yet; messages leave by e-mail (SMTP), WhatsApp (Cloud API), SMS (a gateway by HTTP), or to the console
          where that channel is named.
Asks      the registry for keys at the moment of sending, with the purpose ``notifikasi``.
Reads     over HTTP: ``GET /messages``, ``/messages/{id}``, ``/messages/{id}/attempts``, ``/recipients/{owner_id}``, ``/officers/{sub}``,
          ``/announcements``, ``/announcements/{id}``, ``/announcements/audience``; for everybody the page
          ``/unsubscribe/{token}`` behind the link of an announcement.
Writes    over HTTP: ``POST /messages/{id}/resend``, ``PUT /officers/{sub}``, ``POST /announcements``,
          ``POST /announcements/{id}/cancel``, ``POST /unsubscribe/{token}`` (one click, RFC 8058);
          of providers ``POST /receipts/whatsapp`` (its address is asked for by ``GET``), ``/receipts/sms``.

A worker makes an announcement's messages, and its senders send them when no other message is due.
Facts of an import notify no owner; the officer gets one digest per file.
"""
