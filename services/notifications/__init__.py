"""Notifications: who is told what, once, by the channel they chose.

Owns      recipients (preferences and consent as facts tell them), officers' addresses, messages, their steps, their
          attempts by channel, receipts of providers, announcements to many owners, topics of them that owners stopped;
          reminders, and for them its own copy of who is to be where and when; digests, and who wants them.
Consumes  ``umkm.owner``, ``umkm.business``, ``umkm.import``, ``umkm.course``, ``umkm.enrolment``, ``umkm.certificate``,
          ``umkm.application``, ``umkm.licence``, ``umkm.brand``, every fact of them, as the consumer ``notifications``.
Emits     nothing yet; messages leave by e-mail (SMTP), WhatsApp (Cloud API), SMS (a gateway by HTTP), or to the console
          where that channel is named.
Asks      the registry for keys at the moment of sending, with the purpose ``notifikasi``.
Reads     over HTTP: ``GET /messages``, ``/messages/{id}``, ``/messages/{id}/attempts``, ``/recipients/{owner_id}``, ``/officers/{sub}``,
          ``/announcements``, ``/announcements/{id}``, ``/announcements/audience``; for operators the pages
          ``/operator/``; for everybody the page ``/unsubscribe/{token}`` behind the link of an announcement or a reminder.
Writes    over HTTP: ``POST /messages/{id}/resend``, ``PUT /officers/{sub}``, ``PUT /recipients/{id}/digest``,
          ``POST /announcements``, ``POST /announcements/{id}/cancel``, the form ``POST /operator/{id}/kirim-ulang``, ``POST /unsubscribe/{token}`` (one click, RFC 8058);
          of providers ``POST /receipts/whatsapp`` (its address is asked for by ``GET``), ``/receipts/sms``.

A worker makes an announcement's messages, and its senders send them when no other message is due. It looks for reminders and
digests whose time has come by the clock of the database (decision 25).
Facts of an import notify no owner; the officer gets one digest per file.
"""
