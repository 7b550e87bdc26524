"""Access: which tokens open a route, which do not, and that no route is without a rule."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from joserfc import jwt
from joserfc.jwk import JWKRegistry, OKPKey, RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.auth import (
    FileKeys,
    Principal,
    Role,
    Verifier,
    allow,
    assert_every_route_has_a_rule,
    guarded,
    new_signing_key,
    public,
    public_jwks,
    sign_token,
)
from shared.health import Health
from shared.problems import Problem
from shared.web.app import create_http_app
from tests.kernel.clock import NOW, Clock

ISSUER = "https://masuk.example.test"
AUDIENCE = "naikkelas"


class Issuer:
    """A token issuer with a key file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "jwks.json"
        self.key = new_signing_key()
        self.publish(self.key)

    def publish(self, *keys: dict[str, Any]) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(public_jwks(*keys)))
        fresh.replace(self.path)

    def sign(self, **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "subject": "petugas-1",
            "roles": [Role.PETUGAS_DINAS],
            "now": NOW,
        } | changes
        return sign_token(arguments.pop("key", self.key), **arguments)

    def raw(self, header: dict[str, Any] | None = None, drop: str | None = None, **changes: Any) -> str:
        """Sign any header and claims, also those that ``sign_token`` would not."""
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "petugas-1", "iat": int(NOW), "exp": int(NOW) + 600}
        claims |= {"roles": ["petugas_dinas"]} | changes
        claims.pop(drop or "", None)
        key = JWKRegistry.import_key(self.key)
        return jwt.encode({"alg": "ES256", "kid": key.kid, "typ": "at+jwt"} | (header or {}), claims, key)


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(issuer: Issuer, clock: Clock) -> FastAPI:
    router = APIRouter()

    @router.get("/dinas")
    async def dinas(principal: Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))]) -> str:
        return principal.sub

    @router.get("/kelurahan/{code}")
    async def kelurahan(
        code: str, who: Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS))]
    ) -> str | None:
        who.require_kelurahan(code)
        return who.scope

    async def plain(request: Request) -> Response:
        return JSONResponse(request.state.principal.sub)

    verifier = Verifier(FileKeys(issuer.path, clock), ISSUER, AUDIENCE, clock)
    app = create_http_app("Uji", "registry", health=Health("registry"), verifier=verifier, routers=[router])
    app.router.routes.append(Route("/plain", guarded(allow(Role.OPERATOR))(plain)))
    return app


Get = Callable[..., Any]


@pytest.fixture
def get(app: FastAPI) -> Get:
    async def call(path: str, token: str | None = None, **headers: str) -> httpx2.Response:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://uji") as client:
            return await client.get(path, headers=headers)

    return call


def _b64(data: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def alg_none(issuer: Issuer) -> str:
    _, claims, _ = issuer.sign().split(".")
    return f"{_b64({'alg': 'none', 'kid': issuer.key['kid']})}.{claims}."


def hs256_with_the_public_key(issuer: Issuer) -> str:
    """The classic confusion: the public key, which everybody has, taken as the secret of an HMAC."""
    secret = JWKRegistry.import_key(issuer.key).as_pem(private=False)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "iat": int(NOW), "exp": int(NOW) + 600, "roles": ["operator"]}
    signed = f"{_b64({'alg': 'HS256', 'kid': issuer.key['kid']})}.{_b64(claims)}"
    mac = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def one_byte_changed(issuer: Issuer) -> str:
    head, claims, signature = issuer.sign().split(".")
    return f"{head}.{claims[:-2]}{'A' if claims[-2] != 'A' else 'B'}{claims[-1]}.{signature}"


def signed_by_another_key_under_our_id(issuer: Issuer) -> str:
    return issuer.sign(key=new_signing_key() | {"kid": issuer.key["kid"]})


