"""Finds and runs the program `demask`, which the wheel of this package carries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import warnings
from typing import Iterator

# The environment variable that names another program.
VARIABLE = "DEMASK"

_MISSING = (
    "the program demask was not found beside this Python nor on PATH: pip install demask puts it there, or name it in the "
    "environment variable %s" % VARIABLE
)


def path() -> str:
    """The program: the one that $DEMASK names, else the one installed with this Python, else the first on PATH.

    Raises `FileNotFoundError` if there is none.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise FileNotFoundError("$%s is %s, and no program is there: name one, or unset it" % (VARIABLE, named))
        return found
    for folder in _folders():
        found = shutil.which("demask", path=folder)
        if found is not None:
            return found
    raise FileNotFoundError(_MISSING)


def _folders() -> Iterator[str]:
    """Where pip puts programs, for this Python and for this user; then PATH."""
    yield sysconfig.get_path("scripts")
    scheme = os.name + "_user"
    if scheme in sysconfig.get_scheme_names():
        yield sysconfig.get_path("scripts", scheme)
    yield os.environ.get("PATH", os.defpath)


def run(*arguments: str) -> bytes:
    """Runs the program; returns its standard output. What it prints on standard error becomes a warning.

    Raises `RuntimeError` with what it says if it fails.
    """
    done = subprocess.run(
        [path(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False
    )
    told = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        raise RuntimeError(told or "demask ended with exit code %d" % done.returncode)
    if told:
        warnings.warn(told, stacklevel=3)
    return done.stdout
