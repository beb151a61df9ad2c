"""What stands beside the code: forms, workflows, images, scripts of the shell, versions."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT

import edgeprofiler

yaml = pytest.importorskip("yaml")

SCHEMAS = [
    (".github/workflows/ci.yml", "github-workflows"),
    (".github/workflows/release.yml", "github-workflows"),
    (".github/dependabot.yml", "dependabot"),
    (".github/ISSUE_TEMPLATE/config.yml", "github-issue-config"),
    (".github/ISSUE_TEMPLATE/wrong-number.yml", "github-issue-forms"),
    (".github/ISSUE_TEMPLATE/add-a-board.yml", "github-issue-forms"),
    (".github/ISSUE_TEMPLATE/model-not-read.yml", "github-issue-forms"),
    ("action.yml", "github-actions"),
    ("CITATION.cff", "citation-file-format"),
]


def tool(name: str) -> str:
    """A program of the lint group, beside this interpreter or on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (dependency group lint)")
    return found


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | environment,
    )


@pytest.mark.parametrize(("path", "schema"), SCHEMAS)
def test_a_file_for_the_host_is_what_its_schema_says(path: str, schema: str) -> None:
    done = run(
        tool("check-jsonschema"),
        "--default-filetype=yaml",
        "--builtin-schema",
        f"vendor.{schema}",
        path,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_images_are_written_as_the_linter_wants_them() -> None:
    files = [str(p.relative_to(ROOT)) for p in (ROOT / "docker").glob("Dockerfile*")]
    assert len(files) == 2
    done = run(tool("hadolint"), *files)
    assert done.returncode == 0, done.stdout


def test_shell_scripts_hold_no_known_trap() -> None:
    done = run(
        tool("shellcheck"), "scripts/test", "scripts/release", ".ci/run", "docker/install.sh"
    )
    assert done.returncode == 0, done.stdout


def test_what_an_image_copies_is_all_that_its_build_needs(tmp_path: Path) -> None:
    """The context that `.dockerignore` leaves over builds a wheel."""
    kept = [
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    for name in kept:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    pytest.importorskip("hatchling")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "dist").glob("*.whl"))) == 1


@pytest.mark.slow
def test_what_an_image_runs_works_on_the_host(tmp_path: Path) -> None:
    """Where no registry of images can be reached, its script is what can be tried."""
    prefix = tmp_path / "edgeprofiler"
    done = run("bash", "docker/install.sh", str(ROOT), "report", PREFIX=str(prefix))
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("edgeprofiler ")
    asked = run(str(prefix / "bin/edgeprofiler"), "predict", "zoo:lenet", "-q")
    assert asked.returncode == 0, asked.stderr


def test_the_version_is_one() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == edgeprofiler.__version__
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == edgeprofiler.__version__


def test_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    done = run("bash", "scripts/release", "--notes")
    assert done.returncode == 0
    assert "**Predict**" in done.stdout
    assert "## " not in done.stdout


def test_a_tag_that_is_not_the_version_is_refused() -> None:
    done = run("bash", "scripts/release", "--check", "v99.0.0")
    assert done.returncode == 2
    assert "v99.0.0" in done.stderr


def steps() -> dict[str, Any]:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    return {step["name"]: step for step in action["runs"]["steps"]}


def test_the_action_keeps_an_environment_for_as_long_as_it_serves(tmp_path: Path) -> None:
    """The key changes with what is to be installed and with the source, and only then."""
    script = steps()["What is installed decides whether a kept environment serves"]["run"]
    (tmp_path / "src").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")

    def key(version: str) -> str:
        output = tmp_path / "output"
        output.unlink(missing_ok=True)
        done = run(
            "bash",
            "-e",
            "-c",
            script,
            RUNNER_OS="Linux",
            RUNNER_ARCH="X64",
            VERSION=version,
            GITHUB_ACTION_PATH=str(tmp_path),
            GITHUB_OUTPUT=str(output),
        )
        assert done.returncode == 0, done.stderr
        return output.read_text()

    assert key("") == key("")
    assert key("") != key("edgeprofiler==1.0")
    before = key("")
    (tmp_path / "src" / "new.py").write_text("x = 1\n")
    assert key("") != before


def test_a_failure_within_a_pipe_fails_the_action(tmp_path: Path) -> None:
    scripts = {name: step["run"] for name, step in steps().items() if "\n" in step.get("run", "")}
    assert len(scripts) == 3
    assert all(script.startswith("set -o pipefail\n") for script in scripts.values())
    key = scripts["What is installed decides whether a kept environment serves"]
    output = tmp_path / "output"
    # Nothing is there to be installed: the key of nothing would serve for ever.
    done = run("bash", "-e", "-c", key, RUNNER_OS="Linux", RUNNER_ARCH="X64", VERSION="",
               GITHUB_ACTION_PATH=str(tmp_path), GITHUB_OUTPUT=str(output))  # fmt: skip
    assert done.returncode != 0
    assert not output.exists()


@pytest.mark.parametrize("may", [True, False])
@pytest.mark.parametrize("earlier", ["", "41"])
def test_the_action_writes_one_comment_where_it_may_and_says_where_it_may_not(
    tmp_path: Path, may: bool, earlier: str
) -> None:
    step = steps()["Comment"]
    (tmp_path / "budget.md").write_text("12 mJ\n")
    gh = tmp_path / "gh"
    gh.write_text(
        f"""#!/bin/sh
case "$*" in *--paginate*) [ -z "{earlier}" ] || echo {earlier}; exit 0;; esac
echo "$@" > {tmp_path}/asked
exit {0 if may else 1}
"""
    )
    gh.chmod(0o755)
    done = run(
        "bash",
        "-e",
        "-c",
        step["run"],
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        GH_TOKEN="",
        REPORT=str(tmp_path / "budget.md"),
        BUDGET="budget.toml",
        MODEL="--> $(id)",
        PULL_REQUEST="7",
        GITHUB_REPOSITORY="owner/name",
        RUNNER_TEMP=str(tmp_path),
    )
    assert done.returncode == 0
    asked = (tmp_path / "asked").read_text()
    where = (
        f"PATCH repos/owner/name/issues/comments/{earlier}"
        if earlier
        else "POST repos/owner/name/issues/7/comments"
    )
    assert where in asked
    mark, rest = (tmp_path / "comment.md").read_text().split("\n", 1)
    assert mark == "<!-- edgeprofiler check: budget.toml --____id_ -->"
    assert rest == "12 mJ\n"
    assert ("::notice::" in done.stdout) is not may


def test_text_of_a_pull_request_is_never_code() -> None:
    """Expressions stand in `env`, `with` and outputs, not inside scripts."""
    for step in steps().values():
        assert "${{" not in step.get("run", "")
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", ""), path
