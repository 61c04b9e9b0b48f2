"""Rules of editors: how they are checked, and which apply to a list, by a slow obvious oracle."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import InvalidInput
from recommender.policy.rule_set import NO_RULES, AppliedRules, RuleSet
from recommender.policy.rules import FLAGS, Rule, parse_rule

NOW = datetime(2025, 3, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rule(kind: str, target: dict[str, str], rule_id: str = "1", **fields: Any) -> Rule:
    needs = {"pin": {"position": 1}, "boost": {"factor": 2.0}, "bury": {"factor": 0.5}}
    fields = {"created_at": NOW, **needs.get(kind, {}), **fields}
    return Rule(id=rule_id, kind=kind, target=target, **fields)


def problems(**fields: Any) -> dict[str, str]:
    """What is wrong with a rule as it was sent: pointer → detail."""
    with pytest.raises(InvalidInput) as caught:
        parse_rule(fields, "1", "key", NOW)
    return dict(caught.value.problems)


KURSK = {"article": "kursk"}
SUDZHA = {"article": "sudzha"}
WORLD = {"section": "World"}


# Which rules are accepted


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "pin", "source": KURSK, "target": SUDZHA, "position": 1},
        {"kind": "pin", "source": WORLD, "target": SUDZHA, "position": 50},
        {"kind": "pin", "target": SUDZHA, "position": 1},
        {"kind": "block", "source": KURSK, "target": SUDZHA},
        {"kind": "block", "target": SUDZHA},
        {"kind": "block", "source": WORLD, "target": {"section": "Sport"}},
        {"kind": "block", "source": WORLD, "target": WORLD},
        {"kind": "boost", "target": WORLD, "factor": 10},
        {"kind": "bury", "source": {}, "target": WORLD, "factor": 0},
        *({"kind": "flag", "target": SUDZHA, "flag": flag} for flag in FLAGS),
    ],
)
def test_a_complete_rule_is_accepted_and_stored_as_it_is(fields):
    accepted = parse_rule(
        fields | {"author": "Ana", "note": "Why", "expires_at": None}, "1", "k", NOW
    )

    signed = (accepted.author, accepted.note, accepted.key_id, accepted.created_at)
    assert ("Ana", "Why", "k", NOW) == signed
    assert accepted == Rule.model_validate_json(accepted.model_dump_json())


@pytest.mark.parametrize(
    ("fields", "pointer", "detail"),
    [
        ({}, "/kind", "Field required"),
        ({"kind": "praise"}, "/kind", "Input should be 'pin', 'block', 'boost', 'bury' or 'flag'"),
        ({"kind": "pin", "target": SUDZHA}, "/position", "a pin needs a position: 1 to 50"),
        ({"kind": "pin", "position": 1}, "/target", "a pin needs an article as its target"),
        (
            {"kind": "pin", "target": WORLD, "position": 1},
            "/target",
            "a pin needs an article as its target",
        ),
        (
            {"kind": "pin", "source": KURSK, "target": KURSK, "position": 1},
            "/target",
            "is the source itself, which is never in its own list",
        ),
        (
            {"kind": "block"},
            "/target",
            "a block needs a target: an article or a section",
        ),
        (
            {"kind": "block", "target": SUDZHA, "position": 1},
            "/position",
            "a block has no position",
        ),
        ({"kind": "block", "target": SUDZHA, "factor": 1}, "/factor", "a block has no factor"),
        ({"kind": "boost", "target": SUDZHA}, "/factor", "a boost needs a factor: 1 to 10"),
        (
            {"kind": "boost", "target": SUDZHA, "factor": 0.5},
            "/factor",
            "a boost multiplies by 1 to 10",
        ),
        ({"kind": "bury", "target": SUDZHA}, "/factor", "a bury needs a factor: 0 to 1"),
        ({"kind": "bury", "target": SUDZHA, "factor": 2}, "/factor", "a bury multiplies by 0 to 1"),
        (
            {"kind": "flag", "target": SUDZHA},
            "/flag",
            "a flag needs a flag: sensitive, legal, sponsored, no_related, never_recommend",
        ),
        (
            {"kind": "flag", "flag": "legal", "target": WORLD},
            "/target",
            "a flag needs an article as its target",
        ),
        (
            {"kind": "flag", "flag": "legal", "source": KURSK, "target": SUDZHA},
            "/source",
            "a flag applies to all lists: leave the source out",
        ),
        ({"kind": "block", "target": SUDZHA, "flag": "legal"}, "/flag", "a block has no flag"),
        (
            {"kind": "block", "target": SUDZHA | WORLD},
            "/target/section",
            "name an article or a section, not both",
        ),
        (
            {"kind": "block", "target": SUDZHA, "expires_at": "2025-03-19"},
            "/expires_at",
            "is in the past",
        ),
        (
            {"kind": "block", "target": SUDZHA, "expires_at": "soon"},
            "/expires_at",
            "expected an ISO 8601 date, or a time from now such as 7d",
        ),
    ],
)
def test_a_bad_rule_is_refused_by_the_name_of_the_field(fields, pointer, detail):
    assert {pointer: detail} == problems(**fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", "sudzha"),
        ("target", ["sudzha"]),
        ("target", {"article": ""}),
        ("target", {"article": "a\0b"}),
        ("target", {"article": "x" * 513}),
        ("target", {"article": True}),
        ("target", {"article": "\ud800"}),
        ("target", {"section": 5}),
        ("target", {"section": "x" * 2001}),
        ("target", {"artikel": "sudzha"}),
        ("source", 7),
        ("author", 5),
        ("author", "x" * 201),
        ("author", ["Ana"]),
        ("note", "x" * 1001),
        ("note", {"text": "why"}),
        ("expires_at", 1742428800),
        ("expires_at", True),
        ("expires", "2026-01-01"),
    ],
)
def test_a_field_with_a_value_of_another_kind_is_named(field, value):
    pointers = problems(**{"kind": "block", "target": SUDZHA, field: value})

    assert [field] == [pointer.split("/")[1] for pointer in pointers]


@pytest.mark.parametrize("value", [0, 51, -1, 1.5, "1", True, 10**30])
def test_a_position_is_a_whole_number_of_1_to_50(value):
    assert ["/position"] == [*problems(kind="pin", target=SUDZHA, position=value)]


@pytest.mark.parametrize("value", [-1, 10.1, "2", True, float("nan"), float("inf"), 1e999])
def test_a_factor_is_a_number_of_its_kind(value):
    assert ["/factor"] == [*problems(kind="boost", target=SUDZHA, factor=value)]


@pytest.mark.parametrize("data", [None, 5, "rule", ["pin"], True])
def test_a_rule_is_a_json_object(data):
    with pytest.raises(InvalidInput, match="expected a JSON object"):
        parse_rule(data, "1", "key", NOW)


def test_id_key_and_date_of_a_rule_cannot_be_sent():
    sent = {"kind": "block", "target": SUDZHA, "id": "x", "key_id": "admin", "created_at": "1999"}
    accepted = parse_rule(sent, "1", "key", NOW)

    assert ("1", "key", NOW) == (accepted.id, accepted.key_id, accepted.created_at)


def test_texts_are_kept_on_one_line_and_without_markup():
    sent = {
        "target": {"section": " Arts &amp;\n Culture "},
        "note": "<b>Why</b>\nnot",
        "author": None,
    }
    accepted = parse_rule({"kind": "block", **sent}, "1", "key", NOW)
    texts = (accepted.target.section, accepted.note, accepted.author)

    assert ("Arts & Culture", "Why not", "") == texts


def test_two_rules_on_the_same_question_have_one_key():
    one = rule("block", {"section": "WORLD"}, note="one")
    other = rule("block", {"section": "world"}, expires_at=NOW + HOUR)

    assert one.key == other.key
    assert one.key != rule("bury", {"section": "World"}).key


# Which rules apply


def test_without_rules_nothing_applies():
    applied = NO_RULES.for_list("kursk", "World", NOW)

    assert (None, {}, {}, {}, (), {}, {}, None) == (
        applied.silenced,
        dict(applied.hidden),
        dict(applied.blocked),
        dict(applied.blocked_sections),
        applied.pins,
        dict(applied.boosts),
        dict(applied.section_boosts),
        applied.expires_at,
    )
    assert (1.0, ()) == applied.boost("sudzha", "world")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_hides_and_silences_as_the_table_of_flags_says(flag):
    rules = RuleSet([rule("flag", SUDZHA, flag=flag)])
    is_silenced = rules.for_list("sudzha", None, NOW).silenced is not None
    is_hidden = "sudzha" in rules.for_list("kursk", None, NOW).hidden

    assert FLAGS[flag] == (is_hidden, is_silenced)
    assert rules.for_list(None, None, NOW).silenced is None


def test_a_block_with_a_source_applies_to_its_list_only():
    rules = RuleSet([rule("block", SUDZHA, source=KURSK)])

    assert {"sudzha"} == rules.for_list("kursk", None, NOW).blocked.keys()
    assert not rules.for_list("budget", None, NOW).blocked
    assert not rules.for_list("sudzha", None, NOW).blocked
    assert not rules.for_list("kursk", None, NOW).hidden


def test_an_article_that_is_blocked_everywhere_is_hidden():
    assert {"sudzha"} == RuleSet([rule("block", SUDZHA)]).for_list(None, None, NOW).hidden.keys()


def test_the_case_of_sections_does_not_count():
    rules = RuleSet([rule("block", {"section": "SPORT"}, source={"section": "Straße"})])

    assert {"sport"} == rules.for_list("kursk", "STRASSE", NOW).blocked_sections.keys()
    assert not rules.for_list("kursk", "World", NOW).blocked_sections
    assert not rules.for_list("kursk", None, NOW).blocked_sections


def test_pins_are_ordered_by_position_then_the_newer_first():
    targets = {"a": (2, 0), "b": (1, 0), "c": (1, 5), "d": (1, 2)}
    rules = RuleSet(
        rule("pin", {"article": name}, name, position=place, created_at=NOW - age * HOUR)
        for name, (place, age) in targets.items()
    )
    pins = rules.for_list("kursk", None, NOW).pins

    assert ["b", "d", "c", "a"] == [pin.target.article for pin in pins]


def test_a_target_is_pinned_once_at_its_first_place():
    rules = RuleSet(
        [
            rule("pin", SUDZHA, "1", position=3),
            rule("pin", SUDZHA, "2", position=2, source=WORLD),
            rule("pin", SUDZHA, "3", position=4, source=KURSK),
        ]
    )

    assert ["2"] == [pin.id for pin in rules.for_list("kursk", "World", NOW).pins]


@pytest.mark.parametrize(
    "other",
    [
        rule("flag", SUDZHA, "2", flag="legal"),
        rule("block", SUDZHA, "2"),
        rule("block", SUDZHA, "2", source=KURSK),
        rule("block", SUDZHA, "2", source=WORLD),
    ],
    ids=["flag", "block everywhere", "block of the pair", "block in the section"],
)
def test_a_flag_and_a_block_override_a_pin(other):
    rules = RuleSet([rule("pin", SUDZHA, source=KURSK), other])

    assert () == rules.for_list("kursk", "World", NOW).pins


def test_an_article_is_never_pinned_in_its_own_list():
    assert () == RuleSet([rule("pin", SUDZHA)]).for_list("sudzha", None, NOW).pins


def test_factors_for_one_article_are_multiplied():
    rules = RuleSet(
        [
            rule("boost", SUDZHA, "1", factor=3.0),
            rule("boost", SUDZHA, "2", source=KURSK, factor=2.0),
            rule("bury", WORLD, "3", factor=0.25),
        ]
    )
    applied = rules.for_list("kursk", None, NOW)
    together = applied.boost("sudzha", "world")

    assert (6.0, 3.0) == (
        applied.boosts["sudzha"].factor,
        rules.for_list("budget", None, NOW).boosts["sudzha"].factor,
    )
    assert (1.5, {"1", "2", "3"}) == (together.factor, {one.id for one in together.rules})


def test_of_two_rules_on_the_same_question_the_newer_applies_until_it_expires():
    old = rule("boost", SUDZHA, "1", factor=2.0, created_at=NOW - HOUR)
    new = rule("boost", SUDZHA, "2", factor=9.0, expires_at=NOW + HOUR)
    rules = RuleSet([new, old])

    assert (9.0, 2.0) == (
        rules.for_list(None, None, NOW).boosts["sudzha"].factor,
        rules.for_list(None, None, NOW + HOUR).boosts["sudzha"].factor,
    )


def test_a_rule_applies_until_the_moment_it_expires():
    rules = RuleSet([rule("block", SUDZHA, expires_at=NOW + HOUR)])
    moments = [NOW, NOW + HOUR - timedelta(microseconds=1), NOW + HOUR, NOW, NOW + 9 * HOUR]

    assert [1, 1, 0, 1, 0] == [len(rules.for_list(None, None, at).hidden) for at in moments]


def test_a_list_expires_with_the_first_of_its_rules():
    rules = RuleSet(
        [
            rule("block", SUDZHA, "1", expires_at=NOW + 3 * HOUR),
            rule("block", SUDZHA, "2", source=KURSK, expires_at=NOW + HOUR),
            rule("pin", SUDZHA, "3", source=WORLD, expires_at=NOW - HOUR),
        ]
    )

    assert NOW + HOUR == rules.for_list("kursk", "World", NOW).expires_at
    assert NOW + 3 * HOUR == rules.for_list("kursk", "World", NOW + HOUR).expires_at
    assert rules.for_list("kursk", "World", NOW + 3 * HOUR).expires_at is None


# Whatever the rules are

ARTICLES, SECTIONS = ["a", "b", "c"], ["World", "WORLD", "Sport"]
ONE_ARTICLE = st.sampled_from(ARTICLES).map(lambda name: {"article": name})
ONE_SECTION = st.sampled_from(SECTIONS).map(lambda name: {"section": name})
MOMENTS = st.integers(-3, 3).map(lambda hours: NOW + hours * HOUR)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Rule]:
    return [_drawn(draw, str(number)) for number in range(draw(st.integers(0, 12)))]


def _drawn(draw: st.DrawFn, rule_id: str) -> Rule:
    kind = draw(st.sampled_from(["pin", "block", "boost", "bury", "flag"]))
    dates = {"created_at": draw(MOMENTS), "expires_at": draw(st.none() | MOMENTS)}
    choices = {
        "pin": {"position": st.integers(1, 3)},
        "boost": {"factor": st.sampled_from([1.0, 2.0, 4.0])},
        "bury": {"factor": st.sampled_from([0.0, 0.5])},
        "flag": {"flag": st.sampled_from([*FLAGS])},
    }
    fields = {name: draw(values) for name, values in choices.get(kind, {}).items()}
    source = {} if kind == "flag" else draw(st.just({}) | ONE_ARTICLE | ONE_SECTION)
    target = draw(ONE_ARTICLE if kind in ("pin", "flag") else ONE_ARTICLE | ONE_SECTION)
    if "article" in target and source == target:
        source = {}
    return rule(kind, target, rule_id, source=source, **dates, **fields)


class Oracle:
    """Reads every rule, for one list."""

    def __init__(
        self, rules: list[Rule], article_id: str | None, section: str | None, now: datetime
    ) -> None:
        active = [r for r in rules if r.expires_at is None or r.expires_at > now]
        self.article_id = article_id
        self.rules = [
            r
            for r in active
            if not any(
                o.key == r.key and (o.created_at, o.id) > (r.created_at, r.id) for o in active
            )
            and r.source.article in (None, article_id)
            and (
                r.source.section is None
                or (section is not None and r.source.section.casefold() == section.casefold())
            )
        ]

    def about(self, *kinds: str, article: str | None = None, section: str | None = None) -> list:
        return [
            r
            for r in self.rules
            if r.kind in kinds
            and r.target.article == article
            and (r.target.section or "").casefold() == (section or "")
        ]

    def is_silenced(self) -> bool:
        flags = self.about("flag", article=self.article_id) if self.article_id else []
        return any(FLAGS[r.flag].silenced for r in flags)

    def is_hidden(self, article: str) -> bool:
        flags = self.about("flag", article=article)
        everywhere = [
            r
            for r in self.about("block", article=article)
            if not r.source.article and not r.source.section
        ]
        return bool(everywhere) or any(FLAGS[r.flag].hidden for r in flags)

    def is_removed(self, article: str) -> bool:
        return self.is_hidden(article) or bool(self.about("block", article=article))

    def pins(self) -> list[str]:
        pins = [r for r in self.rules if r.kind == "pin"]
        pins.sort(key=lambda r: (r.position, -r.created_at.timestamp(), r.id))
        targets = dict.fromkeys(r.target.article for r in pins)
        return [t for t in targets if t != self.article_id and not self.is_removed(t)]

    def factor(self, **target: str) -> float:
        product = 1.0
        for rule in self.about("boost", "bury", **target):
            product *= rule.factor
        return product


@given(
    rule_sets(),
    st.lists(
        st.tuples(
            st.none() | st.sampled_from(ARTICLES), st.none() | st.sampled_from(SECTIONS), MOMENTS
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_the_rules_for_a_list_are_those_that_a_reading_of_every_rule_finds(rules, questions):
    rule_set = RuleSet(rules)
    for article_id, section, now in questions:
        applied = rule_set.for_list(article_id, section, now)
        check(applied, Oracle(rules, article_id, section, now))


def check(applied: AppliedRules, oracle: Oracle) -> None:
    assert oracle.is_silenced() == (applied.silenced is not None)
    assert oracle.pins() == [pin.target.article for pin in applied.pins]
    for article in ARTICLES:
        assert oracle.is_hidden(article) == (article in applied.hidden)
        assert oracle.is_removed(article) == (
            article in applied.hidden or article in applied.blocked
        )
        assert oracle.factor(article=article) == applied.boost(article, None).factor
    for section in ("world", "sport"):
        assert bool(oracle.about("block", section=section)) == (section in applied.blocked_sections)
        assert oracle.factor(section=section) == applied.boost("none", section).factor
    ends = [r.expires_at for r in oracle.rules if r.expires_at]
    assert (min(ends) if ends else None) == applied.expires_at
    assert len(applied.boosts) == len(list(applied.boosts))


def calls_of_a_look_up(rules: RuleSet) -> int:
    """How many functions a look-up calls, in Python or in C."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    rules.for_list("kursk", "World", NOW)  # the first one may sort the rules
    sys.setprofile(count)
    try:
        rules.for_list("kursk", "World", NOW)
    finally:
        sys.setprofile(None)
    return calls


def test_a_look_up_among_10_000_rules_costs_no_more_than_among_60():
    kinds = ["block", "boost", "bury"]
    pins = [rule("pin", {"article": f"p{n}"}, f"p{n}", position=n + 1) for n in range(50)]
    others = [rule(kinds[n % 3], {"article": f"a{n}"}, str(n)) for n in range(9_950)]
    few, many = RuleSet([*pins, *others[:10]]), RuleSet([*pins, *others])

    assert 50 == len(many.for_list("kursk", "World", NOW).pins)
    assert calls_of_a_look_up(few) == calls_of_a_look_up(many)
