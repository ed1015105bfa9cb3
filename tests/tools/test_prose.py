"""The reject list for prose, on a small tree."""

from pathlib import Path

import pytest

from tools.prose import Text, find, rejected


def words(content: str) -> list[str]:
    return [word for _, word, _ in rejected(Text(1, content))]


def found(root: Path, name: str, content: str) -> list[tuple[int, str]]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return [(finding.line, finding.word) for finding in find(root)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Nobody waits for ever.", ["Nobody", "for ever"]),
        ("Redis is away, lest it dies", ["is away", "lest", "dies"]),
        ("a letter; a dead letter; letters, digits and dots", ["letter"]),
        ("300 requests a second, 300 requests per second", ["requests a second"]),
        ("stored, bold, untold, asked", []),
        ("members `told` and ``nobody``", []),
        ("https://example.com/nobody and {nobody} and <a whom>", []),
    ],
)
def test_rejected_words(content: str, expected: list[str]) -> None:
    assert words(content) == expected


def test_phrase_across_a_line_break_is_found_at_its_line() -> None:
    assert list(rejected(Text(7, "first\nkeeps for\never"))) == [(8, "for ever", "forever")]


def test_docstring_starts_with_verb_or_noun() -> None:
    assert words('"""What is kept."""') == ["What"]
    assert words('"""Return what is kept."""') == []


def test_fenced_code_in_documents_is_ignored(tmp_path: Path) -> None:
    document = "# Title\n\n```sh\necho nobody\n```\n\nNobody.\n"
    assert found(tmp_path, "README.md", document) == [(7, "Nobody")]


def test_settings_file_is_read_in_its_comments(tmp_path: Path) -> None:
    assert found(tmp_path, "config.toml", 'name = "nobody"  # somebody\n') == [(1, "somebody")]


def test_python_is_read_in_comments_docstrings_and_sentences(tmp_path: Path) -> None:
    source = (
        '"""Nobody."""\n\nnobody = "told"\nERROR = "It told us."  # anew\nQUERY = "SELECT told FROM nobody"\n'
    )
    assert found(tmp_path, "server/errors.py", source) == [(1, "Nobody"), (4, "told"), (4, "anew")]


def test_sentences_in_tests_are_data(tmp_path: Path) -> None:
    source = 'def test_nobody_waits() -> None:\n    """Anew."""\n    assert "I told somebody"\n'
    assert found(tmp_path, "tests/test_feed.py", source) == [(1, "nobody"), (2, "Anew")]
