"""docs/export.md names every file of an export and every member."""

import re

from server.models.portability.data_files import DATA_FILES, PROFILE
from server.services.portability.archive_format import README_TEXT
from tools.harness.backends import ROOT

PAGE = (ROOT / "docs" / "export.md").read_text()


def test_every_file_and_member_is_documented() -> None:
    for file in DATA_FILES:
        members = [f"`{name}`" for name in file.members]
        if file is PROFILE:
            assert ", ".join(members) in PAGE.replace("\n", " ")
        else:
            assert f"| `{file.name}.json` | {', '.join(members)} |" in PAGE, file.name


def test_readme_of_the_archive_names_files_that_exist() -> None:
    names = set(re.findall(r"(\w+)\.json", README_TEXT)) - {"manifest", "posts", "drafts", "unused_media"}
    assert names <= {file.name for file in DATA_FILES}
