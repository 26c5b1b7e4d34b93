"""Becomes another program on a leash: it ends when the process that started it ends.

Run as `python -I -S leash.py DEATH_SIGNAL PARENT_PID USER ARGV...`. The kernel keeps the promise,
so it holds even when the parent is killed with SIGKILL (Linux; elsewhere only the supervisor's own
stop ends children). USER is `-` to stay who one is. Standard library only, for a quick start.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def _become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ.update(HOME="/", USER=user, LOGNAME=user)


def main(argv: list[str]) -> None:
    """Drops to the user, ties itself to the parent, then becomes the program."""
    death_signal, parent_pid, user, *program = argv
    if user != "-":
        _become(user)
    # After the change of user: the kernel forgets the wish when credentials change.
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != int(parent_pid):
        # The parent ended before the leash was tied.
        os.kill(os.getpid(), signal.SIGKILL)
    os.execvpe(program[0], program, os.environ)


if __name__ == "__main__":
    main(sys.argv[1:])
