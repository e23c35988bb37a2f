"""A build backend in one file, which fixture projects carry along: their builds need no index.

It packs ``src/`` of the directory it runs in. ``broken`` beside it fails the build with the text
of that file, and while ``slow`` is there, which names a file to make, a build does not end.
"""

from __future__ import annotations

import time
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def make_wheel(
    directory: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    requires: Iterable[str] = (),
    tag: str = "py3-none-any",
    extras: Mapping[str, str] | None = None,
) -> Path:
    """Make a wheel of files by name in the archive."""
    file = name.replace("-", "_")
    info = f"{file}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    for extra, requirement in (extras or {}).items():
        metadata += [f"Provides-Extra: {extra}"]
        metadata += [f"Requires-Dist: {requirement}; extra == '{extra}'"]
    content = {
        **files,
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{file}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in {**content, f"{info}/RECORD": record}.items():
            archive.writestr(member, text)
    return path


def build_wheel(
    wheel_directory: str, config_settings: object = None, metadata_directory: object = None
) -> str:
    """The hook of PEP 517."""
    if Path("broken").exists():
        raise RuntimeError(Path("broken").read_text())
    if Path("slow").exists():
        sign = Path(Path("slow").read_text())
        sign.touch()
        while sign.exists():
            time.sleep(0.02)
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    source = Path("src")
    files = {str(path.relative_to(source)): path.read_text() for path in source.rglob("*.py")}
    requires = project.get("dependencies", [])
    extras = {k: v[0] for k, v in project.get("optional-dependencies", {}).items()}
    wheel = make_wheel(
        Path(wheel_directory), project["name"], project["version"], files, requires, extras=extras
    )
    return wheel.name


def build_editable(
    wheel_directory: str, config_settings: object = None, metadata_directory: object = None
) -> str:
    """The hook of PEP 660: a wheel that leads to the sources as they are."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    files = {f"{project['name']}.pth": f"{Path('src').absolute()}\n"}
    return make_wheel(Path(wheel_directory), project["name"], project["version"], files).name
