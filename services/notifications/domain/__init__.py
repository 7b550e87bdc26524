"""The rules: which fact tells whom what, how a message moves, when it may go out. Pure."""
