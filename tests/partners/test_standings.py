"""How a stream stands on its way: every combination has one word, and the word says what is in its way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.partners.domain.lanes import LaneState
from services.partners.domain.standings import Standing, of_endpoint, of_topic
from services.partners.domain.webhooks import WebhookState

STATES, FLAGS = st.sampled_from(WebhookState), st.booleans()
LANES = st.sampled_from([None, *LaneState])


@given(STATES, FLAGS, st.integers(0, 3), FLAGS)
def test_an_endpoint_is_posted_to_only_where_its_state_and_its_agreement_let_it(
    state: WebhookState, granted: bool, tries: int, behind: bool
) -> None:
    found = of_endpoint(state, granted=granted, tries=tries, behind=behind)
    goes = found in {Standing.TERKINI, Standing.BERJALAN, Standing.MENUNGGU}
    assert goes is (granted and state is WebhookState.AKTIF)
    if goes:
        assert (found is Standing.MENUNGGU) is (tries > 0)
        assert found is not Standing.TERKINI or not behind
    elif state is WebhookState.DIHAPUS or granted:
        assert found.value == state.value
    else:
        assert found is Standing.DITUTUP


@given(LANES, FLAGS, FLAGS)
def test_a_topic_is_written_unless_it_stopped_or_its_agreement_did(
    state: LaneState | None, granted: bool, behind: bool
) -> None:
    found = of_topic(state, granted=granted, behind=behind)
    if not granted:
        assert found is Standing.DITUTUP
    elif state is LaneState.BERHENTI:
        assert found is Standing.BERHENTI
    else:
        assert found is (Standing.BERJALAN if behind else Standing.TERKINI)
