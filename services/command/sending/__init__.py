"""Sending messages to leads: what waits is found in the log, sent, and told of in the log."""
