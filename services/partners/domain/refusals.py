"""Refusals: named, with the values that led to them; their text is Indonesian, because officers and agencies read it."""

from __future__ import annotations

from datetime import datetime

from shared.contracts.endings import Ending
from shared.contracts.partnership import AgreementState, DeliveryWay
from shared.refusals import DeedRefusedError
from shared.wita import write_day, write_moment


class RefusalError(DeedRefusedError):
    """A deed that a rule of agreements or of the feed refuses."""


class AgencyBoundError(RefusalError):
    """The agency has an agreement that goes on: what it may see is said in one text."""

    slug, title = "instansi-sudah-terikat", "Instansi sudah memiliki perjanjian"

    def __init__(self, agency: str, agreement_id: object) -> None:
        text = f"Instansi {agency} masih memiliki perjanjian; ubah perjanjian itu, atau akhiri dahulu."
        super().__init__(text, agency=agency, agreement_id=str(agreement_id))


class PeriodError(RefusalError):
    """It begins before it ends, and does not end in the past."""

    slug, title = "masa-perjanjian", "Masa perjanjian tidak sah"

    def __init__(self, starts_at: datetime, expires_at: datetime) -> None:
        text = f"Perjanjian berakhir {write_moment(expires_at)}: harus sesudah mulai dan sesudah sekarang."
        super().__init__(text, starts_at=starts_at.isoformat(), expires_at=expires_at.isoformat())


class UnknownTypeError(RefusalError):
    """There is no such type of event, or it is not for agencies."""

    slug, title = "jenis-peristiwa-tidak-dikenal", "Jenis peristiwa tidak dikenal"

    def __init__(self, type_name: str) -> None:
        super().__init__(f"Jenis peristiwa {type_name} tidak ada untuk instansi.", event_type=type_name)


class TypeEndsError(RefusalError):
    """The end of this type was announced, so no text grants it anew."""

    slug, title = "jenis-peristiwa-berakhir", "Jenis peristiwa berakhir"

    def __init__(self, type_name: str, ending: Ending) -> None:
        text = (
            f"Jenis peristiwa {type_name} tidak diberikan lagi: diterbitkan sampai {write_day(ending.last_day)}. "
            f"Penggantinya {ending.successor}."
        )
        told = {"successor": ending.successor, "last_day": ending.last_day.isoformat()}
        super().__init__(text, event_type=type_name, **told)


class TypeTwiceError(RefusalError):
    """A type is granted in two places."""

    slug, title = "jenis-peristiwa-ganda", "Jenis peristiwa disebut dua kali"

    def __init__(self, type_name: str) -> None:
        super().__init__(f"Jenis peristiwa {type_name} disebut dua kali; satukan kolomnya.", event_type=type_name)


class FieldRefusedError(RefusalError):
    """The field is not there, is sensitive, or is personal without a legal basis that allows it."""

    slug, title = "kolom-tidak-boleh", "Kolom tidak boleh diberikan"

    def __init__(self, type_name: str, field: str) -> None:
        text = f"Kolom {field} dari {type_name} tidak ada, atau dasar hukum perjanjian ini tidak membolehkannya."
        super().__init__(text, event_type=type_name, field=field)


class IdentityMissingError(RefusalError):
    """The aggregate's id stands in every envelope, so it must be granted."""

    slug, title = "kolom-pengenal", "Kolom pengenal harus diberikan"

    def __init__(self, type_name: str, field: str) -> None:
        text = f"Kolom {field} tampak pada setiap peristiwa {type_name}; cantumkan sebagai kolom yang diberikan."
        super().__init__(text, event_type=type_name, field=field)


class TransitionRefusedError(RefusalError):
    """This cannot be done with an agreement in this state."""

    slug, title = "keadaan-perjanjian", "Tidak dapat dilakukan dalam keadaan ini"

    def __init__(self, deed: str, state: AgreementState) -> None:
        super().__init__(f"Perjanjian {state} tidak dapat {deed}.", state=state.value)


class NothingToSignError(RefusalError):
    """There is no text that waits for a signature."""

    slug, title = "tidak-ada-naskah", "Tidak ada naskah untuk ditandatangani"

    def __init__(self) -> None:
        super().__init__("Tidak ada naskah yang menunggu tanda tangan.")


