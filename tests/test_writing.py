"""How the project writes, as far as a program can check it: docs/writing.md has the rules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONGEST_SENTENCE = 35
"""Words, on every page but the semantics, whose text is pinned by a digest that every golden holds."""
PINNED = "docs/semantics.md"

_UNIT = (
    r"(rebalance|bar|case|rule|cell|column|row|file|command|symbol|day|month|table|finding|side|hypothesis)"
)
_COUNTED = r"(row|line|digest|folder|file|module|number|entry|value|page|object|sentence|fill|order|key|test)"
REPLACED = {
    rf"\b{_COUNTED} an? {_UNIT}\b": "one ... per ...",
    r"\b(is|are|was|were|be|been) said\b(?! to\b)": "is reported, is named, is shown",
    r"\b(say|says|said|tell|tells) of\b": "reports about",
    r"\b(is|are|was|were|be|been)( not)? told\b(?! (apart|from|to|what|a table)\b)": "is reported, is known",
    r"\bbehind the (scenario|candidate|ledger|file)\b": "after",
    r"\bgoes with the next\b": "is removed in",
    r"\bnothing says\b|\bno (scenario|hypothesis) says\b": "nothing states, there is no hypothesis for",
    r"\bthe market has not\b": "does not have",
    r"\bis to be told\b": "is to be computed",
    r"\bno (JSON|TOML|CSV|YAML)(?= ?\()": "text that is not JSON",
    r"\b(a|any) person's? asks?\b": "you ask",
    r"\bborn\b": "made, starts",
}
"""Phrase -> what is written instead."""
ABOUT_WRITING = "docs/writing.md"


def pages() -> list[str]:
    found = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def prose(page: str) -> str:
    """A page without its code blocks, line for line."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(
        r"^```.*?^```$", lambda block: "\n" * block[0].count("\n"), text, flags=re.DOTALL | re.MULTILINE
    )


def sentences(text: str) -> Iterator[str]:
    """The sentences of paragraphs, headings and list items; the rows of tables are no sentences."""
    for paragraph in re.split(r"\n\s*\n|\n(?=[-#|])", text):
        if paragraph.lstrip().startswith(("|", "!", "#")):
            continue
        plain = re.sub(r"\]\([^)]*\)|`[^`]*`", "] x", paragraph)
        yield from re.split(r"(?<=[.!?:;])\s+", " ".join(plain.split()))


@pytest.mark.parametrize("page", [page for page in pages() if page != PINNED])
def test_no_sentence_is_longer_than_a_reader_s_breath(page: str) -> None:
    """On every page, a sentence has at most 35 words."""
    long = [text for text in sentences(prose(page)) if len(text.split()) > LONGEST_SENTENCE]
    assert not long


@pytest.mark.parametrize("page", [page for page in pages() if page != ABOUT_WRITING])
def test_pages_keep_to_the_words(page: str) -> None:
    """No phrase that was replaced comes back."""
    found = list(found_in(page, prose(page)))
    assert not found


def test_names_messages_and_docstrings_keep_to_the_words() -> None:
    """The same for every text in the code: messages, help and docstrings."""
    found: list[str] = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found += found_in(f"{path.relative_to(ROOT)}:{node.lineno}", node.value)
    assert not found


def found_in(where: str, text: str) -> Iterator[str]:
    for phrase, instead in REPLACED.items():
        for found in re.finditer(phrase, " ".join(text.split())):
            yield f"{where}: {found[0]!r}; write: {instead}"


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 200


def test_the_checker_finds_what_it_is_for() -> None:
    """It has been seen to fail."""
    assert list(found_in("x", "a row a rebalance, and nothing is said of cash"))
    assert max(len(text.split()) for text in sentences("word " * 40 + ".\n\n- short.")) > LONGEST_SENTENCE