BAD: dict[str, Callable[[Issuer], str]] = {
    "empty": lambda _: "x",
    "not a token": lambda _: "a.b.c",
    "header is a list": lambda _: f"{urlsafe_b64encode(b'[]').decode()}.e30.x",
    "deep header": lambda _: urlsafe_b64encode(b"[" * 6_000).decode()[:8_000],
    "very long": lambda issuer: issuer.sign() + "A" * 9_000,
    "alg none": alg_none,
    "HS256 signed with the public key": hs256_with_the_public_key,
    "one byte changed": one_byte_changed,
    "another key under our id": signed_by_another_key_under_our_id,
    "unknown kid": lambda issuer: issuer.sign(key=new_signing_key()),
    "no kid": lambda issuer: f"{_b64({'alg': 'ES256'})}.{issuer.sign().split('.', 1)[1]}",
    "crit": lambda issuer: f"{_b64({'alg': 'ES256', 'kid': issuer.key['kid'], 'crit': ['x'], 'x': 1})}.e30.x",
    "wrong issuer": lambda issuer: issuer.sign(issuer="https://lain.example.test"),
    "wrong audience": lambda issuer: issuer.sign(audience="lain"),
    "expired": lambda issuer: issuer.sign(now=NOW - 3_661),
    "not yet valid": lambda issuer: issuer.sign(now=NOW + 61),
    "nbf in the future": lambda issuer: issuer.raw(nbf=int(NOW) + 61),
    "exp is a text": lambda issuer: issuer.raw(exp="2100-01-01"),
    "exp is true": lambda issuer: issuer.raw(exp=True),
    "exp is not a number": lambda issuer: issuer.raw(exp=float("nan")),
    "no exp": lambda issuer: issuer.raw(drop="exp"),
    "no iat": lambda issuer: issuer.raw(drop="iat"),
    "no iss": lambda issuer: issuer.raw(drop="iss"),
    "no aud": lambda issuer: issuer.raw(drop="aud"),
    "no sub": lambda issuer: issuer.raw(drop="sub"),
    "sub is a number": lambda issuer: issuer.raw(sub=7),
    "roles is a text": lambda issuer: issuer.raw(roles="operator"),
    "kelurahan is a list": lambda issuer: issuer.raw(kelurahan=["6471011001"]),
    "id token by its nonce": lambda issuer: issuer.raw(nonce="n"),
    "id token by its type": lambda issuer: issuer.raw({"typ": "id+jwt"}),
    "refresh token": lambda issuer: issuer.raw(typ="Refresh"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.security(line="S1")
@pytest.mark.security(line="S19", item="API2")
async def test_bad_token_is_refused(case: str, issuer: Issuer, get: Get) -> None:
    answer = await get("/dinas", BAD[case](issuer))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("roles", [[], ["pendamping"], ["admin"], ["PETUGAS_DINAS"]])
@pytest.mark.security(line="S1")
async def test_token_without_a_role_of_the_route_is_refused(roles: list[str], issuer: Issuer, get: Get) -> None:
    assert (await get("/dinas", issuer.sign(roles=roles))).status_code == 403
    assert (await get("/dinas", issuer.raw(drop="roles"))).status_code == 403


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer a b", "Token x", "bearerx"])
@pytest.mark.security(line="S1")
async def test_request_without_a_bearer_token_is_refused(header: str, get: Get) -> None:
    answer = await get("/dinas", Authorization=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (await get("/dinas")).status_code == 401


@pytest.mark.security(line="S1")
async def test_good_token_opens_and_leeway_is_a_minute(issuer: Issuer, clock: Clock, get: Get) -> None:
    token = issuer.sign(lifetime=timedelta(minutes=5))
    assert (await get("/dinas", token)).json() == "petugas-1"
    clock.now = NOW + 300 + 59
    assert (await get("/dinas", token)).status_code == 200
    clock.now = NOW + 300 + 60
    answer = await get("/dinas", token)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "Token akses sudah kedaluwarsa."
    assert (await get("/dinas", issuer.sign(now=clock.now + 60))).status_code == 200


@pytest.mark.security(line="S1")
@pytest.mark.security(line="S3")
async def test_key_rotated_away_closes_and_the_new_one_opens(issuer: Issuer, clock: Clock, get: Get) -> None:
    old, fresh = issuer.sign(), new_signing_key()
    assert (await get("/dinas", old)).status_code == 200
    issuer.publish(issuer.key, fresh)
    clock.now += 1
    assert (await get("/dinas", old)).status_code == 200
    assert (await get("/dinas", issuer.sign(key=fresh))).status_code == 200
    issuer.publish(fresh)
    clock.now += 1
    assert (await get("/dinas", old)).status_code == 401
    assert (await get("/dinas", issuer.sign(key=fresh))).status_code == 200


@pytest.mark.security(line="S1")
async def test_key_replaced_under_the_same_id_closes(issuer: Issuer, clock: Clock, get: Get) -> None:
    token = issuer.sign()
    assert (await get("/dinas", token)).status_code == 200
    issuer.publish(new_signing_key() | {"kid": issuer.key["kid"]})
    clock.now += 1
    assert (await get("/dinas", token)).status_code == 401


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": []}', '{"keys": [{"kty": "oct", "kid": "a", "k": "eHh4"}]}'])
async def test_without_usable_keys_the_answer_is_503_until_they_are_there(
    text: str, issuer: Issuer, clock: Clock, get: Get
) -> None:
    issuer.path.write_text(text)
    answer = await get("/dinas", issuer.sign())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    issuer.publish(issuer.key)
    clock.now += 1
    assert (await get("/dinas", issuer.sign())).status_code == 200


async def test_key_file_that_breaks_leaves_the_last_good_keys_and_health_says_so(issuer: Issuer, clock: Clock) -> None:
    keys = FileKeys(issuer.path, clock)
    assert await keys.find(issuer.key["kid"]) is not None
    assert await keys.problem() is None
    issuer.path.unlink()
    clock.now += 1
    assert await keys.find(issuer.key["kid"]) is not None
    assert "No such file" in str(await keys.problem())


def _private(key: RSAKey | OKPKey) -> dict[str, Any]:
    return dict(key.as_dict(private=True))


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_rsa_and_ed25519_keys_are_taken_and_short_or_foreign_ones_left_out(issuer: Issuer, get: Get) -> None:
    rsa = _private(RSAKey.generate_key(2048, {"alg": "RS256"}, auto_kid=True))
    ed = _private(OKPKey.generate_key("Ed25519", {"alg": "EdDSA"}, auto_kid=True))
    x = _private(OKPKey.generate_key("X25519", auto_kid=True))
    issuer.publish(rsa, ed, x)
    assert (await get("/dinas", issuer.sign(key=rsa))).status_code == 200
    assert (await get("/dinas", issuer.sign(key=ed))).status_code == 200
    # RSA with PSS fits the key, but is not among our algorithms.
    assert (await get("/dinas", issuer.sign(key=rsa | {"alg": "PS256"}))).status_code == 401
    keys = FileKeys(issuer.path)
    assert await keys.find(ed["kid"]) is not None
    assert await keys.find(x["kid"]) is None


@pytest.mark.security(line="S2")
async def test_officer_of_a_kelurahan_is_held_to_it(issuer: Issuer, get: Get) -> None:
    own = issuer.sign(roles=[Role.PETUGAS_KELURAHAN], kelurahan="6471011001")
    assert (await get("/kelurahan/6471011001", own)).json() == "6471011001"
    assert (await get("/kelurahan/6471011002", own)).status_code == 403
    # A role that this route does not name widens nothing; one that it names does.
    mentor = issuer.sign(roles=[Role.PETUGAS_KELURAHAN, Role.OPERATOR], kelurahan="6471011001")
    assert (await get("/kelurahan/6471011002", mentor)).status_code == 403
    city = issuer.sign(roles=[Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS], kelurahan="6471011001")
    assert (await get("/kelurahan/6471011002", city)).json() is None


@pytest.mark.parametrize("kelurahan", [None, ""])
@pytest.mark.security(line="S2")
async def test_officer_of_no_kelurahan_gets_in_nowhere(kelurahan: str | None, issuer: Issuer, get: Get) -> None:
    token = issuer.sign(roles=[Role.PETUGAS_KELURAHAN], kelurahan=kelurahan)
    assert (await get("/kelurahan/6471011001", token)).status_code == 403


async def test_plain_routes_have_rules_too(issuer: Issuer, get: Get) -> None:
    assert (await get("/plain")).status_code == 401
    assert (await get("/plain", issuer.sign())).status_code == 403
    assert (await get("/plain", issuer.sign(roles=["operator"]))).json() == "petugas-1"


async def test_two_authorization_headers_are_refused(app: FastAPI, issuer: Issuer) -> None:
    headers = [("Authorization", f"Bearer {issuer.sign()}")] * 2
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://uji") as client:
        assert (await client.get("/dinas", headers=headers)).status_code == 401


@pytest.mark.security(line="S2")
def test_route_without_a_rule_is_named() -> None:
    app = create_http_app("Uji", "registry", health=Health("registry"), verifier=None)
    assert_every_route_has_a_rule(app)

    @app.get("/tersembunyi")
    async def hidden() -> None: ...

    @app.get("/terbuka", dependencies=[Depends(public())])
    async def opened() -> None: ...

    inner = APIRouter(prefix="/dalam")

    @inner.post("/lupa")
    async def forgotten() -> None: ...

    app.include_router(inner)
    app.router.routes.append(Route("/mentah", lambda _: Response()))
    with pytest.raises(LookupError) as caught:
        assert_every_route_has_a_rule(app)
    assert "GET /tersembunyi; POST /dalam/lupa; " in str(caught.value)
    assert "/mentah" in str(caught.value)
    assert "/terbuka" not in str(caught.value)


@pytest.mark.security(line="S2")
@pytest.mark.security(line="S19", item="API9")
async def test_app_with_a_forgotten_route_does_not_start() -> None:
    app = create_http_app("Uji", "registry", health=Health("registry"), verifier=None)
    app.add_api_route("/lupa", lambda: None)
    with pytest.raises(LookupError, match="/lupa"):
        async with app.router.lifespan_context(app):
            pytest.fail("it started")


def test_rule_without_roles_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one role"):
        allow()


def test_principal_who_is_not_confined_may_act_anywhere() -> None:
    Principal("a", frozenset({Role.OPERATOR})).require_kelurahan("6471011001")
    with pytest.raises(Problem):
        Principal("a", frozenset(), kelurahan="6471011001", confined=True).require_kelurahan("6471011002")
