"""How arms are written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neuralake.arms.arm import LocalWheel, local_wheel, parse_arm
from neuralake.errors import ArmError

REVISIONS = [
    "HEAD",
    "HEAD~2",
    "HEAD^2",
    "HEAD^{/fix a}",
    "origin/main",
    "v1.0",
    "v1.0-3-gab12cd3",
    "main@{yesterday}",
    "main@{2 days ago}",
    "676ead771b10792384a38e6be853bafe60334c94",
]
REQUIREMENTS = [
    "polars",
    "polars==2.0.0",
    "polars>=2,<2.1",
    "polars >= 2, < 2.1",
    "polars~=2.0",
    "polars===2.0.0",
    "polars!=2.0.*",
    "polars==2.0.0rc1",
    "polars[async]",
    "polars[async]==2.0.0",
    "polars[async, numpy]>=2",
    "polars[]==2",
    "torch(==2.0+cpu)",
    "torch (>=2.0,<3)",
    "scikit-learn==1.5",
    "a.b_c==1",
    "polars==2.0.0; python_version < '3.12'",
    "polars @ https://example.org/polars-2.0.0-py3-none-any.whl",
    "polars[async] @ https://example.org/polars-2.0.0+dev1-py3-none-any.whl",
    "polars @ git+https://example.org/polars.git@main",
    "polars @ git+ssh://git@example.org/polars.git@ab12",
    "git+https://example.org/polars.git",
    "https://example.org/polars-2.0.0.tar.gz",
    "./polars-dev.whl",
    "../dist/polars-2.1.0-cp39-abi3-manylinux_2_17_x86_64.whl",
    "/work/c++/dist/polars-2.1.0-py3-none-any.whl",
    "~/polars-2.1.0-py3-none-any.whl",
    "dist/polars.whl",
    "polars-2.1.0-1-py3-none-any.whl",
    "polars-2.1.0.dev3+gab12.d2026-py3-none-any.whl",
    "dist/polars-2.1.0.dev3+gab12-py3-none-any.whl[async]",
    "./some where/polars-2.1.0-py3-none-any.whl",
    "./a[1]/polars-2.1.0-py3-none-any.whl",
    "polars @ ./polars.whl",
    "polars @ file:///work/polars.whl",
    "file:///work/polars.whl[async]",
]
OPTIONS = [
    "datafusion:target_partitions=1",
    "datafusion:datafusion.execution.batch_size=8192",
    "polars:engine=streaming",
    "spark:spark.app.name=a+b",
    "spark:spark.master=local[2]",
    "spark:spark.master=local[2,3]",
    "duckdb:note=x=y:z",
    "duckdb:note=",
]


def brackets(options: list[str]) -> str:
    return f"[{','.join(options)}]" if options else ""


@given(
    st.sampled_from(REVISIONS),
    st.lists(st.sampled_from(REQUIREMENTS), max_size=3),
    st.lists(st.sampled_from(OPTIONS), max_size=3, unique_by=lambda o: o.partition("=")[0]),
    st.integers(min_value=0, max_value=3),
)
def test_what_was_put_together_is_taken_apart(
    revision: str, requirements: list[str], options: list[str], place: int
) -> None:
    parts = [f"+{requirement}" for requirement in requirements]
    parts.insert(min(place, len(parts)), brackets(options))
    text = revision + "".join(parts)
    spec = parse_arm(text)
    assert spec.text == text
    assert spec.revision == revision
    assert list(spec.requirements) == requirements
    assert list(spec.options) == options


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_requirement_stands_alone_and_between_others(requirement: str) -> None:
    assert parse_arm(f"HEAD+{requirement}").requirements == (requirement,)
    between = parse_arm(f"HEAD+numpy+{requirement}[a:b=1]+duckdb==1[c:d=2]")
    assert between.requirements == ("numpy", requirement, "duckdb==1")
    assert between.options == ("a:b=1", "c:d=2")


@given(st.text(max_size=40))
@example("installed")  # the one arm that is no commit and names no package
def test_any_text_is_an_arm_or_one_line_of_error(text: str) -> None:
    try:
        spec = parse_arm(text)
    except ArmError as error:
        assert str(error).isprintable()
    else:
        assert spec.revision or spec.requirements or "installed" in spec.text
        assert all(spec.requirements)


@given(st.lists(st.sampled_from([*"+[]@:=,./-() a", ".whl", "HEAD", "git+https://"]), max_size=12))
def test_no_text_of_such_parts_breaks_it(parts: list[str]) -> None:
    try:
        parse_arm("".join(parts))
    except ArmError as error:
        assert "expected" in str(error) or "credentials" in str(error)


def test_blanks_around_the_parts_are_nothing() -> None:
    spec = parse_arm(" HEAD + polars==2.0.0 + ./x.whl [ a:b=1 , c:d=2 ] ")
    assert (spec.revision, spec.requirements, spec.options) == (
        "HEAD",
        ("polars==2.0.0", "./x.whl"),
        ("a:b=1", "c:d=2"),
    )


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("./x.whl", LocalWheel("./x.whl")),
        ("dist/x.whl[async]", LocalWheel("dist/x.whl", extras="[async]")),
        ("x @ ../x.whl", LocalWheel("../x.whl", prefix="x @ ")),
        ("x[a] @ file:///d/x.whl", LocalWheel("/d/x.whl", prefix="x[a] @ ")),
        ("file://localhost/d/x.whl", LocalWheel("/d/x.whl")),
        ("file:///d/a%20b/x.whl", LocalWheel("/d/a b/x.whl")),
        ("x @ https://example.org/x.whl", None),
        ("https://example.org/x.whl", None),
        ("git+https://example.org/x.whl", None),
        ("polars==2.0.0", None),
    ],
)
def test_wheels_of_this_machine_are_told_from_others(
    requirement: str, expected: LocalWheel | None
) -> None:
    assert local_wheel(requirement) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no revision"),
        ("  ", "names no revision"),
        ("+polars", "names no revision"),
        ("[a:b=1]", "names no revision"),
        ("-x", "does not begin with a dash"),
        ("--help", "does not begin with a dash"),
        ("HEAD+", "a + without a requirement"),
        ("HEAD++polars", "a + without a requirement"),
        ("HEAD[]", "engine option '': expected ENGINE:KEY=VALUE"),
        ("HEAD[datafusion]", "engine option 'datafusion': expected ENGINE:KEY=VALUE"),
        ("HEAD[datafusion:a]", "engine option 'datafusion:a'"),
        ("HEAD[a=1]", "engine option 'a=1'"),
        ("HEAD[a:b=1,c=2]", "engine option 'c=2'"),
        ("HEAD[a:b=1][a:b=2]", "engine option a:b is named twice"),
        ("HEAD+polars[async,a:b=1]", "engine option 'async'"),
        ("HEAD[a:b=1", "a [ without its ]"),
        ("HEAD[a:b=local[2]", "a [ without its ]"),
        ("HEAD[a:b=1,[c:d=2]]", "engine option '[c:d=2]'"),
        ("HEAD[[a:b=1]]", "engine option '[a:b=1]'"),
        ("HEAD[a:b=1]~2", "goes on with '~2' after a bracket"),
        ("HEAD+polars[a:b=1]==2.0.0", "goes on with '==2.0.0' after a bracket"),
        ("HEAD+polars=2", "'polars=2' is not a requirement"),
        ("HEAD+polars==", "'polars==' is not a requirement"),
        ("HEAD+polars==2.0.0[async]", "is not a requirement"),
        ("HEAD+polars 2", "'polars 2' is not a requirement"),
        ("HEAD+-r reqs.txt", "'-r reqs.txt' is not a requirement"),
        ("HEAD+--index-url=https://example.org", "is not a requirement"),
        ("HEAD+./dist", "'./dist' is not a wheel"),
        ("HEAD+./polars.tar.gz", "'./polars.tar.gz' is not a wheel"),
        ("HEAD+file:///work/polars", "'file:///work/polars' is not a wheel"),
        ("HEAD+polars @ ../polars", "is not a wheel"),
        ("HEAD\n", "control character"),
        ("HEAD+polars\x1b[2J", "control character"),
    ],
)
def test_an_error_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ArmError) as caught:
        parse_arm(text)
    message = str(caught.value)
    assert reason in message
    assert "expected" in message
    assert message.isprintable()


@pytest.mark.parametrize(
    "address",
    [
        "https://me:hunter2@example.org/x.whl",
        "https://hunter2@example.org/x.whl",
        "git+https://hunter2@example.org/x.git",
        "git+ssh://git:hunter2@example.org/x.git",
    ],
)
def test_credentials_are_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ArmError, match="holds credentials") as caught:
        parse_arm(f"HEAD+x @ {address}")
    assert "hunter2" not in str(caught.value)
