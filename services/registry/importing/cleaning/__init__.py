"""Cleaning of cells: one pure module per kind. Each takes the typed cell and gives a value and a code, or neither."""
