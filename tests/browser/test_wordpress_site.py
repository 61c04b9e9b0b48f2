"""The plugin in a real WordPress: posts reach the service, and readers see the box."""

import re
from collections.abc import Iterator

import orjson
import pytest
from browser_pages import Visit, until
from news import STORIES
from playwright.sync_api import expect
from running_service import Service
from wordpress_site import WordPress, skip_without_wordpress, wordpress_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    skip_without_wordpress()
    with Service.started(tmp_path_factory.mktemp("service"), workers=1) as service:
        yield service


@pytest.fixture(scope="module")
def wordpress(service: Service) -> Iterator[WordPress]:
    address = f"http://127.0.0.1:{service.port}"
    with wordpress_site(ALSO_SEE_URL=address, ALSO_SEE_KEY=service.key) as site:
        yield site


@pytest.fixture(scope="module")
def posts(service: Service, wordpress: WordPress) -> list[int]:
    """Published posts in the service, the first two about one town."""
    until(lambda: service.get("/readyz").status == 200)
    posts = [wordpress.publish(title, f"<p>{body}</p>") for title, body in STORIES.values()]
    wordpress.until_sent(lambda: all(is_stored(service, post) for post in posts))
    return posts


def address_of(service: Service, post_id: int) -> str:
    url: str = orjson.loads(service.send("GET", f"/v1/main/articles/{post_id}").body)["url"]
    return url


def is_stored(service: Service, post_id: int) -> bool:
    return service.send("GET", f"/v1/main/articles/{post_id}").status == 200


def test_the_box_with_other_posts_is_under_a_post(
    service: Service, wordpress: WordPress, posts: list[int], visit: Visit
) -> None:
    first = posts[0]
    until(lambda: b'"items":[{' in service.get(f"/v1/main/articles/{first}/related").body)
    page = visit(f"{wordpress.url}/?p={first}")
    cards = page.locator("also-see .card .title")

    expect(cards.first).to_have_text(STORIES["sudzha"][0])
    expect(cards.first).to_have_attribute("href", re.compile(f"^{wordpress.url}/.*/flag-raised"))


@pytest.mark.parametrize(
    ("leave", "come_back"),
    [
        ("wp_trash_post( $id );", "wp_untrash_post( $id ); wp_publish_post( $id );"),
        (
            "wp_update_post( array( 'ID' => $id, 'post_status' => 'private' ) );",
            "wp_update_post( array( 'ID' => $id, 'post_status' => 'publish' ) );",
        ),
        (
            "wp_update_post( array( 'ID' => $id, 'post_password' => 'x' ) );",
            "wp_update_post( array( 'ID' => $id, 'post_password' => '' ) );",
        ),
        (
            "wp_update_post( array( 'ID' => $id, 'post_status' => 'future', 'edit_date' => true,"
            " 'post_date' => '2099-01-01 00:00:00', 'post_date_gmt' => '2099-01-01 00:00:00' ) );",
            "wp_publish_post( $id );",
        ),
    ],
    ids=["trash", "private", "password", "scheduled"],
)
def test_a_post_that_leaves_the_site_leaves_the_service_and_comes_back_with_it(
    service: Service, wordpress: WordPress, posts: list[int], leave: str, come_back: str
) -> None:
    post = posts[-1]
    wordpress.run(f"$id = {post}; {leave}")
    wordpress.until_sent(lambda: not is_stored(service, post))
    wordpress.run(f"$id = {post}; {come_back}")

    wordpress.until_sent(lambda: is_stored(service, post))


def test_a_post_deleted_for_good_is_deleted_by_the_next_background_task(
    service: Service, wordpress: WordPress
) -> None:
    post = wordpress.publish("Ferry timetable changes", "<p>From Monday.</p>")
    wordpress.until_sent(lambda: is_stored(service, post))
    wordpress.run(f"wp_delete_post( {post}, true );")

    wordpress.until_sent(lambda: not is_stored(service, post))


def test_a_changed_slug_changes_the_address_in_the_service(
    service: Service, wordpress: WordPress, posts: list[int]
) -> None:
    post = posts[3]
    wordpress.run(f"wp_update_post( array( 'ID' => {post}, 'post_name' => 'night-of-talks' ) );")

    wordpress.until_sent(lambda: "/night-of-talks/" in address_of(service, post))


def test_the_plugin_causes_no_notices_of_php(wordpress: WordPress, posts: list[int]) -> None:
    log = wordpress.log.read_text() if wordpress.log.exists() else ""

    assert [] == [line for line in log.splitlines() if "/also-see/" in line]
