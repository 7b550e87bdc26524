"""A refusal says for itself what was refused, so that whoever tells the participant needs nothing else."""

from __future__ import annotations

from uuid import uuid4

from services.training.commands import Enrol
from services.training.domain import seats
from services.training.domain.models import S
from shared.contracts.training import EnrolmentRejected, LeavingCause, Selection
from tests.training.test_rules import START, a_batch, a_course, an_applicant


def test_a_refusal_names_the_training_and_when_it_begins() -> None:
    course = a_course()
    batch = a_batch(course, selection=Selection.SETELAH_BATAS)
    command = Enrol(uuid4(), batch.id, uuid4(), uuid4())
    batch, enrolled = seats.enrol(course, batch, command, an_applicant(command.owner_id), START)
    [change] = seats.reject(batch, enrolled.after, 1, LeavingCause.LAINNYA).changes
    [fact] = change.facts
    assert isinstance(fact, EnrolmentRejected)
    assert (change.after.state, fact.cause) == (S.DITOLAK, LeavingCause.LAINNYA)
    assert (fact.title, fact.place, fact.starts_at) == (batch.title, "Aula", batch.starts_at)
