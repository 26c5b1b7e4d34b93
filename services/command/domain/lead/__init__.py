"""The lead: state.py and evolving.py say what it is, each other module one family of commands."""
