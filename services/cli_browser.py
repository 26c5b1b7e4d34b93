"""Where the browser is that the tests of the web UI drive: this machine's own Chromium."""

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-liberation")


class NoChromium(RuntimeError):
    """There is no browser; the text says what to do."""


def chromium() -> str:
    """Return the browser's path: LEADS_CHROMIUM, else the first on PATH; raises NoChromium."""
    named = os.environ.get("LEADS_CHROMIUM", "")
    for name in (named,) if named else NAMES:
        if found := shutil.which(name):
            return found
    if named:
        raise NoChromium(f"LEADS_CHROMIUM is {named!r}, which is no program.")
    raise NoChromium(
        "There is no Chromium here, which the tests of the web UI drive: install your system's"
        " chromium package, or name a Chromium or Chrome in LEADS_CHROMIUM."
    )


def chromium_made_ready() -> int:
    """Look for the browser; where there is none, root on Debian gets its package. Return an exit
    code, having said what is used, what was installed, or what to do.
    """
    try:
        chromium()
    except NoChromium:
        _install_where_allowed()
    try:
        print(chromium())
    except NoChromium as reason:
        print(reason)
        return 1
    return 0


def _install_where_allowed() -> None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0 or os.environ.get("LEADS_CHROMIUM"):
        return
    print(f"No Chromium here: apt-get installs {' and '.join(PACKAGES)} (once)", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("install", "-y", "-qq", "--no-install-recommends", *PACKAGES)
    for arguments in (("update", "-qq"), install):
        subprocess.run(
            [apt, *arguments],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=environ,
        )