class SameSignerError(RefusalError):
    """The second signature must be another person's."""

    slug, title = "penanda-tangan-sama", "Penanda tangan harus orang lain"

    def __init__(self) -> None:
        super().__init__("Anda sudah menandatangani naskah ini; tanda tangan kedua harus dari orang lain.")


class NoAgreementError(RefusalError):
    """No agreement of the agency grants anything now; ``state`` says why not."""

    slug, title = "tanpa-perjanjian", "Tidak ada perjanjian yang berlaku"

    def __init__(self, agency: str | None, state: str | None) -> None:
        text = f"Instansi {agency or '(tanpa kode)'} tidak memiliki perjanjian yang berlaku saat ini."
        super().__init__(text, agency=agency, state=state)


class WayRefusedError(RefusalError):
    """The agreement does not name this way of delivery."""

    slug, title = "cara-tidak-diperjanjikan", "Cara pengiriman tidak diperjanjikan"

    def __init__(self, way: DeliveryWay) -> None:
        super().__init__(f"Perjanjian tidak menyebut cara {way}.", way=way.value)


class StreamRefusedError(RefusalError):
    """The agreement grants no type of this stream."""

    slug, title = "aliran-tidak-diperjanjikan", "Aliran tidak diperjanjikan"

    def __init__(self, stream: str) -> None:
        super().__init__(f"Perjanjian tidak memberikan peristiwa dari aliran {stream}.", stream=stream)


class CursorError(RefusalError):
    """The cursor is not one of ours: mistyped, cut off, tampered with."""

    slug, title = "kursor-tidak-sah", "Kursor tidak sah"

    def __init__(self) -> None:
        super().__init__("Kursor tidak dikenal; pakai kursor terakhir dari jawaban kami, atau mulai tanpa kursor.")


class CursorStreamError(RefusalError):
    """The cursor belongs to another stream."""

    slug, title = "kursor-aliran-lain", "Kursor milik aliran lain"

    def __init__(self, stream: str) -> None:
        super().__init__(f"Kursor ini bukan untuk aliran {stream}.", stream=stream)


class CursorAgencyError(RefusalError):
    """The cursor was given to another agency."""

    slug, title = "kursor-instansi-lain", "Kursor milik instansi lain"

    def __init__(self) -> None:
        super().__init__("Kursor ini diberikan kepada instansi lain.")


class HistoryGoneError(RefusalError):
    """What comes after the cursor is not kept any more; ``first`` is the cursor of what is."""

    slug, title = "riwayat-sudah-dihapus", "Riwayat sudah tidak disimpan"

    def __init__(self, first: str) -> None:
        super().__init__("Peristiwa sesudah kursor ini sudah tidak disimpan; lanjutkan dari kursor first.", first=first)


class CursorAheadError(RefusalError):
    """The cursor is ahead of the stream: our store was set back to an earlier state."""

    slug, title = "kursor-mendahului", "Kursor mendahului aliran"

    def __init__(self, last: str) -> None:
        super().__init__("Kursor ini mendahului aliran; lanjutkan dari kursor last.", last=last)


class CursorHistoryError(RefusalError):
    """The cursor tells of events that went with the store when a backup was brought back; others came in their place."""

    slug, title = "kursor-riwayat-lain", "Kursor dari riwayat sebelum pemulihan"

    def __init__(self, last: str) -> None:
        text = (
            "Kursor ini diberikan sebelum data kami dipulihkan dari cadangan, dan sebagian peristiwa sebelum kursor ini sudah tidak ada; "
            "lanjutkan dari kursor last."
        )
        super().__init__(text, last=last)


class UrlRefusedError(RefusalError):
    """Nothing is posted to such an address; ``why`` says which rule it breaks."""

    slug, title = "alamat-webhook", "Alamat webhook tidak boleh"

    def __init__(self, why: str) -> None:
        text = f"Alamat ini tidak dapat dipakai ({why}): https ke internet, tanpa nama pengguna dan fragmen."
        super().__init__(text, why=why)


class WebhookStateError(RefusalError):
    """This cannot be done with an endpoint in this state."""

    slug, title = "keadaan-webhook", "Tidak dapat dilakukan dalam keadaan ini"

    def __init__(self, deed: str, state: str) -> None:
        super().__init__(f"Webhook yang {state} tidak dapat {deed}.", state=str(state))


