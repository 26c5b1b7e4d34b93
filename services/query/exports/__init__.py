"""Exports as jobs: a file of leads, written by a process of its own, kept in pieces for a day.

What was asked for is in the read model `export_job`, hence in the log. How the writing went is said
in a table, for the clerk of the command service to tell the log (services/command/exports).

    files    the table of files that are written, and their pieces
    zipped   leads to a ZIP archive, in pieces, as they are read
    writing  one export, from the question to the last piece
    desk     starts writers, inside the query service
"""
