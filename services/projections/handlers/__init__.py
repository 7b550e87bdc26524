"""What the service does: project a batch, answer a question, rebuild a generation."""
