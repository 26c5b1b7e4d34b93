"""The query service: reads of the read models and, for the past, of the log. It changes nothing."""
