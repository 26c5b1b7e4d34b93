"""Any list of leads as of an earlier moment.

A scratch read model is built from the log up to that moment, in a process of its own, with
progress; then lists, counts and breakdowns are asked of it with the same questions as of the
present one. Few are kept at a time, and each for an hour only.

    jobs       which pasts there are: ask for one, look, cancel, clear away
    building   fold the log up to the moment into tables of its own
    asking     the same statements, asked of those tables
    desk       starts builders and clears away, inside the query service
    routes     over HTTP
"""
