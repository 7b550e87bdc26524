"""Posts to endpoints as spans: under who follows the event, also when it waited and when it is tried again; a replay is nobody's."""

from __future__ import annotations

from uuid import uuid4

from shared.envelope import Event
from shared.tracing.running import TraceSettings, traced
from tests.desk import Member
from tests.partners.bureau import Bureau
from tests.partners.receiving import agree_and_register, delivering, make_deliverer, receiving
from tests.partners.replaying import followed, replay
from tests.partners.test_webhook_delivery import caught_up, failing
from tests.tracing.receiving import receiving_spans


def in_trace(event: Event, trace_id: str) -> Event:
    """Return the event as a command made it that somebody follows."""
    return event._replace(meta=event.meta._replace(traceparent=f"00-{trace_id}-{uuid4().hex[:16]}-01"))


async def test_a_post_is_told_under_who_follows_the_event_and_a_replay_under_nobody(bureau: Bureau) -> None:
    trace_id = uuid4().hex
    with receiving_spans() as traces, traced(TraceSettings(traces.endpoint), "partners", "worker", "worker-1"):
        async with receiving() as receiver, delivering(make_deliverer(bureau)):
            receiver.answer = failing(500, 1)
            _, endpoint = await agree_and_register(bureau, receiver.url)
            owner = bureau.story.owner()
            business = bureau.business(owner.fact.aggregate_id)
            member = Member(owner.fact.aggregate_id, business.fact.aggregate_id)
            await bureau.hear(owner, in_trace(bureau.completed(member), trace_id))  # waits for the business
            await bureau.hear(business)
            await receiver.until(2)
            for stream in ("business", "enrolment"):
                await caught_up(endpoint, stream)
            await followed(endpoint, await replay(endpoint))
    (process,) = (span for span in traces.spans if span.kind == "consumer")
    posts = {span.span_id: span for span in traces.spans if span.name == "POST webhook"}
    carried = {item.headers["traceparent"]: item for item in receiver.posted if "traceparent" in item.headers}
    assert carried.keys() == {f"00-{trace_id}-{span_id}-01" for span_id in posts}
    assert {span.parent for span in posts.values()} == {process.span_id}
    assert posts
    assert [item.status for item in receiver.posted].count(500) == 1
    for line, item in carried.items():
        post = posts[line.split("-")[2]]
        assert (post.attributes["http.response.status_code"], post.failed) == (item.status, item.status == 500)
        assert post.attributes.get("error.type") == ("http_500" if item.status == 500 else None)
        assert post.attributes["messaging.message.id"] == item.id
    assert len(receiver.posted) == 2 + 1 + 2
