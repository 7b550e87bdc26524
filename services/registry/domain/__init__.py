"""The rules of owners and businesses: pure. Time and ids come in as arguments; facts go out as drafts, not sealed yet."""
