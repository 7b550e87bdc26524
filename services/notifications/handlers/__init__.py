"""What the service does: facts in (``recording``), messages out (``sending``), an operator's word (``operating``)."""
