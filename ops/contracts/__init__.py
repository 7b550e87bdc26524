"""The gate of contracts: the stored JSON Schemas of the events, and what the models of today change of them.

``storing`` keeps a folder per type and major version, one file per revision. ``comparing`` says what changed between two
schemas and whom it breaks. ``gate`` holds the models against what is stored. ``readers`` says who reads a type and whether it may end,
with what ``agreements`` reads of the partner service. ``naikkelas contracts`` is the way in.
"""
