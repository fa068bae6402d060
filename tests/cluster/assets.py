"""Find the binaries of a control plane, by the conventions of envtest in the Kubernetes ecosystem."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = ("etcd", "kube-apiserver", "kubectl")
ENVTEST_DEFAULT = Path("/usr/local/kubebuilder/bin")


class AssetsMissingError(Exception):
    """A program of the control plane is nowhere; the message names it and the command that gets it."""


@dataclass(frozen=True)
class Assets:
    """Where the programs are."""

    etcd: Path
    api_server: Path
    kubectl: Path

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Look for each program: TEST_ASSET_*, KUBEBUILDER_ASSETS, the install script's folder, envtest's folder.

        Raises AssetsMissingError where one is missing.
        """
        folders = _folders(environment)
        found = [_program(name, environment, folders) for name in PROGRAMS]
        missing = [name for name, path in zip(PROGRAMS, found, strict=True) if path is None]
        if missing:
            raise AssetsMissingError(f"no {', '.join(missing)} for a real control plane; get it: tests/cluster/install")
        return cls(*(path for path in found if path is not None))


def _folders(environment: Mapping[str, str]) -> tuple[Path, ...]:
    cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    installed = Path(environment.get("ENVTEST_HOME") or cache / "envtest-1.20.2") / "bin"
    named = environment.get("KUBEBUILDER_ASSETS")
    return (Path(named),) if named else (installed, ENVTEST_DEFAULT)


def _program(name: str, environment: Mapping[str, str], folders: tuple[Path, ...]) -> Path | None:
    named = environment.get("TEST_ASSET_" + name.upper().replace("-", "_"))
    candidates = (Path(named),) if named else tuple(folder / name for folder in folders)
    return next((path for path in candidates if os.access(path, os.X_OK)), None)