class TooManyWebhooksError(RefusalError):
    """The agency has as many endpoints as it may have."""

    slug, title = "webhook-terlalu-banyak", "Webhook terlalu banyak"

    def __init__(self, most: int) -> None:
        super().__init__(f"Satu instansi paling banyak memiliki {most} webhook.", most=most)


class TooManySecretsError(RefusalError):
    """So many secrets are valid already; the oldest ends by itself."""

    slug, title = "kunci-terlalu-banyak", "Kunci yang berlaku terlalu banyak"

    def __init__(self, most: int) -> None:
        super().__init__(f"Paling banyak {most} kunci berlaku bersamaan; tunggu sampai yang lama berakhir.", most=most)


class LaneStateError(RefusalError):
    """A lane that did not stop cannot go on."""

    slug, title = "keadaan-jalur", "Tidak dapat dilakukan dalam keadaan ini"

    def __init__(self, state: str) -> None:
        super().__init__(f"Aliran ke topik yang {state} tidak dapat dilanjutkan.", state=str(state))


class LaneHistoryGoneError(RefusalError):
    """Events that were not written into a topic are not kept any more; ``positions``: so many places of the stream."""

    slug, title = "riwayat-jalur-dihapus", "Peristiwa yang belum tertulis sudah tidak disimpan"

    def __init__(self, stream: str, positions: int) -> None:
        text = (
            "Sebagian peristiwa yang belum tertulis sudah tidak disimpan; kirim skip_lost untuk melanjutkan tanpanya."
        )
        super().__init__(text, stream=stream, positions=positions)


class WebhookHistoryGoneError(RefusalError):
    """Events that were not delivered are not kept any more; ``streams`` are those that miss some."""

    slug, title = "riwayat-webhook-dihapus", "Peristiwa yang belum terkirim sudah tidak disimpan"

    def __init__(self, streams: tuple[str, ...]) -> None:
        text = (
            "Sebagian peristiwa yang belum terkirim sudah tidak disimpan; kirim skip_lost untuk melanjutkan tanpanya."
        )
        super().__init__(text, streams=list(streams))


class ReplayRangeError(RefusalError):
    """What is to be posted again is no range; ``why`` says which rule it breaks."""

    slug, title = "rentang-putar-ulang", "Rentang putar ulang tidak sah"

    def __init__(self, why: str) -> None:
        text = (
            f"Rentang ini tidak dapat diputar ulang ({why}): isi since, atau after dengan kursor dari tepat satu aliran; "
            "until sesudah since; tiap aliran sekali."
        )
        super().__init__(text, why=why)


class ReplayRateError(RefusalError):
    """Replays are not so fast."""

    slug, title = "laju-putar-ulang", "Laju putar ulang tidak boleh"

    def __init__(self, most: int) -> None:
        super().__init__(f"Laju putar ulang paling sedikit 1 dan paling banyak {most} peristiwa per detik.", most=most)


class ReplayRunsError(RefusalError):
    """A replay of the endpoint goes on."""

    slug, title = "putar-ulang-berjalan", "Putar ulang masih berjalan"

    def __init__(self, replay_id: object) -> None:
        text = f"Putar ulang {replay_id} dari webhook ini masih berjalan; tunggu sampai selesai, atau batalkan dahulu."
        super().__init__(text, replay_id=str(replay_id))


class ReplayStateError(RefusalError):
    """This cannot be done with a replay in this state."""

    slug, title = "keadaan-putar-ulang", "Tidak dapat dilakukan dalam keadaan ini"

    def __init__(self, deed: str, state: str) -> None:
        super().__init__(f"Putar ulang yang {state} tidak dapat {deed}.", state=str(state))


class NoticeAnsweredError(RefusalError):
    """The notice was acknowledged already, with ``outcome``."""

    slug, title = "pemberitahuan-sudah-dijawab", "Pemberitahuan penghapusan sudah dijawab"

    def __init__(self, outcome: str) -> None:
        super().__init__(f"Pemberitahuan ini sudah dijawab: {outcome}.", outcome=str(outcome))


class ReferenceMissingError(RefusalError):
    """An officer names the agency's letter, and an agency that keeps the data the law that obliges it."""

    slug, title = "rujukan-tidak-ada", "Rujukan belum disebut"

    def __init__(self, outcome: str) -> None:
        text = "Sebutkan rujukannya: surat instansi, atau peraturan yang mewajibkan data disimpan."
        super().__init__(text, outcome=str(outcome))
