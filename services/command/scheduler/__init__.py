"""The scheduler: finds what has fallen due and gives the commands for it (rule 8).

It follows the log into a table of due times of its own (timers.py, following.py), takes what is
due from there and decides on what the log says (firing.py). README in SCHEDULER.md.
"""
