"""People and businesses that do not exist, with cells as kelurahan type them."""

from __future__ import annotations

from random import Random

FIRST = [
    "Siti",
    "Aminah",
    "Nur",
    "Sri",
    "Dewi",
    "Ratna",
    "Yuni",
    "Wati",
    "Endang",
    "Lestari",
    "Rina",
    "Fitri",
    "Ayu",
    "Indah",
    "Maya",
    "Rahma",
    "Hasanah",
    "Halimah",
    "Bunga",
    "Kartika",
    "Ahmad",
    "Muhammad",
    "Budi",
    "Agus",
    "Eko",
    "Dwi",
    "Tri",
    "Slamet",
    "Hadi",
    "Joko",
    "Bambang",
    "Rudi",
    "Andi",
    "Arif",
    "Yusuf",
    "Ibrahim",
    "Ismail",
    "Hasan",
    "Anwar",
    "Syahrul",
]
LAST = [
    "Rahman",
    "Saleh",
    "Hidayat",
    "Santoso",
    "Wijaya",
    "Susanto",
    "Setiawan",
    "Kurniawan",
    "Pratama",
    "Saputra",
    "Lubis",
    "Siregar",
    "Nasution",
    "Manurung",
    "Sinaga",
    "Mappanyukki",
    "Daeng",
    "Lamaming",
    "Pongtuluran",
    "Tandi",
    "Banjar",
    "Paser",
    "Kutai",
    "Dayak",
    "Lawang",
    "Ngabehi",
    "Suryani",
    "Maharani",
    "Anggraini",
    "Permata",
]
TITLES = ("", "", "", "", "", "H. ", "Hj. ", "Drs. ")
DEGREES = ("", "", "", "", "", ", S.E.", ", S.Pd.", ", S.H., M.M.")
TRADES = (
    ("Warung Mantau", "Kuliner"), ("Amplang", "Kuliner"), ("Kue", "kuliner"), ("Katering", "KULINER"), ("Toko", "Dagang"),
    ("Kios", "Perdagangan"), ("Bengkel", "Jasa"), ("Laundry", "jasa"), ("Penjahit", "Fashion"), ("Batik", "Fesyen"),
    ("Anyaman", "Kriya"), ("Sablon", "Percetakan"), ("Tambak", "Perikanan"), ("Kebun", "Pertanian"), ("Salon", "Jasa"),
)  # fmt: skip
STREETS = (
    "Mulawarman",
    "Proklamasi",
    "MT Haryono",
    "Jend. Sudirman",
    "Soekarno Hatta",
    "Gn. Samarinda",
    "Marsma Iswahyudi",
)
HOSTILE = (
    "=cmd|' /C calc'!A0", "+SUM(1+1)*cmd", "@SUM(A1:A9)", "-2+3+cmd|' /C calc'!A0", "=HYPERLINK(\"x\",\"klik\")",
    "'; DROP TABLE owner; --", "\" OR 1=1 --", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{7*7}}",
    "${jndi:ldap://x}", "../../etc/passwd", "\u202egnuraw\u202c", "Kios 🥟 Mantau", "％s％n", "\\N", "NULL", "＝1+1",
)  # fmt: skip


class People:
    """Gives one owner after another; no two have the same NIK."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self._count = 0

    def owner(self) -> dict[str, str]:
        """Return the cells that speak of a new owner."""
        dice = self.dice
        number, self._count = self._count, self._count + 1
        serial, rest = 9900 + number % 100, number // 100
        day, rest = rest % 28 + 1, rest // 28
        month, rest = rest % 12 + 1, rest // 12
        year, district = 55 + rest % 45, 1 + rest // 45 % 6
        woman = dice.random() < 0.6
        nik = f"6471{district:02d}{day + 40 * woman:02d}{month:02d}{year:02d}{serial}"
        name = dice.choice(FIRST) if dice.random() < 0.15 else f"{dice.choice(FIRST)} {dice.choice(LAST)}"
        if dice.random() < 0.05:
            name = name.replace("Nur", "Nur'") if "Nur" in name else f"Ma'{name.lower()}"
        typed = dice.choice(TITLES) + (name.upper() if dice.random() < 0.2 else name) + dice.choice(DEGREES)
        return {
            "NIK": nik,
            "NAMA PEMILIK": typed,
            "NO HP / WA": self.phone(),
            "TGL LAHIR": f"{day:02d}-{month:02d}-19{year}",
        }

    def phone(self) -> str:
        """Return a phone as somebody types it; families share them."""
        tail = f"{self.dice.randrange(10_000):04d}"
        shapes = (
            f"08120000{tail}",
            f"0812-0000-{tail}",
            f"0812 0000 {tail}",
            f"628120000{tail}",
            f"+62 812 0000 {tail}",
        )
        return self.dice.choice(shapes)

    def business(self) -> dict[str, str]:
        """Return the cells that speak of a business."""
        dice = self.dice
        trade, sector = dice.choice(TRADES)
        return {
            "NAMA USAHA": f"{trade} {dice.choice(FIRST)} {dice.randrange(1, 999)}",
            "ALAMAT": f"Jl. {dice.choice(STREETS)} RT {dice.randrange(1, 60)} No. {dice.randrange(1, 200)}",
            "JENIS USAHA": sector,
            "MODAL (Rp)": self.money(dice.randrange(1, 400) * 250_000),
            "OMSET / TAHUN (Rp)": self.money(dice.randrange(4, 900) * 500_000) if dice.random() < 0.9 else "-",
            "NIB": f"{dice.randrange(10**12):013d}" if dice.random() < 0.5 else "",
        }

    def money(self, amount: int) -> str:
        """Return an amount as somebody types it."""
        dotted = f"{amount:,}".replace(",", ".")
        shapes = [f"Rp {dotted}", f"Rp {dotted},00", dotted, f"{dotted},-", str(amount)]
        if amount % 1_000_000 == 0:
            shapes += [f"{amount // 1_000_000}jt", f"{amount // 1_000_000} juta"]
        elif amount % 100_000 == 0:
            shapes.append(f"{amount // 1_000_000},{amount % 1_000_000 // 100_000} juta")
        return self.dice.choice(shapes)
