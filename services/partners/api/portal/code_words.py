"""Codes as the pages say them: states, reasons, ways, legal bases, and what came of posting; in Indonesian and in English."""

from __future__ import annotations

from collections.abc import Mapping

from services.partners.api.portal.erasure_words import ANSWERS, NOTICE_STATES, OBSTACLES, TOLD_WAYS
from services.partners.api.portal.lane_words import LANE_STATES, LANE_STOPS, STANDINGS, WHAT_TO_DO
from services.partners.api.portal.replay_words import RANGE_RULES, REPLAY_STATES, REPLAY_STOPS
from services.partners.domain.models import Agreement
from services.partners.domain.webhooks import DisabledReason, WebhookState
from shared.contracts.partnership import AgreementState, DeliveryWay, LegalBasis, SuspensionCause
from shared.wita import write_moment

Pair = tuple[str, str]

AGREEMENT_STATES: Mapping[str, Pair] = {
    AgreementState.DRAF: ("draf", "draft"),
    AgreementState.DITANDATANGANI: ("ditandatangani, belum mulai", "signed, not begun"),
    AgreementState.AKTIF: ("berlaku", "in force"),
    AgreementState.DITANGGUHKAN: ("ditangguhkan", "suspended"),
    AgreementState.KEDALUWARSA: ("masanya habis", "expired"),
    AgreementState.BERAKHIR: ("diakhiri", "ended"),
}
WEBHOOK_STATES: Mapping[str, Pair] = {
    WebhookState.AKTIF: ("aktif", "active"),
    WebhookState.DIJEDA: ("dijeda", "paused"),
    WebhookState.DIMATIKAN: ("dimatikan", "disabled"),
    WebhookState.DIHAPUS: ("dihapus", "removed"),
}
DISABLED: Mapping[str, Pair] = {
    DisabledReason.GAGAL_TIGA_HARI: (
        "tiga hari tanpa satu pun yang berhasil; tidak ada yang hilang, lanjutkan bila sudah diperbaiki",
        "three days without a success; nothing is lost, resume it when it is mended",
    ),
    DisabledReason.DIJAWAB_410: (
        "alamatnya menjawab 410: jangan kirim lagi; lanjutkan bila itu keliru",
        "its address answered 410, send no more; resume it if that was a mistake",
    ),
    DisabledReason.RIWAYAT_DIHAPUS: (
        "terlalu lama berhenti: sebagian yang belum terkirim sudah tidak disimpan",
        "it stood still for too long: some of what was not delivered is not kept any more",
    ),
}
WAYS: Mapping[str, Pair] = {
    DeliveryWay.KAFKA: (
        "Kafka (topik sendiri, tanpa data pribadi)",
        "Kafka (a topic of its own, without personal data)",
    ),
    DeliveryWay.WEBHOOK: ("webhook", "webhook"),
    DeliveryWay.FEED: ("aliran (feed)", "feed"),
}
BASES: Mapping[str, Pair] = {
    LegalBasis.TANPA_DATA_PRIBADI: ("tanpa data pribadi", "without personal data"),
    LegalBasis.PERSETUJUAN: ("persetujuan pemilik data", "consent of the person"),
    LegalBasis.PERJANJIAN: ("perjanjian", "contract"),
    LegalBasis.KEWAJIBAN_HUKUM: ("kewajiban hukum", "legal obligation"),
    LegalBasis.KEPENTINGAN_VITAL: ("kepentingan vital", "vital interest"),
    LegalBasis.KEPENTINGAN_UMUM: ("kepentingan umum", "public interest"),
    LegalBasis.KEPENTINGAN_SAH: ("kepentingan sah lainnya", "other legitimate interest"),
}
CAUSES: Mapping[str, Pair] = {
    SuspensionCause.DUGAAN_PELANGGARAN: ("dugaan pelanggaran", "suspected breach"),
    SuspensionCause.PERMINTAAN_INSTANSI: ("permintaan instansi", "at the agency's request"),
    SuspensionCause.PERUBAHAN_HUKUM: ("perubahan hukum", "change of law"),
    SuspensionCause.TUJUAN_SELESAI: ("tujuannya selesai", "its purpose is fulfilled"),
    SuspensionCause.LAINNYA: ("lainnya; tanyakan kepada dinas", "other; ask the office"),
}
URL_RULES: Mapping[str, Pair] = {
    "karakter": (
        "ada karakter yang tidak boleh, atau terlalu panjang",
        "it holds a character that may not be, or is too long",
    ),
    "bentuk": ("bentuknya bukan alamat https", "it is not an https address"),
    "nama_pengguna": ("memuat nama pengguna", "it holds a user name"),
    "fragmen": ("memuat fragmen (#)", "it holds a fragment (#)"),
    "https": ("harus https", "it must be https"),
    "porta": ("portanya tidak boleh; yang boleh 443 dan 8443", "its port is closed; 443 and 8443 are open"),
    "alamat_metadata": ("alamat ini selalu tertutup", "this address is always closed"),
    "alamat_tertutup": ("bukan alamat di internet", "it is not an address of the internet"),
}
OUTCOMES: Mapping[str, Pair] = {
    **URL_RULES,
    "waktu_habis": ("tidak menjawab dalam 15 detik", "no answer within 15 seconds"),
    "nama_tidak_ditemukan": ("nama alamatnya tidak ditemukan", "the name of its address was not found"),
    "sertifikat": ("sertifikatnya tidak sah", "its certificate is not valid"),
    "tidak_tersambung": ("tidak dapat disambung", "no connection"),
    "sambungan_putus": ("sambungan putus", "the connection broke"),
    "kesalahan_sendiri": ("kesalahan di pihak kami", "an error on our side"),
    "tanpa_alamat": ("namanya tidak mempunyai alamat", "its name has no address"),
}
"""Codes of a try that came to nothing; an answer's status is told as a number."""


