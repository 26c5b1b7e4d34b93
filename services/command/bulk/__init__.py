"""Bulk work: one command on many leads, planned without a trace, executed as planned, undone.

The decisions are those of the single command. `routes` takes jobs in, `runner` carries them out.
"""
