"""The running parts: command, projections, query, admin; `kit` beneath, `local` and `cli` on top."""
