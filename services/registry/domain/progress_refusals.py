"""Refusals about classes, assessments and readiness for export: named, with what the rule compared, in Indonesian."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.registry.domain.refusals import RefusalError
from shared.contracts.progress import Aspect
from shared.contracts.registry import BusinessClass, Evidence


class EvidenceMissingError(RefusalError):
    """The rise of a class needs evidence."""

    slug, title = "bukti-naik-kelas", "Naik kelas memerlukan bukti"

    def __init__(self, previous: BusinessClass, current: BusinessClass) -> None:
        self.previous, self.current = previous, current
        names = ", ".join(sorted(Evidence))
        super().__init__(
            f"Naik kelas dari {previous} ke {current} memerlukan paling sedikit satu bukti: {names}.",
            previous=previous.value,
            current=current.value,
            allowed=[one.value for one in Evidence],
        )


class UnknownListError(RefusalError):
    """There is no such version of a list."""

    slug, title = "versi-tidak-dikenal", "Versi tidak dikenal"

    def __init__(self, name: str, version: int | None) -> None:
        self.name, self.version = name, version
        super().__init__(f"Tidak ada {name} versi {version}.", current=version)


class ScoresError(RefusalError):
    """An assessment scores each of the five aspects, 1 to 5."""

    slug, title = "nilai-lima-aspek", "Nilai tidak lengkap"

    def __init__(self, scores: Mapping[Aspect, int]) -> None:
        self.scores = dict(scores)
        super().__init__(
            "Penilaian memuat kelima aspek, masing-masing 1 sampai 5.",
            current={str(aspect): score for aspect, score in scores.items()},
        )


class UnknownItemError(RefusalError):
    """An item does not stand in this version of the checklist."""

    slug, title = "butir-tidak-dikenal", "Butir tidak dikenal"

    def __init__(self, version: int, unknown: Sequence[str], known: Sequence[str]) -> None:
        self.version, self.unknown, self.known = version, tuple(unknown), tuple(known)
        super().__init__(
            f"Daftar kesiapan ekspor versi {version} tidak memuat: {', '.join(unknown)}.",
            current=list(unknown),
            allowed=list(known),
        )
