"""JWT secrets for development: generated once and kept in the data folder, so that tokens survive a restart."""

import os
import secrets
from pathlib import Path

import orjson
from pydantic import SecretStr

from server.errors import ConfigurationError
from server.settings import Settings

NAMES = ("jwt_secret", "jwt_refresh_secret")


def with_development_secrets(settings: Settings) -> Settings:
    """Fill in the JWT secrets that are not set. Raises ConfigurationError if they cannot be kept."""
    missing = [name for name in NAMES if not getattr(settings.auth, name).get_secret_value()]
    if not missing:
        return settings
    generated = _generated_secrets(settings.app.var_dir / "secrets.json")
    auth = settings.auth.model_copy(update={name: SecretStr(generated[name]) for name in missing})
    return settings.model_copy(update={"auth": auth})


def _generated_secrets(path: Path) -> dict[str, str]:
    """Return the secrets in the file, which is created if missing; concurrent first starts agree on one file."""
    fresh = {name.upper(): secrets.token_urlsafe(48) for name in NAMES}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create_once(path, orjson.dumps(fresh))
        kept = orjson.loads(path.read_bytes())
        return {name: str(kept[name.upper()]) for name in NAMES}
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write {path} ({error.strerror}): set VAR_DIR to a writable folder, or set JWT_SECRET and"
            " JWT_REFRESH_SECRET."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} is damaged: delete it; all users will have to sign in again."
        ) from error


def _create_once(path: Path, content: bytes) -> None:
    """Create a file that only its owner can read, unless it exists."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    try:
        os.link(draft, path)  # fails if the file exists, unlike a rename
    except FileExistsError:
        pass
    finally:
        draft.unlink()
