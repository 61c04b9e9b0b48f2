"""Markup that is not HTML, and text that was encoded once too often or too little."""

import codecs

import pytest
import regex
from field_cases import needs_field_cases, rows
from hypothesis import given
from hypothesis import strategies as st
from news import article

from features.article import parse_article
from features.offsets import read
from features.text import plain_text
from features.vectorizer import count_terms
from recommender.pipeline.stories import Fingerprint, is_duplicate

MARKUP = [
    *("[b]", "[/b]", "[img]", "[/img]", "[gallery ids='1']", "[[gallery]]", "[sic]", "[", "]"),
    *("{{ x }}", "{% if %}", "{youtube}", "{/youtube}", "{", "}", "<p>", "</p>", "&lt;p&gt;"),
    *("&amp;#8217;", "&amp;amp;", "<![CDATA[", "]]>", "\x92", "Oak gates ", " failed.", "\n"),
]
texts = st.lists(st.sampled_from(MARKUP), max_size=12).map("".join)


@needs_field_cases
def test_artifacts_of_the_field_are_read_as_their_readers_would():
    read_as = {
        row["id"]: (plain_text(row["title"]), plain_text(row["body"]))
        for row in rows("12-text-artifacts/in.jsonl")
        if not regex.fullmatch(r"d\d+", row["id"])
    }

    assert {
        "cdata-title": (
            "Flood in Dunmere",
            "Oak gates failed on Monday, the board said.\n\nBarges wait.",
        ),
        "cdata-plain": (
            "Flood again",
            "Oak gates failed on Monday, the board said, and divers went down at dusk.",
        ),
        "escaped": ("Ferry & barge: ’No’", "The gates failed."),
        "divi": ("Divers find rot", "Divers found rot in the oak gates."),
        "divi2": ("Bakery wins award", "The sourdough of a family bakery won an award."),
        "caption": (
            "Gallery: the lock",
            "The lock. Photo: J.\n\nThe gates failed on Monday.",
        ),
        "c1": ("Don’t panic: 1990–2000", "“Quote” he said… and left."),
    }.items() <= read_as.items()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("[b]Oak[/b] gates [i]failed[/i].", "Oak gates failed."),
        ("[B]Oak[/B] gates", "Oak gates"),
        ("[url=https://n.example/a]Oak[/url] [color=red]gates[/color]", "Oak gates"),
        ("[img]https://n.example/a.jpg[/img]Oak gates", "Oak gates"),
        ("[quote]Oak[/quote]gates", "Oak\n\ngates"),
        ("[list][*]Oak [*]gates[/list]", "Oak\n\ngates"),
        ("[vc_row][vc_column width='1/2']Oak[/vc_column][/vc_row]gates", "Oak\n\ngates"),
        ("[fusion_text columns=2]Oak gates[/fusion_text]", "Oak gates"),
        ("[embed]https://n.example/v[/embed]Oak", "Oak"),
        ("[youtube https://n.example/v]Oak", "Oak"),
        ("[audio mp3=\"a.mp3\"][/audio]Oak", "Oak"),
        ("Oak[footnote]gates[/footnote]", "Oakgates"),
        ("Oak [contact-form-7 id=\"7\" title=\"a [b] c\"] gates", "Oak\n\ngates"),
        ("Oak [toc] gates", "Oak\n\ngates"),
        ("[video:https://n.example/v] Oak", "Oak"),
        ('[[{"fid":"12","view_mode":"default"}]] Oak', "Oak"),
        ("{youtube}abc{/youtube}Oak {loadposition x}", "Oak"),
        ("{{ page.title }}Oak {% include a.html %}gates", "Oak\n\ngates"),
        ("{% comment %}not yet{% endcomment %}Oak", "Oak"),
        ("<%= render 'a' %>Oak <?php if ($a->b): ?>gates<?= $c ?>", "Oak gates"),
        ("<p>Oak</p><?php if ($a->b > 1) { echo 'x'; } ?><p>gates</p>", "Oak\n\ngates"),
        ("{% raw %}Oak{% endraw %}", "Oak"),
        ('{{< figure src="a.jpg" >}}Oak {{% note %}}gates{{% /note %}}', "Oak gates"),
        ("{# a note #}Oak", "Oak"),
        ("<!-- wp:paragraph --><p>Oak gates</p><!-- /wp:paragraph -->", "Oak gates"),
    ],
)  # fmt: skip
def test_shortcodes_and_templates_go_and_the_text_between_them_stays(sent, expected):
    assert expected == plain_text(sent)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('[caption id="a_7" width="300" caption="Oak gates"][/caption]', "Oak gates"),
        ("[wp_caption caption='The “oak” gates' align=right]", "The “oak” gates"),
        ('[caption width="300" caption="It\'s oak"]<img src="a.jpg">[/caption]', "It's oak"),
        ('[caption caption="Oak &amp; <em>elm</em>"]', "Oak & elm"),
        ('Oak [caption caption=""][/caption] gates', "Oak\n\ngates"),
        ('[gallery caption="yes"]Oak', "Oak"),
        ('[caption caption="Oak', ""),
        ('{{< figure src="a.jpg" caption="Oak gates" >}} failed', "Oak gates\n\nfailed"),
        ('{{% figure caption="Oak" %}}', "Oak"),
        ('{{< video caption="yes" >}}Oak', "Oak"),
    ],
)
def test_a_caption_stays_where_it_is_an_attribute(sent, expected):
    assert expected == plain_text(sent)
    assert expected.split() == read(sent).located.text.split()


