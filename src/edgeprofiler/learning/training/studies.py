"""Where Optuna keeps a study: a file, a journal, or a database that machines share."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.extras import install, require
from edgeprofiler.core.text import first_line

DEFAULT_STORAGE = "sqlite:///tuning.db"

_ATTEMPTS, _AGAIN_S = 4, 0.5
"""How often a new database is tried: its tables are made in a fraction of a second."""
_JOURNAL = "journal:"
_POSTGRESQL = "postgresql://"
_PASSWORD = re.compile(r"(?<=:)[^:@/]+(?=@)")


def storage_of(address: str) -> Any:
    """Return the storage of an address, as Optuna takes it.

    Args:
        address: `sqlite:///FILE` for processes of one machine; `journal:FILE` for machines that
            share a folder; `postgresql://USER@HOST/NAME` (extra `[postgresql]`), or what else
            SQLAlchemy has a driver for, for any.
    """
    import optuna

    if address.startswith(_JOURNAL):
        from optuna.storages.journal import JournalFileBackend

        return optuna.storages.JournalStorage(JournalFileBackend(address.removeprefix(_JOURNAL)))
    if address.startswith(_POSTGRESQL):  # by the driver that the extra brings
        address = "postgresql+psycopg://" + address.removeprefix(_POSTGRESQL)
    return _database(address)


def _database(url: str) -> Any:
    import optuna
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    races = (IntegrityError, ProgrammingError, optuna.exceptions.StorageInternalError)

    for _ in range(_ATTEMPTS - 1):
        try:
            return optuna.storages.RDBStorage(url)
        except races:  # as where another process makes the tables at the same moment
            time.sleep(_AGAIN_S)
    return optuna.storages.RDBStorage(url)


def hide_password(url: str) -> str:
    """Return a database's URL without its password."""
    return _PASSWORD.sub("***", url, count=1)


@contextmanager
def errors_of_storage(storage: str) -> Iterator[None]:
    """Tell what is wrong with a storage in a line.

    Raises:
        UsageError: it is no address, or a study there does not fit.
        Unavailable: Optuna or a driver is missing, or the database cannot be reached.
    """
    with require("tune"):
        import optuna
        import sqlalchemy.exc
    shown = hide_password(storage)
    try:
        yield
    except sqlalchemy.exc.ArgumentError:
        raise UsageError(
            f"{shown} is no address of a study; write sqlite:///FILE, journal:FILE or "
            "postgresql://USER@HOST/NAME"
        ) from None
    except optuna.exceptions.DuplicatedStudyError as error:
        raise UsageError(str(error)) from None
    except (optuna.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError) as error:
        said = hide_password(first_line(error.__cause__ or error))
        raise Unavailable(f"{shown}: {said}", "check `storage`") from None
    except ImportError as error:
        if "database driver" not in str(error) and "No module" not in str(error):
            raise
        raise Unavailable(f"{shown}: {first_line(error)}", install("postgresql")) from None
