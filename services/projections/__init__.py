"""Read models: folded from the log's events, kept in PostgreSQL, disposable at any time."""