@pytest.mark.parametrize(
    "prose",
    [
        *("“Oak [sic] gates” [1]", "He left […] at dusk [...]", "[Editor’s note: it rains]"),
        *("[VIDEO]", "Storm hits coast [video]", "Update [5 p.m.]: rain", "a[0][i]", "[Reuters]"),
        *("A sample [n=200] of [CI: 5]", "[b] is a note", "array[x] = y[z]", "{name}", "{{", "{%"),
        *("set {1, 2}", "JSON: {a: 1}", "[[Kursk]]", "[x](y)", "[Image: AP]", "100 % {sure}"),
        *("if (a[b] > c[d])", "[", "[]", "]", "[/b]"),
    ],
)
def test_what_people_write_in_brackets_stays(prose):
    assert prose == plain_text(prose)


@pytest.mark.parametrize(
    "excerpt",
    [
        '[et_pb_section fb_built="1" _builder_version="4.9.4" custom_padding="0px|||||"]',
        '[et_pb_section fb_built="1" _builder_version="4.9.4" custom_pad',
        '[et_pb_section fb_built="1" _builder_version="4.9.',
        "<p>[et_pb_section fb_built=&#8221;1&#8243; _build=&#8221;4.9&#8243; [&hellip;]</p>",
        "[vc_row][vc_column]",
        "[&hellip;]",
    ],
)
def test_an_excerpt_of_shortcodes_is_none_and_the_body_has_a_better_one(excerpt):
    made = parse_article(article(excerpt=excerpt, body="[vc_row]Oak gates failed.[/vc_row]"))

    assert "Oak gates failed." == made.excerpt


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("&lt;p&gt;Oak&lt;/p&gt;&lt;p&gt;gates&lt;/p&gt;", "Oak\n\ngates"),
        ("Oak &lt;em&gt;gates&lt;/em&gt; failed", "Oak gates failed"),
        ("&amp;lt;p&amp;gt;Oak&amp;lt;/p&amp;gt;", "Oak"),
        ("&lt;![CDATA[&lt;p&gt;Oak&lt;/p&gt;]]&gt;", "Oak"),
        ("&#60;p&#62;Oak&#60;/p&#62;", "Oak"),
        ("Ferry &amp;amp; barge", "Ferry & barge"),
        ("Don&amp;#8217;t &amp;ldquo;panic&amp;rdquo;", "Don’t “panic”"),
        ("<p>Don&amp;#8217;t&amp;nbsp;panic</p>", "Don’t panic"),
        ("<![CDATA[Oak]]> and <![CDATA[<b>gates</b>]]>", "Oak and gates"),
        ("<![CDATA[Oak", "Oak"),
        ("\x91Oak\x92 \x93gates\x94 \x97 1990\x962000\x85", "‘Oak’ “gates” — 1990–2000…"),
        ("<p>\x80 5</p>", "€ 5"),
        ("Oak\x81\x8d gates", "Oak gates"),
        ("The keeper donâ€™t say â€œnoâ€\x9d", "The keeper don’t say “no”"),
        ("CafÃ© in MÃ¼nchen\nCafé", "Café in München\nCafé"),
        ("<p>Ã\x89cole</p>", "École"),
        ("Itâ€™s 20 Â°C, Â£5", "It’s 20 °C, £5"),
        ("Ã¢â‚¬Å“Oak gatesÃ¢â‚¬â„¢", "“Oak gates’"),
        ("ï»¿Oak gates ðŸ˜€", "Oak gates 😀"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("à¤¹à¤¿à¤¨à¥\x8dà¤¦à¥€", "हिन्दी"),
    ],
)
def test_what_was_encoded_once_too_often_or_too_little_is_read_as_it_was_meant(sent, expected):
    assert expected == plain_text(sent)


