"""The rules of exhibitions and outlets: pure. Time and ids come in as arguments; changed objects and facts go out."""