class Codes:
    """Says codes in one language."""

    def __init__(self, place: int, language: str) -> None:
        self._place = place
        self._language = language

    def _say(self, said: Mapping[str, Pair], code: str) -> str:
        return said[code][self._place] if code in said else code

    def agreement(self, state: str) -> str:
        """Return a state of an agreement in words."""
        return self._say(AGREEMENT_STATES, state)

    def webhook(self, state: str) -> str:
        """Return a state of an endpoint in words."""
        return self._say(WEBHOOK_STATES, state)

    def reason(self, reason: str) -> str:
        """Return in words why an endpoint was disabled."""
        return self._say(DISABLED, reason)

    def way(self, way: str) -> str:
        """Return a way of delivery in words."""
        return self._say(WAYS, way)

    def basis(self, basis: str) -> str:
        """Return a legal basis in words."""
        return self._say(BASES, basis)

    def url_rule(self, why: str) -> str:
        """Return in words which rule an address breaks."""
        return self._say(URL_RULES, why)

    def replay(self, state: str) -> str:
        """Return a state of a replay in words."""
        return self._say(REPLAY_STATES, state)

    def replay_stop(self, reason: str) -> str:
        """Return in words why a replay was stopped."""
        return self._say(REPLAY_STOPS, reason)

    def range_rule(self, why: str) -> str:
        """Return in words which rule the range of a replay breaks."""
        return self._say(RANGE_RULES, why)

    def standing(self, standing: str) -> str:
        """Return in words how a stream stands on its way."""
        return self._say(STANDINGS, standing)

    def what_to_do(self, standing: str) -> str:
        """Return what can be done where a stream stands so."""
        return self._say(WHAT_TO_DO, standing)

    def lane(self, state: str) -> str:
        """Return a state of a lane in words."""
        return self._say(LANE_STATES, state)

    def lane_stop(self, reason: str) -> str:
        """Return in words why a lane stopped."""
        return self._say(LANE_STOPS, reason)

    def notice(self, state: str) -> str:
        """Return a state of a notice of erasure in words."""
        return self._say(NOTICE_STATES, state)

    def answer(self, outcome: str) -> str:
        """Return in words what an agency has done with what it held."""
        return self._say(ANSWERS, outcome)

    def obstacle(self, obstacle: str) -> str:
        """Return in words why a notice did not reach its agency."""
        return self._say(OBSTACLES, obstacle)

    def told_way(self, way: str) -> str:
        """Return in words how a notice was told."""
        return self._say(TOLD_WAYS, way)

    def outcome(self, error: str | None) -> str:
        """Return in words what came of a try."""
        if error is None:
            return ("diterima", "accepted")[self._place]
        if error.startswith("http_"):
            return (f"ditolak dengan {error[5:]}", f"refused with {error[5:]}")[self._place]
        return self._say(OUTCOMES, error)

    def why(self, agreement: Agreement, state: AgreementState) -> str:
        """Return in words why an agreement is in a state."""
        match state:
            case AgreementState.DRAF:
                signed = len(agreement.signers)
                return (f"{signed} dari 2 tanda tangan", f"{signed} of 2 signatures")[self._place]
            case AgreementState.DITANGGUHKAN | AgreementState.BERAKHIR:
                return "–" if agreement.cause is None else self._say(CAUSES, agreement.cause)
        if agreement.terms is None:
            return "–"
        if state is AgreementState.DITANDATANGANI:
            begins = write_moment(agreement.terms.starts_at, self._language)
            return (f"mulai {begins}", f"begins {begins}")[self._place]
        ends = write_moment(agreement.terms.expires_at, self._language)
        return (f"sampai sesaat sebelum {ends}", f"until just before {ends}")[self._place]
