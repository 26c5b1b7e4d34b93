"""Do-not-call entries by file: uploaded, planned, carried out, reported on row by row."""
