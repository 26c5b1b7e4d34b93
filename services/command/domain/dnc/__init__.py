"""The do-not-call entries of one number."""
