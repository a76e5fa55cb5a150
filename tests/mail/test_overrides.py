"""A shop's own words and layout, from files beside its profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import Misconfigured
from tests.mail.reading import body
from tests.rules.build import SHOPS
from workers.mail import overrides, preview
from workers.mail.rendering import CONTRACT_MAILS, Renderer
from workers.mail.samples import of_shop, sample


def renderer(directory: Path, **files: str) -> Renderer:
    """Over a directory of profiles where ``salon`` has these files, by ``template/name`` with ``__`` for ``/``."""
    for name, text in files.items():
        path = directory / "salon" / "mails" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Renderer("orders@house.example", "house.example", overrides=overrides.read(directory, ["salon", "clinic"]))


def plain(one: Renderer, template: str, shop: str, locale: str = "ja") -> str:
    return body(one.render(of_shop(sample(template, locale), {"key": shop}), shop=shop, number="S-1001"), "plain")


def test_a_shop_says_it_in_its_own_words_and_no_other_does(tmp_path: Path) -> None:
    own = renderer(tmp_path, **{"order_held__text.ja.txt": "{{ customer.name }}さま、少々お待ちください。"})
    own.check()
    assert "髙橋 﨑子さま、少々お待ちください。" in plain(own, "order_held", "salon")
    assert "support@salon.example" in plain(own, "order_held", "salon"), "the frame stays"
    assert "少々お待ちください" not in plain(own, "order_held", "clinic")
    assert "少々お待ちください" not in plain(own, "order_held", "salon", "en")


def test_a_part_of_the_layout_is_replaced_in_every_mail(tmp_path: Path) -> None:
    own = renderer(tmp_path, **{"_layout__footer.txt": "さようなら"})
    own.check()
    for template in ("order_accepted", "rank_up", "supplier_cancel"):
        assert plain(own, template, "salon").rstrip().endswith("さようなら")


def test_words_and_styles_are_laid_over_the_shared_ones(tmp_path: Path) -> None:
    words = 'order_number = "受付番号"\n[slots]\n"06-08" = "早朝"\n'
    own = renderer(
        tmp_path, **{"_layout__words.ja.toml": words, "_layout__styles.toml": '[style]\nlink = "color:#111111"\n'}
    )
    own.check()
    assert "受付番号: S-1001" in plain(own, "order_held", "salon")
    assert "ご注文日時" in plain(own, "order_held", "salon"), "what is not named stays"
    html = own.render(of_shop(sample("order_held", "ja"), {"key": "salon"}), shop="salon", number="S-1001")
    assert "color:#111111" in body(html, "html")
    intent = of_shop(sample("shipment_shipped", "ja"), {"key": "salon"})
    early = {**intent.context["parcel"], "slot": "06-08"}
    mail = own.render(replace(intent, context={**intent.context, "parcel": early}), shop="salon", number="S-1001")
    assert "早朝" in body(mail, "plain")


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("order_hold__text.ja.txt", "x", "there is no mail order_hold"),
        ("order_held__text.fr.txt", "x", "stands for no file of templates_mail/order_held"),
        ("order_held__more__text.ja.txt", "x", "stands for no file"),
        ("_layout__words.ja.toml", "order_number = ", "is not valid TOML"),
        ("_layout__words.ja.toml", 'ordernumber = "x"', "ordernumber is no name of"),
        ("_layout__words.ja.toml", '[preheaders]\norder_hold = "x"', "preheaders.order_hold is no name of"),
        ("order_held__text.ja.txt", "{{ order.nmuber }}", "has no attribute 'nmuber'"),
        ("order_held__body.ja.mjml", "<mj-text>{% if order %}</mj-text>", "Unexpected end of template"),
        ("order_held__subject.ja.txt", "[[no_such_word]]", "no_such_word"),
    ],
)
def test_what_cannot_be_used_is_found_at_boot_and_names_its_file(
    tmp_path: Path, file: str, text: str, says: str
) -> None:
    with pytest.raises(Misconfigured) as refusal:
        renderer(tmp_path, **{file: text}).check()
    assert says in str(refusal.value)
    assert str(tmp_path / "salon" / "mails" / file.replace("__", "/")) in str(refusal.value)


def test_a_shop_without_files_costs_nothing(tmp_path: Path) -> None:
    assert overrides.read(tmp_path, ["salon", "clinic"]) == {}


def test_all_mails_of_a_shop_are_written_for_looking(tmp_path: Path) -> None:
    own = renderer(tmp_path, **{"order_held__subject.ja.txt": "お待ちください"})
    count = preview.write(own, SHOPS["salon"], tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 3 * count == 3 * 2 * len(CONTRACT_MAILS)
    html = (tmp_path / "out" / "order_held.ja.html").read_text("utf-8")
    assert "お待ちください</title>" in html
    assert "https://salon.example.jp/orders/S-1001" in html
    assert SHOPS["salon"].brand_colour in html
    assert SHOPS["salon"].operator_mail in (tmp_path / "out" / "supplier_overdue.en.txt").read_text("utf-8")
