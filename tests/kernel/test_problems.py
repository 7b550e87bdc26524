"""Problems: every refusal is RFC 9457, in Indonesian, and repeats nothing personal."""

import errno
import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import pytest
from fastapi import APIRouter, Body, Depends, FastAPI
from pydantic import Field, field_validator
from starlette.exceptions import HTTPException

from shared.auth import public
from shared.health import Health
from shared.keys import KeysAwayError
from shared.problems import Problem
from shared.validation_texts import describe_errors, shown_value
from shared.web.app import RequestModel, create_http_app
from tests.kernel.web_client import client_of


class Class(StrEnum):
    MIKRO = "mikro"
    KECIL = "kecil"


class OwnerForm(RequestModel):
    name: str = Field(min_length=3, max_length=100)
    nik: str = Field(pattern=r"^\d{16}$")
    phones: list[str] = Field(max_length=3)


class BusinessForm(RequestModel):
    owner: OwnerForm
    sales: int = Field(ge=0, le=50_000_000_000)
    usaha: Class
    basis: Literal["modal", "penjualan"]
    since: date
    ratio: float = 0

    @field_validator("since")
    @classmethod
    def _not_ancient(cls, value: date) -> date:
        if value.year < 1945:
            raise ValueError("tahun harus sesudah 1945")
        return value


class ForeignAwayError(Exception):
    """Something of a service that is away."""


RAISED: dict[str, Exception] = {
    "problem": Problem(409, "nik-terdaftar", "NIK sudah terdaftar", "Pemilik ini sudah ada.", owner_id="abc"),
    "http": HTTPException(418),
    "bug": RuntimeError("nomor 6471029901900001"),
    "sql": asyncpg.UndefinedTableError("relation does not exist"),
    "refused": ConnectionRefusedError(errno.ECONNREFUSED, "connection refused"),
    "too many": asyncpg.TooManyConnectionsError("sorry"),
    "deadlock": asyncpg.DeadlockDetectedError("deadlock"),
    "closed": asyncpg.InterfaceError("pool is closing"),
    "cut": asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    "ended": EOFError("unexpected end of file"),
    "slow": TimeoutError(),
    "keys": KeysAwayError("registry does not answer"),
    "foreign": ForeignAwayError("gone"),
}


@pytest.fixture
def app() -> FastAPI:
    router = APIRouter(dependencies=[Depends(public())])

    @router.post("/businesses")
    async def register(form: BusinessForm) -> str:
        return form.owner.name

    @router.post("/many")
    async def many(items: Annotated[list[int], Body()]) -> int:
        return len(items)

    @router.get("/businesses/{business_id}")
    async def show(business_id: UUID, limit: int = 5) -> int:
        return limit

    @router.get("/raise/{kind}")
    async def fail(kind: str) -> None:
        raise RAISED[kind]

    return create_http_app(
        "Uji", "registry", health=Health("registry"), verifier=None, routers=[router], away=[ForeignAwayError]
    )


GOOD: dict[str, Any] = {
    "owner": {"name": "Siti", "nik": "6471029901900001", "phones": []},
    "sales": 1,
    "usaha": "mikro",
    "basis": "modal",
    "since": "2020-01-01",
}


async def test_good_form_passes(app: FastAPI) -> None:
    async with client_of(app) as client:
        assert (await client.post("/businesses", json=GOOD)).json() == "Siti"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"sales": -5},
            {"field": "sales", "value": -5, "message": "terlalu kecil", "allowed": "paling sedikit 0"},
        ),
        (
            {"sales": "banyak"},
            {
                "field": "sales",
                "value": "banyak",
                "message": "harus berupa bilangan bulat",
                "allowed": "bilangan bulat",
            },
        ),
        (
            {"sales": 10**12},
            {"field": "sales", "value": 10**12, "message": "terlalu besar", "allowed": "paling banyak 50000000000"},
        ),
        (
            {"usaha": "raksasa"},
            {
                "field": "usaha",
                "value": "raksasa",
                "message": "bukan salah satu pilihan",
                "allowed": "salah satu dari: mikro, kecil",
            },
        ),
        (
            {"basis": 7},
            {
                "field": "basis",
                "value": 7,
                "message": "bukan salah satu pilihan",
                "allowed": "salah satu dari: modal, penjualan",
            },
        ),
        (
            {"since": "kemarin"},
            {
                "field": "since",
                "value": "kemarin",
                "message": "harus berupa tanggal",
                "allowed": "tanggal ISO 8601, misalnya 2026-11-25",
            },
        ),
        (
            {"since": "1812-01-01"},
            {"field": "since", "value": "1812-01-01", "message": "tahun harus sesudah 1945", "allowed": None},
        ),
        (
            {"warna": "merah"},
            {
                "field": "warna",
                "value": "merah",
                "message": "bidang ini tidak dikenal",
                "allowed": "hapus bidang ini",
            },
        ),
        (
            {"owner": {"name": "Siti", "nik": "647102990190", "phones": []}},
            {
                "field": "owner.nik",
                "value": "[pribadi]",
                "message": "bentuknya tidak sesuai",
                "allowed": r"bentuk ^\d{16}$",
            },
        ),
        (
            {"owner": {"name": "S", "nik": "6471029901900001", "phones": []}},
            {
                "field": "owner.name",
                "value": "S",
                "message": "terlalu pendek",
                "allowed": "paling sedikit 3 karakter",
            },
        ),
        (
            {"owner": {"name": "Siti", "nik": "6471029901900001", "phones": [81200001234]}},
            {"field": "owner.phones.0", "value": "[pribadi]", "message": "harus berupa teks", "allowed": "teks"},
        ),
        (
            {"owner": {"name": "Siti", "nik": "6471029901900001", "phones": ["", "", "", ""]}},
            {
                "field": "owner.phones",
                "value": "(daftar)",
                "message": "isinya terlalu banyak",
                "allowed": "paling banyak 3 butir",
            },
        ),
        (
            {"owner": None},
            {
                "field": "owner",
                "value": None,
                "message": "harus berupa objek JSON; periksa juga Content-Type: application/json",
                "allowed": None,
            },
        ),
    ],
)
async def test_wrong_field_is_told_with_its_value_and_what_is_allowed(
    change: dict[str, Any], expected: dict[str, Any], app: FastAPI
) -> None:
    async with client_of(app) as client:
        answer = await client.post("/businesses", json=GOOD | change)
    body = answer.json()
    assert answer.status_code == 422
    assert body["errors"] == [{"in": "body", **expected}]
    assert body["status"] == 422
    assert body["type"].endswith(":isi-tidak-sah")
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "6471029901900001" not in answer.text


