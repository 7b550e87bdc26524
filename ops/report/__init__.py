"""The year's report for the head of the office: a few numbers by kecamatan, each with unit, source, date and meaning.

``read_year(clients, year)`` asks the services' APIs, one function per number; ``write_html`` and ``write_xlsx`` set it down.
Buckets, unknown and what is withheld are the total, always; what no service can tell yet is said so, never 0.
"""

from ops.report.figures import Cell, Figure, FigureMismatchError, Report
from ops.report.html import write_html
from ops.report.reading import read_year
from ops.report.xlsx import write_xlsx

__all__ = ["Cell", "Figure", "FigureMismatchError", "Report", "read_year", "write_html", "write_xlsx"]
