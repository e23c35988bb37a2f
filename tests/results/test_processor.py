"""What a processor is called, from what kernels of several architectures say."""

from __future__ import annotations

from pathlib import Path

import pytest

from neuralake.results.processor import processor_name

X86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel name\t: AMD EPYC\n"
ARM = (
    "processor\t: {n}\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\nCPU implementer\t: {maker}\n"
    "CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: {part}\nCPU revision\t: 1\n\n"
)
POWER = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 3800.0MHz\n"
RISC_V = "processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\nuarch\t\t: sifive,u74-mc\n"


def arm(*kinds: tuple[str, str]) -> str:
    return "".join(ARM.format(n=n, maker=m, part=p) for n, (m, p) in enumerate(kinds))


def name(root: Path, cpuinfo: str, model: str | None = None) -> str | None:
    (root / "proc/device-tree").mkdir(parents=True)
    (root / "proc/cpuinfo").write_text(cpuinfo)
    if model is not None:
        (root / "proc/device-tree/model").write_text(model + "\0")
    return processor_name(root, "aarch64")


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        (X86 + "\n" + X86, "AMD EPYC"),
        (arm(*[("0x41", "0xd0c")] * 4), "ARM Neoverse-N1"),
        (arm(("0x41", "0xd40")), "ARM Neoverse-V1"),
        (arm(("0x41", "0xd4f")), "ARM Neoverse-V2"),
        (arm(("0x61", "0x023")), "Apple Firestorm (M1)"),
        (arm(("0xc0", "0xac3")), "Ampere Ampere-1"),
        (arm(("0x41", "0xfff")), "ARM part 0xfff"),
        (arm(("0x77", "0x001")), "implementer 0x77 part 0x001"),
        (POWER, "POWER9, altivec supported"),
        (RISC_V, "sifive,u74-mc"),
    ],
)
def test_each_is_called_by_its_name(tmp_path: Path, cpuinfo: str, expected: str) -> None:
    assert name(tmp_path, cpuinfo) == expected


def test_cores_of_two_kinds_are_counted(tmp_path: Path) -> None:
    little, big = ("0x41", "0xd05"), ("0x41", "0xd0b")
    found = name(tmp_path, arm(little, little, little, little, big, big))
    assert found == "4 × ARM Cortex-A55 + 2 × ARM Cortex-A76"


def test_a_board_is_named_beside_its_processor(tmp_path: Path) -> None:
    found = name(tmp_path, arm(("0x41", "0xd0b")), "Raspberry Pi 5 Model B Rev 1.0")
    assert found == "ARM Cortex-A76 (Raspberry Pi 5 Model B Rev 1.0)"


def test_two_processors_of_one_architecture_differ(tmp_path: Path) -> None:
    graviton2, graviton3 = (
        name(tmp_path / part, arm(("0x41", part))) for part in ("0xd0c", "0xd40")
    )
    assert graviton2 != graviton3


def test_of_this_machine_something_is_known() -> None:
    assert processor_name()
