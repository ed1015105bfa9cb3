"""Reject list for prose: finds words that the style guide rules out.

`python -m tools.prose` reads the documentation, comments, docstrings, e-mail templates and the texts that users see.
It prints one line per finding, with a suggestion, and fails if there is one. Code in backticks is ignored.
"""

import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

REJECTED = {
    r"lest": "so that ... not",
    r"anew": "again",
    r"for ever": "forever",
    r"whoever": "the user, the caller",
    r"(?<!of.)whom": "the user that, the caller that",
    r"nobody": "no user, no process",
    r"somebody": "a user",
    r"meanwhile": "concurrently, since then",
    r"aloud": "log, print",
    r"in vain": "without success",
    r"at hand": "available",
    r"of its own": "its own, a separate",
    r"for (?:its|their|the|\w+'s) sake(?: of)?": "because of",
    r"on (?:its|their) own feet": "independently",
    r"life and death": "startup and shutdown",
    r"(?:is|are|was|were|be|been|being|stays?|goes) away": "is unavailable",
    r"(?:is|are|was|too|so|more) dear": "expensive",
    r"(?<!dead.)(?<!case.)(?<!\d.)letters?(?!(?:,| and| or|:) (?:a-z|digit|number|mark))": "e-mail",
    r"tells|told": "reports, notifies, returns",
    r"hears?|heard": "receives, reads",
    r"asks(?! for)": "requests, queries, calls",
    r"owe|owes|owed|owing": "pending, requested",
    r"dies|died": "exits, crashes, stops",
    r"bears": "has, supports",
    r"forgets": "removes, clears",
    r"remembers": "stores, caches",
    r"takes? leave|took leave": "disconnect",
    r"mends?|mended|mending": "fix, repair, correct",
    r"stands (?:in|on|at|beside|there|alone)": "is in, is stored in",
    r"garbage(?!.collect)": "rejected messages, invalid data",
    r"doorbells?|rung|rings": "signal, notify",
    r"(?:the|a|card) shel(?:f|ves)": "cache",
    r"with a crowd": "with many followers",
    r"there(?:of|in|upon)|whereof|hitherto|henceforth|whence": "name the noun",
    r"(?<=\"\"\")(?:what|who|whose|whether|which|how|where|when|of|by)": "start with a verb or a noun",
    r"(?:requests?|jobs?|times|messages?|bytes|pages?|lines?|rows?|query|queries|e-mails?) an? "
    r"(?:second|minute|hour|day|request|query|table|page|user|process)": "per",
}
PATTERN = re.compile(
    "|".join(rf"(\b(?:{words})\b)".replace(" ", r"\s+") for words in REJECTED), re.IGNORECASE
)
SUGGESTIONS = tuple(REJECTED.values())

CODE = re.compile(r"^ *```.*?^ *```|``.*?``|`[^`\n]*`", re.DOTALL | re.MULTILINE)
MARKUP = re.compile(r"\{%.*?%\}|\{[^{}]*\}|<[^<>\n]*>|https?://\S+", re.DOTALL)
SQL = re.compile(r"[\"'(\s]*(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|FROM|WHERE|JOIN|AND|ORDER)\b")
TEST_NAME = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
FSTRING_MIDDLE = getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)

PYTHON = ("run.py", "server", "seeds", "tools", "benchmarks", "tests")
DOCUMENTS = (
    "*.md",
    "docs/**/*.md",
    ".github/**/*.md",
    "server/**/*.txt",
    "server/**/*.html",
    "server/**/*.j2",
    "server/**/*.lua",
    "server/web/**/*.js",
    "server/web/**/*.ts",
    "server/web/**/*.css",
)
SCRIPTS = (".js", ".ts", ".css")
SCRIPT_COMMENT = re.compile(r"/\*.*?\*/|(?<=\s)//[^\n]*", re.DOTALL)
HASH_COMMENTS = ("config.toml", "pyproject.toml", "Makefile", ".ci/run")


@dataclass(frozen=True, slots=True)
class Text:
    """A passage to read, and the line that it starts at."""

    line: int
    content: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rejected word at its place, with what to write in its stead."""

    path: Path
    line: int
    word: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word}: {self.suggestion}"


def main() -> None:
    findings = find(ROOT)
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(f"Rejected words: {len(findings)}. A suggestion follows each word; see CONTRIBUTING.md.")


def find(root: Path) -> list[Finding]:
    """Return the findings in the project at `root`, ordered by file and line."""
    return [
        Finding(path.relative_to(root), line, word, suggestion)
        for path in _files(root)
        for text in sorted(_texts(path, root), key=lambda text: text.line)
        for line, word, suggestion in rejected(text)
    ]


def rejected(text: Text) -> Iterator[tuple[int, str, str]]:
    """Yield line, word and suggestion of every rejected word in `text`."""
    prose = MARKUP.sub(_blank, CODE.sub(_blank, text.content))
    for match in PATTERN.finditer(prose):
        line = text.line + prose.count("\n", 0, match.start())
        yield line, " ".join(match.group().split()), SUGGESTIONS[(match.lastindex or 1) - 1]


def _files(root: Path) -> list[Path]:
    named = [root / name for name in (*HASH_COMMENTS, *PYTHON)]
    python = [path for folder in PYTHON for path in (root / folder).rglob("*.py")]
    documents = [path for pattern in DOCUMENTS for path in root.glob(pattern)]
    own_list = root / "tools/prose.py"
    return sorted({path for path in (*named, *python, *documents) if path.is_file() and path != own_list})


def _texts(path: Path, root: Path) -> Iterator[Text]:
    if path.suffix == ".py":
        yield from _python_texts(path, in_tests=path.is_relative_to(root / "tests"))
    elif path.name in {Path(name).name for name in HASH_COMMENTS}:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            yield Text(number, line.partition("#")[2])
    elif path.suffix in SCRIPTS and path.parent.name != "locales":
        source = path.read_text()
        for comment in SCRIPT_COMMENT.finditer(source):
            yield Text(source.count("\n", 0, comment.start()) + 1, comment.group())
    else:
        yield Text(1, path.read_text())


def _python_texts(path: Path, *, in_tests: bool) -> Iterator[Text]:
    """Yield comments, docstrings and names of tests; outside tests also the strings that hold a sentence."""
    source = path.read_text()
    starts_line = True
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            text = Text(token.start[0], token.string)
            if token.type == tokenize.COMMENT:
                yield text
                continue
            if token.type in {tokenize.STRING, FSTRING_MIDDLE} and (
                starts_line or (not in_tests and " " in token.string and not SQL.match(token.string))
            ):
                yield text
            if token.type != tokenize.NL:
                starts_line = token.type in {
                    tokenize.ENCODING,
                    tokenize.NEWLINE,
                    tokenize.INDENT,
                    tokenize.DEDENT,
                }
    for match in TEST_NAME.finditer(source) if in_tests else ():
        line = source.count("\n", 0, match.start()) + 1
        yield Text(line, match.group(1).replace("_", " "))


def _blank(match: re.Match[str]) -> str:
    """Return as many line breaks as the match has, so that line numbers stay right."""
    return " " + "\n" * match.group().count("\n")


if __name__ == "__main__":
    main()
