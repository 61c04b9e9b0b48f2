"""The WordPress plugin: what it sends when posts come and go, and what it puts on pages."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "integrations/wordpress/also-see/also-see.php"
PHP = shutil.which("php")
SETTINGS = """
    define('ALSO_SEE_URL', 'https://related.news.example/');
    define('ALSO_SEE_INTERNAL_URL', 'http://10.0.0.5:8000');
    define('ALSO_SEE_KEY', 'as_key');
"""
PUBLISHED = "$posts[7] = new WP_Post(); happens('wp_after_insert_post', 7, $posts[7], false, null);"

pytestmark = pytest.mark.skipif(PHP is None, reason="NO PHP: apt-get install php-cli")


def run(code: str, settings: str = SETTINGS, answer: int = 200) -> list[Any]:
    """What WordPress would send, and what the code prints, line by line."""
    done = subprocess.run(
        [str(PHP), "-d", "error_reporting=E_ALL", str(ROOT / "tests/wordpress/stub.php"), PLUGIN],
        input=settings + code,
        env=os.environ | {"ANSWER": str(answer)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [orjson.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "file", sorted(PLUGIN.parent.rglob("*.php")), ids=lambda file: str(file.name)
)
def test_it_is_php(file: Path) -> None:
    subprocess.run([str(PHP), "-l", file], check=True, capture_output=True)


def test_the_readme_of_the_directory_has_the_numbers_of_the_plugin() -> None:
    numbers = re.findall(r"^ \* (Requires .*|Version): +(\S+)$", PLUGIN.read_text(), re.MULTILINE)
    readme = (PLUGIN.parent / "readme.txt").read_text().splitlines()
    renamed = [(name.replace("Version", "Stable tag"), number) for name, number in numbers]

    assert len(renamed) == 3
    assert [] == [line for line in (f"{n}: {v}" for n, v in renamed) if line not in readme]


def test_a_published_post_is_stored_by_the_service(client: Any, key: dict[str, str]) -> None:
    [sent] = run(PUBLISHED)
    path = sent["url"].removeprefix("http://10.0.0.5:8000")
    answer = client.put(path, data=sent["body"], headers=key)

    assert ("PUT", "/v1/main/articles/7", 201) == (sent["method"], path, answer.status_code)
    assert "Bearer as_key" == sent["headers"]["Authorization"]
    assert {
        "id": "7",
        "title": 'Flag over "Sudzha" & Kursk',
        "body": "A video showed troops.\n\nBold",
        "url": "https://news.example/?p=7",
        "excerpt": "A video showed troops. Bold",
        "published_at": "2025-03-13T07:12:44Z",
        "updated_at": "2025-03-13T08:00:00Z",
        "section": "World",
        "tags": ["Kursk", "Ukraine"],
        "authors": ["Ana Ruiz"],
        "language": "en",
        "image": {
            "url": "https://news.example/a.jpg",
            "width": 768,
            "height": 432,
            "alt": "A flag",
        },
        "version": None,
    } == client.get(path, headers=key).json


@pytest.mark.parametrize(
    "fields",
    ["['post_status' => 'trash']", "['post_status' => 'draft']", "['post_password' => 'x']"],
)
def test_a_post_that_is_no_longer_public_is_deleted(fields: str) -> None:
    code = f"$posts[7] = new WP_Post({fields});"
    code += "happens('wp_after_insert_post', 7, $posts[7], true, new WP_Post());"
    [sent] = run(code, answer=204)

    assert ("DELETE", "http://10.0.0.5:8000/v1/main/articles/7") == (sent["method"], sent["url"])


@pytest.mark.parametrize(
    "fields",
    ["['post_status' => 'draft']", "['post_status' => 'future']", "['post_type' => 'page']"],
)
def test_what_readers_never_saw_the_service_never_hears_of(fields: str) -> None:
    code = (
        f"$posts[7] = new WP_Post({fields}); happens('wp_after_insert_post', 7, $posts[7], true, "
    )
    code += f"new WP_Post({fields}));"

    assert [] == run(code)


def test_a_post_deleted_for_good_is_deleted_in_the_service_too() -> None:
    code = "happens('before_delete_post', 7, new WP_Post()); happens('also_see_send', 7, 0);"
    planned, sent = run(code, answer=204)

    assert ({"again": 0, "arguments": [7, 0]}, "DELETE") == (planned, sent["method"])


@pytest.mark.parametrize("answer", [0, 429, 500, 503])
def test_what_fails_is_tried_again_later_and_later(answer: int) -> None:
    code = (
        "define('DOING_CRON', true); $posts[7] = new WP_Post();"
        "foreach ([0, 1, 7, 8] as $n) happens('also_see_send', 7, $n);"
    )
    again = [line["again"] for line in run(code, answer=answer) if "again" in line]

    assert [60, 120, 7680] == again


def test_an_editor_who_changes_many_posts_waits_for_one_answer_that_does_not_come() -> None:
    code = "foreach ([7, 8, 9] as $n) { $posts[$n] = new WP_Post(['ID' => $n]);"
    code += "happens('wp_after_insert_post', $n, $posts[$n], true, $posts[$n]); }"
    lines = run(code, answer=0)

    assert 1 == len([line for line in lines if "url" in line])
    assert [[7, 1], [8, 1], [9, 1]] == [one["arguments"] for one in lines if "again" in one]
    assert 3 == len([line for line in run(code) if "url" in line])


@pytest.mark.parametrize("answer", [400, 401, 403])
def test_what_cannot_work_is_not_repeated(answer: int) -> None:
    assert 1 == len(run(PUBLISHED, answer=answer))


def test_without_a_key_nothing_is_sent() -> None:
    assert [] == run(PUBLISHED, "define('ALSO_SEE_URL', 'https://related.news.example');")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("[]", '<also-see site="main" article="7"></also-see>'),
        ("''", '<also-see site="main" article="7"></also-see>'),
        (
            "['layout' => 'list', 'heading_level' => '3']",
            '<also-see site="main" article="7" layout="list" heading-level="3"></also-see>',
        ),
        (
            "['heading' => '\"><script>', 'on click' => 'x', 'ONCLICK' => 'x']",
            '<also-see site="main" article="7" heading="&quot;&gt;&lt;script&gt;"></also-see>',
        ),
    ],
)
def test_the_shortcode_is_the_box(call: str, expected: str) -> None:
    assert [expected] == run(f"echo json_encode(happens('also_see', {call}));")


def test_the_box_stands_under_every_story_and_its_script_comes_from_the_service() -> None:
    script, content = run(
        "$posts[7] = new WP_Post(); happens('init');"
        "echo json_encode($filters['the_content']('<p>Text</p>'));"
    )

    assert {"script": "https://related.news.example/widget.js", "strategy": "async"} == script
    assert '<p>Text</p><also-see site="main" article="7"></also-see>' == content


@pytest.mark.parametrize(
    "fields",
    [
        "['post_content' => 'Text [also_see]']",
        "['post_type' => 'page']",
        "['post_status' => 'private']",
    ],
)
def test_a_post_with_a_box_of_its_own_or_unknown_to_the_service_gets_none(fields: str) -> None:
    code = f"$posts[7] = new WP_Post({fields}); echo json_encode($filters['the_content']('Text'));"

    assert ["Text"] == run(code)


def test_away_from_stories_the_box_has_the_newest() -> None:
    assert ['<also-see site="main" list="recent"></also-see>'] == run(
        "$singular = false; echo json_encode(happens('also_see'));"
    )
