"""What the processor is called: by the kernel where it knows, else decoded from its numbers."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/")
# Lines of /proc/cpuinfo that name a processor: x86 and others, LoongArch, POWER, RISC-V.
_NAMES = ("model name", "Model Name", "cpu model", "cpu", "uarch")
# ARM names no processor but numbers its makers (MIDR_EL1, "Arm Architecture Reference Manual" and
# Linux, arch/arm64/include/asm/cputype.h) and their cores, as util-linux' lscpu decodes them too.
_MAKERS = {
    0x41: "ARM",
    0x42: "Broadcom",
    0x43: "Cavium",
    0x46: "Fujitsu",
    0x48: "HiSilicon",
    0x4E: "NVIDIA",
    0x50: "Ampere (APM)",
    0x51: "Qualcomm",
    0x53: "Samsung",
    0x56: "Marvell",
    0x61: "Apple",
    0x6D: "Microsoft",
    0x70: "Phytium",
    0xC0: "Ampere",
}
_CORES = {
    (0x41, 0xC07): "Cortex-A7",
    (0x41, 0xC08): "Cortex-A8",
    (0x41, 0xC09): "Cortex-A9",
    (0x41, 0xC0F): "Cortex-A15",
    (0x41, 0xD02): "Cortex-A34",
    (0x41, 0xD03): "Cortex-A53",
    (0x41, 0xD04): "Cortex-A35",
    (0x41, 0xD05): "Cortex-A55",
    (0x41, 0xD06): "Cortex-A65",
    (0x41, 0xD07): "Cortex-A57",
    (0x41, 0xD08): "Cortex-A72",
    (0x41, 0xD09): "Cortex-A73",
    (0x41, 0xD0A): "Cortex-A75",
    (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1",
    (0x41, 0xD0D): "Cortex-A77",
    (0x41, 0xD0E): "Cortex-A76AE",
    (0x41, 0xD40): "Neoverse-V1",
    (0x41, 0xD41): "Cortex-A78",
    (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510",
    (0x41, 0xD47): "Cortex-A710",
    (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2",
    (0x41, 0xD4A): "Neoverse-E1",
    (0x41, 0xD4B): "Cortex-A78C",
    (0x41, 0xD4D): "Cortex-A715",
    (0x41, 0xD4E): "Cortex-X3",
    (0x41, 0xD4F): "Neoverse-V2",
    (0x41, 0xD80): "Cortex-A520",
    (0x41, 0xD81): "Cortex-A720",
    (0x41, 0xD82): "Cortex-X4",
    (0x41, 0xD83): "Neoverse-V3AE",
    (0x41, 0xD84): "Neoverse-V3",
    (0x41, 0xD85): "Cortex-X925",
    (0x41, 0xD87): "Cortex-A725",
    (0x41, 0xD8E): "Neoverse-N3",
    (0x43, 0x0A1): "ThunderX",
    (0x43, 0x0AF): "ThunderX2",
    (0x46, 0x001): "A64FX",
    (0x48, 0xD01): "Kunpeng-920",
    (0x4E, 0x004): "Carmel",
    (0x50, 0x000): "X-Gene",
    (0x51, 0x800): "Kryo 2xx Gold",
    (0x51, 0x801): "Kryo 2xx Silver",
    (0x51, 0x802): "Kryo 3xx Gold",
    (0x51, 0x803): "Kryo 3xx Silver",
    (0x51, 0x804): "Kryo 4xx Gold",
    (0x51, 0x805): "Kryo 4xx Silver",
    (0x51, 0x001): "Oryon",
    (0x61, 0x022): "Icestorm (M1)",
    (0x61, 0x023): "Firestorm (M1)",
    (0x61, 0x032): "Blizzard (M2)",
    (0x61, 0x033): "Avalanche (M2)",
    (0x6D, 0xD49): "Azure Cobalt 100",
    (0xC0, 0xAC3): "Ampere-1",
    (0xC0, 0xAC4): "Ampere-1a",
}


def processor_name(root: Path = _ROOT, machine: str | None = None) -> str | None:
    """Name of the processor; of several kinds of cores each once, with their numbers.

    Parameters
    ----------
    root
        Directory in which ``proc`` is looked up.
    machine
        Architecture, told where nothing else is known; None for this machine's.

    Returns
    -------
    str or None
        None only if not even the architecture is known.
    """
    machine = platform.machine() if machine is None else machine
    facts = _facts(root / "proc/cpuinfo")
    kinds = [kind for processor in facts if (kind := _arm(processor))]
    named = [processor[n] for processor in facts for n in _NAMES if processor.get(n)]
    if kinds:
        counted = {kind: kinds.count(kind) for kind in kinds}
        several = len(counted) > 1
        name = " + ".join(f"{n} × {kind}" if several else kind for kind, n in counted.items())
        board = _board(root)
        return f"{name} ({board})" if board else name
    return next(iter(named), None) or _board(root) or platform.processor() or machine or None


def _facts(cpuinfo: Path) -> list[dict[str, str]]:
    """What is said of each processor; blocks are separated by empty lines."""
    try:
        text = cpuinfo.read_text(errors="replace")
    except OSError:
        return []
    return [dict(_lines(block)) for block in text.split("\n\n") if block.strip()]


def _lines(block: str) -> Iterator[tuple[str, str]]:
    for line in block.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _arm(processor: dict[str, str]) -> str | None:
    """Maker and core of an ARM processor; numbers that are not known are shown as they are."""
    try:
        maker = int(processor["CPU implementer"], 16)
        part = int(processor["CPU part"], 16)
    except (KeyError, ValueError):
        return None
    name = _MAKERS.get(maker, f"implementer {maker:#04x}")
    return f"{name} {_CORES.get((maker, part), f'part {part:#05x}')}"


def _board(root: Path) -> str | None:
    """Model of a board, as its device tree tells it."""
    for place in ("proc/device-tree/model", "sys/firmware/devicetree/base/model"):
        try:
            model = (root / place).read_text(errors="replace").strip("\0 \n")
        except OSError:
            continue
        if model:
            return model
    return None