async def test_missing_field_shows_no_surroundings(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.post("/businesses", json={"owner": {"nik": "6471029901900001"}})
    errors = answer.json()["errors"]
    assert [e["field"] for e in errors] == ["owner.name", "owner.phones", "sales", "usaha", "basis", "since"]
    assert {(e["value"], e["message"]) for e in errors} == {(None, "wajib diisi")}


async def test_query_and_path_are_told_apart_from_the_body(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/businesses/bukan-uuid?limit=lima")
    errors = answer.json()["errors"]
    assert [(e["in"], e["field"], e["value"]) for e in errors] == [
        ("path", "business_id", "bukan-uuid"),
        ("query", "limit", "lima"),
    ]


@pytest.mark.parametrize("body", ["{", "", "NaN", "[1,]", "nul", '{"a":\x01}', "\ufeff{}"])
async def test_what_is_no_json_is_refused(body: str, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.post("/businesses", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["in"] == "body"


async def test_odd_values_are_told_as_json(app: FastAPI) -> None:
    odd = ['{"ratio": NaN}', '{"ratio": Infinity}', '{"basis": "\\ud800"}', '{"\\ud800": 1}', '{"sales": 1e999}']
    async with client_of(app) as client:
        for body in odd:
            answer = await client.post("/businesses", content=body, headers={"Content-Type": "application/json"})
            assert answer.status_code == 422, body
            assert answer.json()["errors"]
        huge = await client.post("/businesses", content="1" * 5_000, headers={"Content-Type": "application/json"})
        assert huge.status_code == 400


async def test_list_of_errors_is_bounded(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.post("/many", json=["x"] * 10_000)
    assert answer.json()["errors_total"] == 10_000
    assert len(answer.json()["errors"]) == 50
    assert len(answer.content) < 20_000


async def test_problem_goes_out_with_its_members(app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get("/raise/problem", headers={"X-Request-ID": "req-1"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "tag:balikpapan.go.id,2026:umkm:problem:nik-terdaftar",
        "title": "NIK sudah terdaftar",
        "status": 409,
        "detail": "Pemilik ini sudah ada.",
        "instance": "/raise/problem",
        "owner_id": "abc",
        "request_id": "req-1",
    }


async def test_address_that_is_not_there_and_method_that_is_not_taken(app: FastAPI) -> None:
    async with client_of(app) as client:
        missing = await client.get("/tiada")
        method = await client.request("DELETE", "/businesses")
        other = await client.get("/raise/http")
    assert (missing.status_code, missing.json()["title"]) == (404, "Tidak ditemukan")
    assert (method.status_code, method.headers["allow"]) == (405, "POST")
    assert method.json()["title"] == "Metode tidak didukung"
    assert other.status_code == 418
    for answer in (missing, method, other):
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "kind", ["refused", "too many", "deadlock", "closed", "cut", "ended", "slow", "keys", "foreign"]
)
async def test_infrastructure_that_is_away_means_try_again(kind: str, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get(f"/raise/{kind}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["title"] == "Layanan sedang tidak tersedia"


@pytest.mark.parametrize("kind", ["bug", "sql"])
async def test_unexpected_error_tells_nothing_but_an_id_to_ask_about(kind: str, app: FastAPI) -> None:
    async with client_of(app) as client:
        answer = await client.get(f"/raise/{kind}")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "6471029901900001" not in answer.text
    assert "relation" not in answer.text


def test_long_values_are_shortened_and_texts_of_people_masked() -> None:
    assert shown_value("note", "a" * 500) == "a" * 200 + "…"
    assert shown_value("note", "hubungi 081200001234") == "hubungi [telepon]"
    assert shown_value("alamat", "Jl. Mawar 5") == "[pribadi]"
    assert json.dumps(shown_value("x", float("nan"))) == '"nan"'


def test_error_of_an_unknown_kind_still_has_a_text() -> None:
    (error,), total = describe_errors([{"type": "new_kind", "loc": ("body", "x"), "input": 1, "msg": "English"}])
    assert (error["message"], total) == ("nilainya tidak sesuai", 1)
