"""Children: started, watched, stopped; none outlives its parent, none is lost silently."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from services.local.process import Child, Program, StartFailed, describe_exit, run_once, says
from services.local.supervisor import Supervisor
from tests.processes import alive

ROOT = Path(__file__).parents[2]
STUBBORN = (
    "import signal,time; signal.signal(15, signal.SIG_IGN); print('up',flush=True); time.sleep(60)"
)
GENTLE = "import time; print('up', flush=True); time.sleep(60)"


def python(name: str, code: str, ready: str | None = None) -> Program:
    ready_when = says(ready) if ready else None
    return Program(name, (sys.executable, "-I", "-S", "-c", code), ready=ready_when)


async def gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while alive(pid):
            await asyncio.sleep(0.01)


async def test_a_child_is_started_when_it_says_it_is_ready(tmp_path: Path) -> None:
    child = await Child.start(python("x", GENTLE, ready="up"), tmp_path / "x.log")
    assert child.exit_code is None
    assert child.output() == "up\n"
    assert await child.stop() == -signal.SIGTERM
    assert not alive(child.pid)


async def test_a_child_that_ends_before_it_is_ready_is_refused_with_its_last_words(
    tmp_path: Path,
) -> None:
    program = python("x", "import sys; sys.exit('no database')", ready="up")
    with pytest.raises(StartFailed, match="x ended with exit code 1\nno database"):
        await Child.start(program, tmp_path / "x.log")


async def test_a_child_that_is_never_ready_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"import os; open({str(pid_file)!r}, 'w').write(str(os.getpid())); {STUBBORN}"
    program = replace(python("x", code, ready="other"), ready_timeout_s=3.0)
    with pytest.raises(StartFailed, match="was not ready within 3 s\nup"):
        await Child.start(program, tmp_path / "x.log")
    assert not alive(int(pid_file.read_text()))


async def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    child = await Child.start(python("x", STUBBORN, ready="up"), tmp_path / "x.log")
    assert await child.stop(0.2) == -signal.SIGKILL


async def test_what_a_child_started_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess,sys,time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}])\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    child = await Child.start(python("x", code, ready="up"), tmp_path / "x.log")
    grandchild = int(child.output().split()[0])
    await child.stop()
    await gone(grandchild)


async def test_a_tool_that_fails_is_refused(tmp_path: Path) -> None:
    await run_once(python("fine", ""), tmp_path / "log")
    with pytest.raises(StartFailed, match="tool ended with exit code 3"):
        await run_once(python("tool", "raise SystemExit(3)"), tmp_path / "log")


async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from services.local.process import Child, Program, says

async def main():
    program = Program("x", (sys.executable, "-c", {STUBBORN!r}), ready=says("up"))
    child = await Child.start(program, Path({str(tmp_path / "x.log")!r}))
    print(child.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    assert alive(child)
    parent.kill()
    await parent.wait()
    await gone(child)


async def test_a_crashed_child_is_started_again_with_growing_delays(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor(tmp_path, told.append, first_delay_s=0.01, delay_s_max=0.04)
    runs = tmp_path / "runs"
    # Ends at once on its second and third run.
    code = f"""
import pathlib, time
runs = pathlib.Path({str(runs)!r})
count = len(runs.read_text()) + 1 if runs.exists() else 1
runs.write_text("x" * count)
if count == 2: raise SystemExit(7)
if count == 3: print("seven", flush=True); raise SystemExit(7)
print("up", flush=True)
time.sleep(60)
"""
    child = await supervisor.start(python("worker", code, ready="up"))
    os.kill(child.pid, signal.SIGKILL)
    async with asyncio.timeout(60):
        while "worker runs again" not in told:
            await asyncio.sleep(0.01)
    assert [line.split(" (log")[0] for line in told] == [
        "worker ended with SIGKILL; starting it again in 0.01 s",
        "worker ended with exit code 7 before it was ready; starting it again in 0.02 s",
        "worker ended with exit code 7 (seven) before it was ready; starting it again in 0.04 s",
        "worker runs again",
    ]
    assert supervisor.starts("worker") == 4
    pid = supervisor.pid("worker")
    await supervisor.stop()
    assert not alive(pid)


async def test_all_are_stopped_from_the_top_each_storey_at_once(tmp_path: Path) -> None:
    """Each of the middle storey ends only when it has seen that the other is told to stop too."""
    told: list[str] = []
    code = f"""
import pathlib, signal, sys, time
folder, own, others = pathlib.Path({str(tmp_path)!r}), sys.argv[1], sys.argv[2]
def stop(*_):
    (folder / own).touch()
    while not all((folder / other).exists() for other in others): time.sleep(0.01)
    with (folder / "order").open("a") as out: out.write(own)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("up", flush=True)
time.sleep(60)
"""
    supervisor = Supervisor(tmp_path, told.append)
    pids = []
    for name, others, storey in (("a", "bcd", 0), ("b", "c", 1), ("c", "b", 1), ("d", "", 2)):
        argv = (sys.executable, "-c", code, name, others)
        program = Program(name, argv, storey=storey, ready=says("up"))
        pids.append((await supervisor.start(program)).pid)
    stubborn = replace(python("stubborn", STUBBORN, ready="up"), stop_timeout_s=0.2)
    pids.append((await supervisor.start(stubborn)).pid)
    await supervisor.stop()
    assert (tmp_path / "order").read_text() in ("dbca", "dcba")
    assert told == ["stubborn did not stop in time and was killed"]
    assert not any(alive(pid) for pid in pids)


async def test_a_first_start_that_fails_is_not_repeated(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, print)
    with pytest.raises(StartFailed):
        await supervisor.start(python("x", "raise SystemExit(1)", ready="up"))
    await supervisor.stop()


def test_ends_are_described() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-9) == "SIGKILL"
