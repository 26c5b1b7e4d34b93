"""`python -m services.query`: the query service as a process of its own."""

from services.query.app import main

main()
