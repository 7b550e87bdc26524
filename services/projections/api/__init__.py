"""HTTP of the projections: JSON for officers and services (``routes``), one page for everybody (``page``)."""
