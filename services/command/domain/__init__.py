"""Deciding: every rule of the service, pure. RULES.md says what they are."""
