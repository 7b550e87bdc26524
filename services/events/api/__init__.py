"""HTTP of the exhibitions: requests to commands, refusals to status codes."""
