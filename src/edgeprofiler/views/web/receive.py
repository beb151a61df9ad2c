"""Taking a file from a request to disk: streamed, bounded in size, time and number."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio
from fastapi import Request
from starlette.datastructures import UploadFile

from edgeprofiler.core.errors import CannotWrite, InvalidInput, UsageError
from edgeprofiler.views.web.background import Background
from edgeprofiler.views.web.service import Service
from edgeprofiler.views.web.uploads import Upload, clean_label

_CHUNK = 1 << 20


async def receive_body(
    request: Request, service: Service, background: Background, label: str
) -> tuple[Upload, str]:
    """Take the whole body as a file."""
    async with background.turn():
        return await _receive(request.stream(), service, background, clean_label(label))


async def receive_form(
    request: Request, service: Service, background: Background
) -> tuple[Upload, str]:
    """Take the field `file` of a form that a page without scripts sent."""
    async with background.turn():
        return await _receive_form(request, service, background)


async def _receive_form(
    request: Request, service: Service, background: Background
) -> tuple[Upload, str]:
    with anyio.move_on_after(service.settings.upload_seconds):
        async with full_disk_told("upload"), request.form(max_files=1, max_fields=20) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise UsageError("no file was chosen")
            return await _receive(_chunks(file), service, background, clean_label(file.filename))
    raise _slow("upload", service)


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await file.read(_CHUNK):
        yield chunk


async def _receive(
    chunks: AsyncIterator[bytes], service: Service, background: Background, label: str
) -> tuple[Upload, str]:
    settings = service.settings
    async with full_disk_told(label):
        path = service.uploads.new_path(label)
    size = 0
    taken = False
    try:
        async with full_disk_told(label), await anyio.open_file(path, "wb") as file:
            with anyio.move_on_after(settings.upload_seconds) as scope:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > settings.max_upload_bytes:
                        raise InvalidInput(
                            label, f"is larger than {settings.max_upload_bytes / 1e6:.0f} MB",
                            "read it with the command line",
                        )  # fmt: skip
                    await file.write(chunk)
        if scope.cancelled_caught:
            raise _slow(label, service)
        if size == 0:
            raise InvalidInput(label, "is empty")
        taken = True
        return await background.beside(service.accept, path, label)
    finally:
        if not taken:
            service.uploads.discard(path)


@contextlib.asynccontextmanager
async def full_disk_told(label: str) -> AsyncIterator[None]:
    """Have a file that cannot be written told as that: a full disk is not the sender's fault."""
    try:
        yield
    except OSError as error:
        raise CannotWrite.because(label, error) from None


def _slow(label: str, service: Service) -> InvalidInput:
    seconds = service.settings.upload_seconds
    return InvalidInput(label, f"did not arrive within {seconds:g} s", "send it again")
