"""A text that replaces another one grants from its first moment on, whatever a worker has seen of it."""

from __future__ import annotations

from tests.partners.bureau import OPEN, REGISTERED, VERIFIED, Bureau, agreement_form
from tests.partners.receiving import WAYS, agree_and_register, delivering, make_deliverer, receiving


async def test_what_a_new_text_grants_is_posted_though_the_worker_goes_by_the_old_one_a_moment_longer(
    bureau: Bureau,
) -> None:
    async with receiving() as receiver, delivering(make_deliverer(bureau)):
        narrow = {REGISTERED: OPEN[REGISTERED]}
        agreement, endpoint = await agree_and_register(bureau, receiver.url, grants=narrow)
        businesses = await bureau.businesses(3)
        await receiver.until(3)
        form = {name: value for name, value in agreement_form(OPEN, **WAYS).items() if name != "agency"}
        done = await bureau.operator().put(f"/agreements/{agreement}/draft", form, await bureau.version(agreement))
        assert done.status_code == 200
        await bureau.sign_twice(agreement)
        for business_id in businesses:
            await bureau.hear(bureau.story.verified(business_id))
        posted = await receiver.until(6)
        assert [item.event().get_type() for item in posted] == [REGISTERED] * 3 + [VERIFIED] * 3
        assert (await endpoint.lag("business"))["last"] == 6
