"""The wiring of the worker of the partner service, from settings."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from services.partners.consumers import make_consumer
from services.partners.domain.replays import Budget
from services.partners.handlers.carrying import Means
from services.partners.handlers.delivering import Deliverer
from services.partners.handlers.measuring import Measures, deliveries_look
from services.partners.handlers.opening import PURPOSE
from services.partners.handlers.posting import Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.tail import Tails
from services.partners.handlers.telling import Teller
from services.partners.handlers.texts import Texts
from services.partners.handlers.ticking import Ticker
from services.partners.handlers.writing import AgencyPublisher, Writer
from services.partners.settings import NAME, PartnersSettings
from shared.database import Pool
from shared.health import Health, watch_consumer
from shared.keys import KeyClient, token_reader
from shared.process import Part
from shared.service import run_parts


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


run_worker = partial(run_parts, NAME, worker_parts)
"""Consume, tick and deliver until ``stop`` is set; on HTTP_PORT nothing but health."""
