"""Providers of messages on this machine, for tests and the demo: WhatsApp's Graph API and an SMS gateway, over real HTTP.

They answer as the real ones do, byte for byte where their makers document it, send receipts signed as those are, and
can be told to fail as they do: never answering after they took a message, cutting the connection, 429, 5xx, receipts
twice, out of order, before the answer.
"""
