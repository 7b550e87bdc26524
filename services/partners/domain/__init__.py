"""Rules of agreements and of what agencies see: pure, time and ids come in as arguments."""
