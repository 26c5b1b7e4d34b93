"""Exports on the command side: the log hears how they end, their files are handed out and thrown
away.

    files   the pieces, as the writer of the query service left them
    clerk   tells the log what became of files, and removes what may not be there any more
    links   what stands in a mailed link
    post    mails links
    routes  hands files out
"""
