"""Requests to commands, refusals to status codes."""
