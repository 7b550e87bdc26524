"""The gate of contracts: the stored JSON Schemas of the events, and what the models of today change of them.

``storing`` keeps a folder per type and major version, one file per revision. ``comparing`` says what changed between two
schemas and whom it breaks. ``gate`` holds the models against what is stored. ``naikkelas contracts`` is the way in.
"""
