"""Which extras of a project can be installed together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from neuralake.arms.names import FORMERLY, OURS, normalise


def conflicting_extras(project: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    """Extras that cannot be had beside others, so that without them the others can.

    Of those that conflict (``tool.uv.conflicts``) the first is kept, that which has Neuralake
    before all, and each that goes together with the groups that are installed anyway.

    Parameters
    ----------
    project, root
        ``pyproject.toml`` of the project and of its workspace.
    """
    own = normalise(project.get("project", {}).get("name", ""))
    sets = [
        {
            (kind, normalise(item[kind]))
            for item in conflict
            for kind in ("extra", "group")
            if kind in item and own in ("", normalise(item.get("package", owner)))
        }
        for declaring in (project, root)
        for owner in [declaring.get("project", {}).get("name", "")]
        for conflict in declaring.get("tool", {}).get("uv", {}).get("conflicts", [])
    ]
    extras = {
        normalise(extra): any(_is_ours(requirement) for requirement in requirements)
        for extra, requirements in project.get("project", {})
        .get("optional-dependencies", {})
        .items()
    }
    for name in (name for named in sets for kind, name in sorted(named) if kind == "extra"):
        extras.setdefault(name, False)  # of a member of the workspace
    groups = project.get("tool", {}).get("uv", {}).get("default-groups", ["dev"])
    if groups == "all":
        groups = list(project.get("dependency-groups", {}))
    chosen = {("group", normalise(group)) for group in groups}
    left_out = []
    for extra in sorted(extras, key=lambda extra: not extras[extra]):
        item = ("extra", extra)
        if any(item in conflict and conflict & chosen for conflict in sets):
            left_out.append(extra)
        else:
            chosen.add(item)
    return left_out


def _is_ours(requirement: str) -> bool:
    name = re.match(r"[A-Za-z0-9._-]*", requirement)
    return name is not None and normalise(name[0]) in (OURS, FORMERLY)
