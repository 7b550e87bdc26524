"""The wiring of the partner service: API, worker (consumer, ticker and deliverer), relay, from settings."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from services.partners.api import agreements, disclosures, documents, erasures, feed, lanes, replays, webhooks
from services.partners.api.portal import deeds as portal_deeds
from services.partners.api.portal import reading as portal
from services.partners.consumers import make_consumer
from services.partners.domain.replays import Budget, Rates
from services.partners.handlers.carrying import Means
from services.partners.handlers.delivering import Deliverer
from services.partners.handlers.feeding import Feed
from services.partners.handlers.measuring import Measures, deliveries_look
from services.partners.handlers.opening import PURPOSE
from services.partners.handlers.posting import Poster
from services.partners.handlers.replays import Replays
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.tail import Tails
from services.partners.handlers.telling import Teller
from services.partners.handlers.texts import Texts
from services.partners.handlers.ticking import Ticker
from services.partners.handlers.watching import Watch
from services.partners.handlers.writing import AgencyPublisher, Writer
from services.partners.settings import PartnersSettings
from services.partners.store import migrations
from shared.database import Pool
from shared.health import Health, watch_consumer
from shared.keys import KeyClient, token_reader
from shared.outbox import Hint
from shared.process import Part, together
from shared.service import Service, create_api, database_health, make_relay, open_pool, purge_keys, run_relay
from shared.web import run_health, run_http
from shared.web.pages import style_router
from shared.web_pages.forms import FormCodes

NAME = "partners"


def create_app(settings: PartnersSettings, pool: Pool) -> FastAPI:
    """Return the API; ``state.watch`` must run beside it, or nobody who waits is woken."""
    app = create_api(
        NAME,
        settings,
        pool,
        title="Instansi Naik Kelas",
        description="Perjanjian dengan instansi, aliran peristiwa yang dibaca instansi, dan catatan pengungkapan.",
        routers=[
            agreements.router,
            feed.router,
            webhooks.router,
            replays.router,
            lanes.router,
            disclosures.router,
            erasures.router,
            documents.router,
            portal.router,
            portal_deeds.router,
            portal.rest,
            style_router(),
        ],
    )
    health = app.state.health
    token = token_reader(settings.service_token_file)
    app.state.pool = pool
    app.state.hint = Hint(pool)
    app.state.keys = KeyClient(settings.registry_url, token, PURPOSE)
    app.state.secret_box = SecretBox(settings.webhook_keys())
    app.state.webhook_networks = settings.networks()
    app.state.replays = Replays(settings.cursor_keys(), Rates(settings.replay_rate, settings.replay_rate_most))
    app.state.form_codes = FormCodes(settings.cursor_keys())
    app.state.watch = Watch(pool, settings.watch_seconds)
    app.state.feed = Feed(pool, settings.cursor_keys(), app.state.keys, app.state.watch, Measures(health.metrics))
    health.metrics.look("feed", app.state.watch.figures)
    health.add("watch", app.state.watch.pulse.check, live=True)
    return app


async def close_app(app: FastAPI) -> None:
    """Close what the app opened."""
    await app.state.keys.close()


def make_deliverer(settings: PartnersSettings, pool: Pool, texts: Texts, measures: Measures) -> Deliverer:
    """Return what posts to the endpoints of agencies, with a pool of connections and an asker for keys of its own."""
    keys = KeyClient(settings.registry_url, token_reader(settings.service_token_file), PURPOSE)
    poster, box = Poster(settings.networks()), SecretBox(settings.webhook_keys())
    means = Means(pool, keys, poster, box, Budget(settings.replay_rate_most), texts, Tails(pool), measures)
    return Deliverer(means, settings.instance, settings.webhook_poll_seconds)


def make_teller(settings: PartnersSettings, pool: Pool) -> Teller:
    """Return what tells agencies of erasures, with connections and a producer of its own."""
    poster, box = Poster(settings.networks()), SecretBox(settings.webhook_keys())
    publisher = AgencyPublisher(settings.kafka(), f"erasures-{settings.instance}")
    return Teller(pool, poster, box, publisher, settings.erasure_seconds)


def worker_parts(settings: PartnersSettings, pool: Pool, health: Health) -> list[Part]:
    """Return consumer, ticker, deliverer, who writes the topics of agencies, and who tells of erasures, watched by ``health``."""
    consumer = make_consumer(pool, settings.kafka(), settings.instance)
    ticker = Ticker(pool, settings.tick_seconds, timedelta(days=settings.retention_days))
    texts, measures = Texts(pool), Measures(health.metrics)
    publisher = AgencyPublisher(settings.kafka(), f"agencies-{settings.instance}")
    writer = Writer(pool, publisher, texts, settings.kafka_seconds, measures)
    health.metrics.look("deliveries", deliveries_look(pool, texts))
    watch_consumer(health, consumer)
    health.add("ticker", ticker.pulse.check, live=True)
    deliverer = make_deliverer(settings, pool, texts, measures)
    health.add("deliverer", deliverer.pulse.check, live=True)
    health.add("writer", writer.pulse.check, live=True)
    teller = make_teller(settings, pool)
    health.add("teller", teller.pulse.check, live=True)
    return [consumer.run, ticker.run, deliverer.run, writer.run, teller.run]


async def run_api(settings: PartnersSettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), app.state.watch.run, partial(purge_keys, pool))
        await close_app(app)


async def run_worker(settings: PartnersSettings, stop: asyncio.Event) -> None:
    """Consume, tick and deliver until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        health = database_health(NAME, settings, pool)
        parts = worker_parts(settings, pool, health)
        await together(stop, *parts, partial(run_health, health, settings))


async def run_all(settings: PartnersSettings, stop: asyncio.Event) -> None:
    """Everything in one process, with one health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        health = app.state.health
        relay = make_relay(settings, health)
        parts: list[Part] = [
            partial(run_http, app, settings),
            app.state.watch.run,
            partial(purge_keys, pool),
            relay.run,
            *worker_parts(settings, pool, health),
        ]
        await together(stop, *parts)
        await close_app(app)


SERVICE = Service(
    NAME,
    PartnersSettings,
    migrations,
    {"api": run_api, "worker": run_worker, "relay": partial(run_relay, NAME), "all": run_all},
)
