"""The documentation: it builds without a warning, and every page and link has its place."""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))


def build(directory: Path) -> subprocess.CompletedProcess[str]:
    """Build the site in a directory that has docs/, as ``make docs`` does."""
    shutil.copy(ROOT / "zensical.toml", directory)
    return subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--clean", "--strict"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    directory = tmp_path_factory.mktemp("docs")
    shutil.copytree(DOCS, directory / "docs")
    done = build(directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    return directory / "site"


class References(HTMLParser):
    """What a page links to, and what it loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "a":
            self.links.append(named.get("href") or "")
        elif tag in ("script", "img", "iframe"):
            self.loaded.append(named.get("src") or "")
        elif tag == "link" and named.get("rel") in ("stylesheet", "preload", "preconnect"):
            self.loaded.append(named.get("href") or "")


def place(page: Path) -> str:
    """Directory of a page in the site."""
    path = page.parent if page.name == "README.md" else page.with_suffix("")
    return path.as_posix()


@pytest.fixture(scope="module")
def navigation(site: Path) -> list[str]:
    """Places of the pages in the navigation, as a page that itself links to nothing shows it."""
    here = "reference/settings"
    links = References(site / here / "index.html").links
    return [posixpath.normpath(posixpath.join(here, link)) for link in links if "#" not in link]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_page_is_built_and_in_the_navigation(
    site: Path, navigation: list[str], page: Path
) -> None:
    assert (site / place(page) / "index.html").is_file()
    assert place(page) in navigation


def test_the_navigation_has_the_order_of_diataxis(navigation: list[str]) -> None:
    sections = [link.partition("/")[0] for link in navigation if "/" in link]
    assert list(dict.fromkeys(sections)) == ["tutorials", "how-to", "reference", "explanation"]


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        remote = [url for url in References(page).loaded if re.match(r"(https?:)?//", url)]
        assert not remote, page


@pytest.mark.parametrize("link", ["[gone](how-to/nowhere.md)", "[gone](README.md#nowhere)"])
def test_a_broken_link_fails_the_build(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.md").write_text(f"# A page\n\n{link}\n")
    assert build(tmp_path).returncode != 0


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_work_where_the_files_are_read_too(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (DOCS / page).read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith("https://"):
            path = (DOCS / page).parent / target
            assert path.is_file(), target
            assert path.resolve().is_relative_to(DOCS), f"{target} is not part of the site"
