"""``naikkelas doctor``: looks at a deployment and explains what is not well, each finding with why it matters and what to do.

``settings`` judges the variables; ``postgresql``, ``kafka`` and ``local`` ask; ``database_rules``, ``broker_rules`` and
``local_rules`` make findings of what was seen, without input or output; ``examining`` does it all side by side.
"""
