"""Dialer payloads that could not be taken in."""
