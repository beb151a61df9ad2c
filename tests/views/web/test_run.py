"""`edgeprofiler serve` says where it is, warns of strangers, and refuses what cannot work."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from edgeprofiler.core.errors import InvalidInput, Unavailable
from edgeprofiler.views.web import Settings, create_app, run
from edgeprofiler.views.web.run import listen


def serve(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    from edgeprofiler.cli.app import main

    monkeypatch.setattr(sys, "argv", ["edgeprofiler", "serve", *map(str, arguments)])
    monkeypatch.setattr(run, "run", lambda app, listening, settings: listening.close())
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_the_address_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(monkeypatch, "--port", 0) == 0
    said = capsys.readouterr().err
    assert "EdgeProfiler is at http://127.0.0.1:" in said
    assert "WARNING" not in said


def test_listening_to_strangers_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert serve(monkeypatch, "--port", 0, "--host", "0.0.0.0", "--open") == 0
    said = capsys.readouterr().err
    assert "WARNING: listening on 0.0.0.0" in said
    assert "without a password" in said
    assert opened[0].startswith("http://localhost:")


def test_a_port_that_is_taken_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert serve(monkeypatch, "--port", taken.getsockname()[1]) == 4
    assert "choose another --port or --host" in capsys.readouterr().err


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(Unavailable, match="cannot listen"):
        listen(Settings(host="192.0.2.1", port=0))
    with pytest.raises(Unavailable, match="cannot listen"):
        listen(Settings(host="no such host", port=0))


def test_a_socket_sends_at_once() -> None:
    """Without its protocol a socket keeps Nagle's algorithm, and each answer costs 40 ms."""
    with listen(Settings(port=0)) as made:
        assert made.proto == socket.IPPROTO_TCP


def test_a_folder_of_recordings_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no folder"):
        create_app(Settings(recordings=tmp_path / "none"))


def test_missing_libraries_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.startswith("edgeprofiler.views.web.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[web\]"):
        create_app()
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[web\]"):
        run.run(None, None, Settings())  # type: ignore[arg-type]
