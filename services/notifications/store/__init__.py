"""The tables of the notifications: facts in (``facts``), messages on their way (``messages``), answers (``reads``)."""
