"""What the four simulated shops sell, and to whom. Prices are yen as the shop quotes them (clinic, apparel and salon ex
tax, reuse tax included)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale; ``supplier`` is the warehouse or the maker that ships it (SPL-01)."""

    sku: str
    name: str
    name_en: str
    price: int
    supplier: str = "warehouse"
    tax_rate: int = 10
    flags: tuple[str, ...] = ()


CATALOGUE: dict[str, tuple[Product, ...]] = {
    "clinic": (
        Product("GLOVE-M", "ニトリル手袋 M 200枚", "Nitrile gloves M, 200", 1_280),
        Product("MASK-50", "サージカルマスク 50枚", "Surgical masks, 50", 680),
        Product("GAUZE-7", "滅菌ガーゼ 7.5cm 100枚", "Sterile gauze 7.5 cm, 100", 2_150),
        Product("BED-01", "診察台 昇降式", "Examination couch, height-adjustable", 148_000, "maker-a"),
        Product("STOOL-3", "丸椅子 キャスター付", "Stool with castors", 12_800, "maker-a"),
        Product("LIGHT-2", "処置灯 スタンド型", "Procedure light on a stand", 64_500, "maker-b"),
        Product("BP-700", "自動血圧計", "Automatic blood pressure monitor", 23_400, "maker-b"),
        Product("CHART-A4", "カルテフォルダ A4 100枚", "Chart folders A4, 100", 4_950, "maker-c"),
        Product("TEA-20", "待合室用緑茶 20袋", "Green tea for the waiting room, 20 bags", 980, "maker-c", 8),
    ),
    "apparel": (
        Product("TEE-WH-M", "オーガニックTシャツ 白 M", "Organic T-shirt, white, M", 3_990),
        Product("KNIT-GR-L", "ウールニット グレー L", "Wool jumper, grey, L", 9_800),
        Product("DENIM-28", "ストレートデニム 28", "Straight jeans, 28", 12_000),
        Product("SOCK-3P", "リブソックス 3足組", "Ribbed socks, 3 pairs", 1_990),
        Product("COAT-M", "チェスターコート M", "Chesterfield coat, M", 29_800),
        Product("SCARF-S", "カシミヤマフラー", "Cashmere scarf", 7_900, flags=("sale", "non_returnable")),
    ),
    "reuse": (
        Product("WATCH", "腕時計 自動巻", "Wristwatch, automatic", 128_000),
        Product("BAG", "レザートートバッグ", "Leather tote bag", 54_800),
        Product("RING", "K18リング", "18-carat ring", 39_800),
        Product("CAMERA", "フィルムカメラ", "Film camera", 32_500),
        Product("WALLET", "二つ折り財布", "Bifold wallet", 18_900),
    ),
    "salon": (
        Product("SHAMPOO-1L", "シャンプー 1L", "Shampoo, 1 l", 3_300),
        Product("TREAT-1L", "トリートメント 1L", "Treatment, 1 l", 3_800),
        Product("COLOR-7N", "カラー剤 7N", "Hair colour 7N", 880),
        Product("PERM-400", "パーマ液 400mL", "Perm lotion, 400 ml", 1_450),
        Product("SCISSORS-6", "シザー 6インチ", "Scissors, 6 inch", 38_000, flags=("tool",)),
        Product("BOTTLE-01", "詰替容器", "Refill bottle", 300, flags=("container",)),
        Product("HERBTEA-30", "ハーブティー 30包", "Herbal tea, 30 bags", 2_400, tax_rate=8),
    ),
}

PEOPLE = (
    ("髙橋 﨑子", "takahashi"),
    ("佐藤 健一", "sato.kenichi"),
    ("鈴木 美咲", "misaki_suzuki"),
    ("田中 誠", "m-tanaka"),
    ("伊藤 由美", "yumi.ito"),
    ("渡邉 大輔", "watanabe"),
    ("山本 さくら", "sakura__y"),
    ("中村 翔", "nakamura.sho"),
)
FOREIGNERS = (("Anna Meyer", "anna.meyer"), ("James O'Neill", "james.oneill"), ("Linh Tran", "linh.tran"))
CARRIER_MAILBOXES = ("user..name", "hana.", "k..y..m")
"""Local parts that are none by RFC 5321 and still exist at docomo.ne.jp (formats.md B.7.1)."""

PLACES = (
    ("460-0008", "愛知県", "名古屋市中区", "栄1-2-3"),
    ("100-0005", "東京都", "千代田区", "丸の内1-1-1"),
    ("530-0001", "大阪府", "大阪市北区", "梅田2-4-9"),
    ("060-0042", "北海道", "札幌市中央区", "大通西4-1"),
    ("810-0001", "福岡県", "福岡市中央区", "天神1-8-1"),
    ("900-0015", "沖縄県", "那覇市", "久茂地2-3-10"),
    ("980-0021", "宮城県", "仙台市青葉区", "中央3-7-5"),
)
