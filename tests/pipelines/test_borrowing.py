"""One school lends its models: signed, named, judged where there is something to judge by."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drawn_school import AFTER, CALENDAR, QUARTERS, facts
from earlywarning.errors import ArtifactError, ConfigError, ConfirmationNeeded
from earlywarning.io import base_bundle
from earlywarning.io.base_bundle import Bundle
from earlywarning.io.register import model_versions
from earlywarning.io.register.models import FactsSnapshot, School
from earlywarning.risk.estimators.base import json_bytes
from earlywarning.risk.estimators.borrowed import Borrowed
from earlywarning_pipelines import borrowing, cli, promoting, repeating, train
from earlywarning_pipelines.console import CONFIRM_EXIT
from earlywarning_pipelines.home import Home, open_home

AT = datetime(2026, 1, 1, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
OUTCOME = "grades"
START: date = CALENDAR.quarter(QUARTERS[0]).start
WARNI = promoting.Promotion("Bu Warni", "a new school; SMP Contoh is like ours")


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = another(tmp_path_factory.mktemp("lender") / "home", QUARTERS, 200, name="SMP Contoh")
    train.run(
        engine=home.engine, store=home.store, register=home.register, registry=home.models,
        district=home.district, as_of=AFTER, trained_at=AT, outcomes=[OUTCOME], seed=1,
    )  # fmt: skip
    row = model_versions.champion(home.register, OUTCOME)
    assert row is not None
    assert row.estimator != "rule", "there must be something to lend"
    yield home
    home.register.close()


@pytest.fixture(scope="module")
def bundle(lender: Home) -> Bundle:
    return borrowing.export(lender.models, lender.district).bundle


def another(
    folder: Path, quarters: tuple[str, ...], students: int = 60, *, name: str = "SMP Baru"
) -> Home:
    """A school of its own, with a key of its own."""
    folder.mkdir()
    (folder / "district.toml").write_text(
        f'[district]\nname = "{name}"\n[visits]\nlottery = false\n'
    )
    home = open_home(folder)
    snapshot = home.store.write(facts(students, quarters, seed=students), base=None)
    with home.register.session(writing=True) as session:
        session.add(School(school_id="SCH1", name=name))
        session.add(FactsSnapshot(snapshot_id=snapshot.id, made_at=AT, is_current=True, rows={}))
        session.commit()
    return home


def borrowed(home: Home, bundle: Bundle, as_of: date, *, alone: bool = True) -> train.TrainResult:
    return train.run(
        engine=home.engine, store=home.store, register=home.register, registry=home.models,
        district=home.district, as_of=as_of, trained_at=AT, outcomes=[OUTCOME], seed=1,
        promotion=WARNI, base=borrowing.Base(bundle, alone=alone),
    )  # fmt: skip


def test_a_bundle_says_what_it_is_and_holds_no_child(lender: Home, bundle: Bundle) -> None:
    assert bundle.district == "SMP Contoh"
    assert bundle.learnt_from == "records"
    lent = bundle.outcomes[OUTCOME]
    assert lent.about["rows"] > 0
    assert lent.about["thresholds"]["pass_mark"] == 75
    assert not {"report.json", "spec.toml", "groups.json"} & set(lent.files)
    assert f"{7:032x}" not in bundle.text
    assert borrowing.export(lender.models, lender.district).bundle.text == bundle.text
    one = bundle.borrowed(OUTCOME)
    assert isinstance(one, Borrowed)
    assert one.origin["key"] == bundle.key
    assert bundle.borrowed("attendance") is None


def test_any_changed_byte_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    data = bundle.text.encode()
    path = tmp_path / "bundle.json"
    for at in [*range(0, len(data), max(1, len(data) // 150)), len(data) - 1]:
        changed = bytearray(data)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ArtifactError, match="nothing of it was opened"):
            base_bundle.read(path)
    for changed in (b"", b"{}", b"[]", data + b"\n", data[:-1], b"\x80\x04pickle", b" " + data):
        path.write_bytes(changed)
        with pytest.raises(ArtifactError):
            base_bundle.read(path)


def test_a_part_that_was_exchanged_or_added_is_refused(bundle: Bundle) -> None:
    value = json.loads(bundle.text)
    name = f"{OUTCOME}/estimator.json"
    exchanged = {**value, "parts": {**value["parts"], name: base64.b64encode(b"{}").decode()}}
    added = {**value, "parts": {**value["parts"], "grades/more.pkl": ""}}
    for one in (exchanged, added):
        with pytest.raises(ArtifactError, match="altered after it was signed"):
            base_bundle.parsed(json_bytes(one).decode(), where="x")


def test_whose_key_it_is_must_be_said(lender: Home, bundle: Bundle) -> None:
    with pytest.raises(ConfirmationNeeded, match="nobody has said whose key that is"):
        base_bundle.trust(bundle, None, own=None)
    with pytest.raises(ConfirmationNeeded, match="another key was stated"):
        base_bundle.trust(bundle, "ab12-" * 8, own=None)
    base_bundle.trust(bundle, bundle.key.upper().replace("-", " "), own=None)
    base_bundle.trust(bundle, None, own=lender.models.signer().public)


def test_a_school_cannot_borrow_what_learnt_from_its_own_quarters(
    lender: Home, bundle: Bundle, tmp_path: Path
) -> None:
    path = tmp_path / "own.json"
    path.write_text(bundle.text, encoding="ascii")
    with pytest.raises(ConfigError, match="have seen the quarters that would judge them"):
        borrowing.opened(path, None, lender.models)


def test_without_history_it_serves_on_a_persons_word_and_everything_says_so(
    bundle: Bundle, tmp_path: Path
) -> None:
    home = another(tmp_path / "new", QUARTERS[:1])
    result = borrowed(home, bundle, START)
    (one,) = result.outcomes
    assert one.serves
    assert one.result.why == "borrowed_unjudged"
    assert not one.result.calibrated
    row = model_versions.champion(home.register, OUTCOME)
    assert row is not None
    assert row.estimator == "borrowed"
    card = home.models.run_text(row.run_id, "card.en.md")
    assert "Borrowed from SMP Contoh (learnt from real records" in card
    assert "No quarter of this school could judge it yet (no history yet)" in card
    kartu = home.models.run_text(row.run_id, "card.id.md")
    assert "Dipinjam dari SMP Contoh (belajar dari catatan nyata" in kartu
    repeated = repeating.run(
        row.run_id, engine=home.engine, store=home.store, register=home.register,
        registry=home.models,
    )  # fmt: skip
    assert repeated.identical

    def said(*words: str) -> str:
        out = CliRunner().invoke(cli.app, ["--home", str(home.settings.home), *words])
        assert out.exit_code == 0, out.output
        return out.output

    from_whom = f"borrowed from SMP Contoh (key {bundle.key[:9]}…), judged by no quarter here"
    assert from_whom in said("models", "list")
    shown = said("models", "show", OUTCOME)
    assert from_whom in shown
    assert "put in service, by Bu Warni: a new school" in shown
    listed = said("draft", "--quarter", QUARTERS[1], "--language", "en")
    assert "Borrowed model. It was learnt elsewhere and no quarter of this school" in listed
    home.register.close()


def test_with_history_it_must_beat_the_rule_on_the_schools_own_quarters(
    bundle: Bundle, tmp_path: Path
) -> None:
    home = another(tmp_path / "old", QUARTERS, students=150)
    alone = borrowed(home, bundle, AFTER).outcomes[0]
    assert alone.result.gate is not None
    assert {one.candidate for one in alone.result.splits} == {"rule", "borrowed"}
    if alone.result.served == "borrowed":
        assert alone.result.gate.gain > 0
        assert alone.result.notices[0].code == "borrowed"
        assert alone.result.calibrated
    else:
        assert alone.result.why in ("rule_chosen", "not_better")
    beside = borrowed(home, bundle, AFTER, alone=False).outcomes[0]
    order = [one.candidate for one in beside.result.selection]
    assert order == ["rule", "last_value", "borrowed", "logistic", "boosted"]
    assert beside.model is not None
    row = model_versions.numbered(home.register, OUTCOME, beside.model.version)
    repeated = repeating.run(
        row.run_id, engine=home.engine, store=home.store, register=home.register,
        registry=home.models,
    )  # fmt: skip
    assert repeated.identical
    home.register.close()


def test_the_commands(lender: Home, tmp_path: Path) -> None:
    new = another(tmp_path / "new", QUARTERS[:1])
    file = tmp_path / "lent.json"

    def said(home: Home, *words: str, code: int = 0) -> str:
        out = CliRunner().invoke(cli.app, ["--home", str(home.settings.home), "models", *words])
        assert out.exit_code == code, out.output
        return out.output

    told = said(lender, "export", str(file))
    key = base_bundle.read(file).key
    assert f"signed with the key {key}" in told
    assert "attendance: not lent, no model was trained yet" in told
    assert "is there already" in said(lender, "export", str(file), code=1)
    who = ("--by", "Bu Warni", "--reason", "like ours", "--as-of", START.isoformat())
    assert "--by is missing" in said(new, "borrow", str(file), code=1)
    assert "not both" in said(new, "borrow", *who, code=1)
    assert key in said(new, "borrow", str(file), *who, code=CONFIRM_EXIT)
    done = said(new, "borrow", str(file), "--key", key, *who)
    assert "borrowed from SMP Contoh, learnt from real records" in done
    assert "grades: borrowed serves" in done
    assert "no model to lend" in said(new, "export", str(tmp_path / "again.json"), code=1)
    new.register.close()
