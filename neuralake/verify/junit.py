"""A verification as JUnit's XML, which every CI system shows.

Source: the schema of Maven Surefire's reports (surefire-test-report.xsd).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from neuralake.verify.verification import Verification


def junit(verification: Verification) -> bytes:
    """One test case a check, its room as the class; times are in seconds."""
    results = verification.results
    suite = ET.Element(
        "testsuite",
        name=f"neuralake verify ({verification.environment})",
        tests=str(len(results)),
        failures=str(sum(result.status == "failed" for result in results)),
        errors="0",
        skipped=str(sum(result.status == "skipped" for result in results)),
        time=f"{verification.seconds:.3f}",
        timestamp=verification.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    for result in results:
        room, _, name = result.name.partition(".")
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"neuralake.verify.{room}",
            name=name or room,
            time=f"{result.milliseconds / 1000:.6f}",
        )
        if result.status == "passed":
            ET.SubElement(case, "system-out").text = result.reason
        elif result.status == "skipped":
            ET.SubElement(case, "skipped", message=result.reason)
        else:
            failure = ET.SubElement(case, "failure", message=result.reason, type="CheckFailed")
            failure.text = result.reason
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
