"""The running parts: command, projections, query, admin; `kit` beneath, `local`, `cli` on top."""
