"""The contracts all services share: events, envelope, rights, filters, tables."""
