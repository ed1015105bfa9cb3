"""Existing files of the program are taken from other users."""

import stat
from pathlib import Path

from server.gateways.private_files import make_private


def modes(folder: Path) -> dict[str, int]:
    found = (folder, *folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in found}


def test_open_files_and_folders_become_private(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    (folder / "outbox" / "old").mkdir(parents=True)
    for name in ("secrets.json", "outbox/mail.eml", "outbox/old/mail.eml"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    outside = tmp_path / "outside"
    outside.touch()
    outside.chmod(0o644)
    (folder / "link").symlink_to(outside)
    for path in (folder / "outbox" / "old", folder / "outbox", folder):
        path.chmod(0o755)
    assert make_private(folder) == 6
    kept = modes(folder)
    del kept["link"]
    assert kept == {
        ".": 0o700, "outbox": 0o700, "outbox/old": 0o700,
        "secrets.json": 0o600, "outbox/mail.eml": 0o600, "outbox/old/mail.eml": 0o600,
    }  # fmt: skip
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    assert make_private(folder) == 0


def test_private_folder_is_not_searched(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "file").touch()
    (private / "file").chmod(0o644)
    assert make_private(tmp_path) == 1
    assert modes(private)["file"] == 0o644


def test_missing_folder_is_ignored(tmp_path: Path) -> None:
    assert make_private(tmp_path / "missing") == 0
    assert list(tmp_path.iterdir()) == []
