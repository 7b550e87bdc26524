"""HTTP of the registry: requests to commands, refusals to status codes."""
