"""HTTP of the trainings: requests to commands, refusals to status codes, and the page that checks certificates."""
