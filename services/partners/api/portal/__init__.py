"""The portal: pages for people of an agency, who see what is theirs, and for the operator, who sees all; no script, two languages.

Like every route they ask for a bearer token; whatever stands in front and knows its people adds it (docs/security.md).
"""