@pytest.mark.parametrize(
    "line", ["„Spaß“ für 5 €", "«CAFÉ»", "«IRMÃ»", "Café, CafÃ© and naïve", "São Â", "É» À« Ñ¿"]
)
def test_letters_that_look_like_misread_ones_stay(line):
    assert line == plain_text(line)


@given(st.text(st.sampled_from("aé’“”€ßПри中हि ñ°"), min_size=1))
def test_a_line_that_was_misread_as_windows_letters_is_read_as_it_was_meant(line):
    misread = line.encode().decode("cp1252", errors="windows_controls")

    assert plain_text(line) == plain_text(misread)


codecs.register_error(
    "windows_controls", lambda error: (chr(error.object[error.start]), error.start + 1)
)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("The &lt;b&gt; tag", "The <b> tag"),
        ("<p>The &lt;b&gt; tag and &lt;p&gt; too: &lt;p&gt;x&lt;/p&gt;</p>",
         "The <b> tag and <p> too: <p>x</p>"),
        ("<p>Write &amp;lt; for less</p>", "Write &lt; for less"),
        ("5 &lt; 6 &amp; 7 &gt; 6", "5 < 6 & 7 > 6"),
        ("AT&amp;T", "AT&T"),
        ("Q&amp;A; more", "Q&A; more"),
    ],
)  # fmt: skip
def test_an_article_about_html_keeps_its_examples(sent, expected):
    assert expected == plain_text(sent)


def test_two_stories_in_the_same_shortcodes_are_two_stories():
    wrapped = (
        '[et_pb_section fb_built="1" _builder_version="4.9.4" custom_padding="0px|||||"]'
        '[et_pb_row _builder_version="4.9.4"][et_pb_text admin_label="Text"]<p>{}</p>'
        "[/et_pb_text][/et_pb_row][/et_pb_section]"
    )
    stories = [
        parse_article(article(f"a{n}", title=title, body=wrapped.replace("{}", body)))
        for n, (title, body) in enumerate(
            [
                ("Divers find rot", "Divers found rot in the oak gates."),
                ("Bakery wins award", "The sourdough of a family bakery won an award."),
            ]
        )
    ]
    one, other = (
        Fingerprint.of(features.counts, features.title) for features in map(count_terms, stories)
    )

    assert not is_duplicate(one, other)
    assert not {*one.terms.tolist()} & {*other.terms.tolist()}


@given(texts | st.text())
def test_reading_twice_what_is_no_markup_changes_nothing_more(text):
    kept = plain_text(text)

    assert " ".join(kept.split()) == " ".join(read(text).located.text.split())


@pytest.mark.parametrize(
    "hostile",
    ["[", "[[", "[a ", '[a "', "[b]", "[/b]", "[b][/b]", "{%", "{{", "{#", "{{<", "{a}", "{/a}",
     "{% comment %}", "&amp;", "&amp;amp;", "&lt;p&gt;", "<![CDATA[", "[[{", "[gallery ids='"],
)  # fmt: skip
def test_hostile_markup_is_read_like_any_other(hostile):
    assert "story" in plain_text(hostile * (200_000 // len(hostile)) + " story" * 60)
