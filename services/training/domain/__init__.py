"""The rules of trainings: pure. Time and ids come in as arguments; changed objects and their facts go out."""
