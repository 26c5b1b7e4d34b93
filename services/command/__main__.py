"""`python -m services.command`: the command service as a process of its own."""

from services.command.app import main

main()
