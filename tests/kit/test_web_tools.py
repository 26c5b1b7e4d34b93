"""The tools around the web UI: a stale build is told, the browser found, the UI in the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from services import cli_browser, cli_ui

ROOT = Path(__file__).parents[2]


def _program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_a_build_that_is_not_the_committed_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, dist = tmp_path / "built", tmp_path / "dist"
    for folder in (built, dist):
        (folder / "assets").mkdir(parents=True)
        (folder / "index.html").write_text("page")
    monkeypatch.setattr(cli_ui, "DIST", dist)
    assert sorted(cli_ui._differing(built)) == []
    (built / "assets" / "new.js").write_text("1")
    (dist / "assets" / "old.js").write_text("1")
    (dist / "index.html").write_text("pagE")
    assert sorted(cli_ui._differing(built)) == [
        "assets/new.js is missing",
        "assets/old.js is too many",
        "index.html differs",
    ]


def test_the_browser_is_the_named_one_else_the_first_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEADS_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(cli_browser.NoChromium, match="install your system's chromium"):
        cli_browser.chromium()
    chrome = _program(tmp_path, "google-chrome")
    assert cli_browser.chromium() == str(chrome)
    chromium = _program(tmp_path, "chromium")
    assert cli_browser.chromium() == str(chromium)
    mine = _program(tmp_path, "mine")
    monkeypatch.setenv("LEADS_CHROMIUM", str(mine))
    assert cli_browser.chromium() == str(mine)
    monkeypatch.setenv("LEADS_CHROMIUM", str(tmp_path / "gone"))
    with pytest.raises(cli_browser.NoChromium, match="which is no program"):
        cli_browser.chromium()


@pytest.mark.parametrize(("user", "installs"), [(0, True), (1000, False)])
def test_only_root_gets_a_browser_installed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    user: int,
    installs: bool,
) -> None:
    monkeypatch.delenv("LEADS_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: user)
    apt = _program(tmp_path, "apt-get")
    place = tmp_path / "chromium"
    apt.write_text(
        f'#!/bin/sh\n[ "$1" = install ] || exit 0\nprintf "#!/bin/sh\\n" >{place}\n'
        f"/bin/chmod 700 {place}\n"
    )
    assert cli_browser.chromium_made_ready() == (0 if installs else 1)
    said = capfd.readouterr().out
    assert ("apt-get installs chromium and fonts-liberation" in said) == installs
    assert (str(place) in said) == installs


def test_the_wheel_has_the_built_ui_and_not_its_sources(tmp_path: Path) -> None:
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    built = {
        f"services/admin/dist/{path.relative_to(cli_ui.DIST).as_posix()}"
        for path in cli_ui.DIST.rglob("*")
        if path.is_file()
    }
    assert "services/admin/dist/index.html" in built & names
    assert built <= names
    ours = {name for name in names if name.startswith("services/admin/")} - built
    assert {Path(name).suffix for name in ours} == {".py", ".md"}
