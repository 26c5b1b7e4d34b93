"""The campaign: template, follow-up rules, limits, hours, range."""
