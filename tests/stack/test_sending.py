"""``naikkelas import send``: what became of every file is told, and a program can read it, whatever goes wrong between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.stack.answering import Answer, answering
from tests.stack.commanding import naikkelas_here

MANGGAR = "64.71.01.1001"
REFUSAL = (409, {"title": "Berkas ditolak", "detail": "Berkas [ini] sudah diimpor."})
AWAY = (0, None)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files; what is in them is nobody's business here."""
    paths = [tmp_path / f"{name}.csv" for name in "abc"]
    for path in paths:
        path.write_text("NAMA\n", encoding="utf-8")
    return paths


def registry(uploads: Sequence[tuple[int, Any]], look: tuple[int, Any] | None = None) -> Answer:
    """Return a registry that answers uploads in turn, and every look at an import by ``look``; none: it was applied."""
    answers = iter(uploads)

    def answer(method: str, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if method == "POST":
            return next(answers)
        job = {"id": path.removeprefix("/imports/"), "state": "selesai", "totals": {"new": 3}, "reason": None}
        return look or (200, job)

    return answer


def send(url: str, files: list[Path], *words: str) -> CompletedProcess[str]:
    names = [str(file) for file in files]
    where = ("--url", url, "--token", "t")
    return naikkelas_here("import", *names, "--kelurahan", MANGGAR, *where, *words, home=files[0].parent)


def test_a_registry_that_is_away_is_told_as_by_every_other_command(files: list[Path]) -> None:
    with answering(registry([])) as url:
        pass  # nobody listens there any more
    done = send(url, files, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (1, False)
    assert url in told["error"]
    assert "naikkelas status" in send(url, files).stderr


def test_a_kelurahan_that_is_none_is_told_as_json_too(files: list[Path]) -> None:
    done = naikkelas_here("import", str(files[0]), "--kelurahan", "1", "--token", "t", "--json", home=files[0].parent)
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (2, False)


def test_a_refused_file_hides_nothing_of_the_others(files: list[Path]) -> None:
    uploads = [(202, {"id": "i-a"}), REFUSAL, (202, {"id": "i-c"})]
    with answering(registry(uploads)) as url:
        done = send(url, files, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(it["file"], it["ok"], it["id"]) for it in told] == [
        ("a.csv", True, "i-a"),
        ("b.csv", False, None),
        ("c.csv", True, "i-c"),
    ]
    assert "Berkas [ini] sudah diimpor." in told[1]["error"]
    with answering(registry(uploads)) as url:
        done = send(url, files)
    assert done.returncode == 1
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["a.csv", "c.csv"]
    assert "i-a" in done.stdout
    assert "b.csv: not taken: Berkas [ini] sudah diimpor." in done.stderr


def test_a_registry_that_goes_away_between_two_files_leaves_the_first_told(files: list[Path]) -> None:
    with answering(registry([(202, {"id": "i-a"}), AWAY])) as url:
        done = send(url, files, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, [it["ok"] for it in told]) == (1, [True, False, False])
    assert told[1]["error"].startswith("whether it was taken is not known")
    assert told[2]["error"].startswith("not sent")


@pytest.mark.parametrize("look", [AWAY, (503, {"title": "Tidak tersedia"})], ids=["lost", "refused"])
def test_an_import_that_was_taken_is_not_called_lost(look: tuple[int, Any], files: list[Path]) -> None:
    with answering(registry([(202, {"id": f"i-{n}"}) for n in "abc"], look)) as url:
        done = send(url, files, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, [it["id"] for it in told]) == (1, ["i-a", "i-b", "i-c"])
    assert all(f"import {it['id']}, which goes on in the registry" in it["error"] for it in told)


def test_files_that_are_all_applied_end_well(files: list[Path]) -> None:
    with answering(registry([(202, {"id": f"i-{n}"}) for n in "abc"])) as url:
        done = send(url, files)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout.splitlines()[0]
        == "a.csv: selesai (3 baru, 0 berubah, 0 sama, 0 mungkin ganda, 0 ditolak), impor i-a"
    )
