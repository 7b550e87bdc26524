"""A seeded generator of 34 messy kelurahan spreadsheets that knows what it planted.

``generate(folder, rows, seed)`` writes the files and ``planted.json``. No real person: NIK serials from 9900, phones
``08120000xxxx``.
"""

from ops.generator.generate import Planted, PlantedFile, generate

__all__ = ["Planted", "PlantedFile", "generate"]
