"""What the documents promise exists: files and headings that they link to, commands, and metrics."""

import re
from itertools import chain
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from portal.cli.main import COMMANDS
from portal.ingest.handover import HandoverMetrics
from portal.ingest.journal import Journal
from portal.kube.metrics import KubeMetrics
from portal.logs import LimitedLine
from portal.runtime.reloading import Reloader
from portal.settings.loading import Loaded
from portal.settings.tree import Settings
from portal.stream.metrics import StreamMetrics

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
LINKS = sorted(
    {
        (document, link)
        for document, text in TEXTS.items()
        for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text)
    }
)
EXAMPLES = [
    (document, block)
    for document, text in TEXTS.items()
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
]
FENCED = re.findall(r"^```(?:sh)?\n(.*?)^```", TEXTS["README.md"], re.MULTILINE | re.DOTALL)
TYPED = [line.partition("#")[0].split() for block in FENCED for line in block.splitlines()]
TARGETS = re.findall(r"^([a-z -]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
OPTIONS = {
    str(command.name): [each.opts for each in command.params if isinstance(each, click.Option)] for command in COMMANDS
}
LOG_LINES = re.findall(r"^\| `([A-Z][a-z ,]+) [a-z]+=…", TEXTS["docs/operations.md"], re.MULTILINE)
CODE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "portal").rglob("*.py"))


def anchors(document: Path) -> list[str]:
    """Return the anchors that hosts of Markdown make of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize(("document", "link"), LINKS)
def test_a_link_leads_somewhere(document: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (ROOT / document).parent / path if path else ROOT / document

    assert target.exists()
    assert not anchor or anchor in anchors(target)


@pytest.mark.parametrize(
    "page", [path for path in DOCUMENTS if path.parent == ROOT / "docs"], ids=lambda page: page.name
)
def test_a_page_is_linked_from_another_one(page: Path) -> None:
    assert page in {(ROOT / document).parent / link.partition("#")[0] for document, link in LINKS}


@pytest.mark.parametrize(("document", "block"), EXAMPLES)
def test_an_example_can_be_read_as_yaml(document: str, block: str) -> None:
    assert list(yaml.safe_load_all(block)), document


@pytest.mark.parametrize("page", sorted(set(re.findall(r"docs/[\w/-]+\.md", CODE))))
def test_a_page_that_the_code_names_exists(page: str) -> None:
    assert (ROOT / page).exists()


@pytest.mark.parametrize("words", [words[1:] for words in TYPED if words[:1] == ["make"]], ids=" ".join)
def test_make_makes_what_the_readme_says(words: list[str]) -> None:
    assert set(words) <= set(TARGETS)


@pytest.mark.parametrize("words", [words[1:] for words in TYPED if words[:1] == ["portal"]], ids=" ".join)
def test_portal_has_the_commands_and_options_of_the_readme(words: list[str]) -> None:
    command, *given = words

    assert {word for word in given if word.startswith("--")} <= set(chain(*OPTIONS[command]))


@pytest.mark.parametrize("command", sorted(OPTIONS))
def test_the_page_of_commands_shows_every_command_and_option(command: str) -> None:
    _, heading, rest = TEXTS["docs/commands.md"].partition(f"## portal {command}\n")
    section, _, _ = rest.partition("\n## ")

    assert heading
    assert all(any(spelling in section for spelling in spellings) for spellings in OPTIONS[command])


@pytest.mark.parametrize("line", LOG_LINES)
def test_a_log_line_of_the_operations_page_is_written(line: str) -> None:
    assert line in CODE


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"portal_[a-z_]+[a-z](?![a-z_*])", TEXTS["docs/operations.md"])))
)
def test_a_metric_of_the_operations_page_is_measured(name: str) -> None:
    registry = CollectorRegistry()
    KubeMetrics(registry)
    StreamMetrics(registry)
    HandoverMetrics(registry)
    Journal(LimitedLine(print), registry)
    Reloader(Loaded(Settings()), {}, print, print, registry)

    exported = generate_latest(registry).decode()

    assert f"# TYPE {name} " in exported or name.startswith("portal_probe")
