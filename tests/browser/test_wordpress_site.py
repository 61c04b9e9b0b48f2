"""The plugin in a real WordPress: posts reach the service, and readers see the box."""

import re
from collections.abc import Iterator

import orjson
import pytest
from browser_pages import Visit, until
from news import STORIES
from playwright.sync_api import Browser, Page, expect
from running_service import Service
from wordpress_site import EDITOR, WordPress, skip_without_wordpress, wordpress_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    skip_without_wordpress()
    with Service.started(tmp_path_factory.mktemp("service"), workers=1) as service:
        yield service


@pytest.fixture(scope="module")
def wordpress(service: Service) -> Iterator[WordPress]:
    address = f"http://127.0.0.1:{service.port}"
    with wordpress_site(ALSO_SEE_URL=address) as site, site.with_settings(key=service.key):
        yield site


@pytest.fixture(scope="module")
def posts(service: Service, wordpress: WordPress) -> list[int]:
    """Published posts in the service, the first two about one town."""
    until(lambda: service.get("/readyz").status == 200)
    posts = [wordpress.publish(title, f"<p>{body}</p>") for title, body in STORIES.values()]
    wordpress.until_sent(lambda: all(is_stored(service, post) for post in posts))
    return posts


def published(service: Service, wordpress: WordPress, title: str) -> int:
    """The number of a new post that the service has."""
    post = wordpress.publish(title, "<p>They came on Monday.</p>")
    wordpress.until_sent(lambda: is_stored(service, post))
    return post


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


def test_a_post_with_the_shortcode_has_one_box(
    service: Service, wordpress: WordPress, visit: Visit
) -> None:
    post = wordpress.publish("Lamps along the quay", "<p>They are lit at six.</p>[also_see]")
    page = visit(f"{wordpress.url}/?p={post}")

    expect(page.locator("also-see")).to_have_count(1)


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
    post = published(service, wordpress, "Ferry timetable changes")
    wordpress.run(f"wp_delete_post( {post}, true );")

    wordpress.until_sent(lambda: not is_stored(service, post))


def test_a_changed_slug_changes_the_address_in_the_service(
    service: Service, wordpress: WordPress, posts: list[int]
) -> None:
    post = posts[3]
    wordpress.run(f"wp_update_post( array( 'ID' => {post}, 'post_name' => 'night-of-talks' ) );")

    wordpress.until_sent(lambda: "/night-of-talks/" in address_of(service, post))


@pytest.fixture(scope="module")
def admin(browser: Browser, wordpress: WordPress) -> Iterator[Page]:
    """A browser in which the editor is signed in."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{wordpress.url}/wp-login.php")
        page.locator("#user_login").fill(EDITOR["user_name"])
        page.locator("#user_pass").fill(EDITOR["password"])
        page.locator("#wp-submit").click()
        expect(page.locator("#wpadminbar")).to_be_visible()
        yield page


SETTINGS = "/wp-admin/options-general.php?page=also-see"


def save_settings(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.locator(f"#also-see-{name}").fill(value)
    page.locator("#submit").click()
    expect(page.locator("#setting-error-settings_updated")).to_be_visible()


def test_the_settings_screen_stores_a_key_that_it_never_shows(
    service: Service, wordpress: WordPress, admin: Page
) -> None:
    admin.goto(wordpress.url + SETTINGS)
    save_settings(admin, key=service.key)
    save_settings(admin, site="main", key="")

    assert service.key not in admin.content()
    assert service.key == wordpress.run("return get_option( 'also_see' )['key'];")


@pytest.mark.chaos
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Connected: the service takes this key."),
        ({"key": "as_wrong"}, "The service answers, and refuses the key."),
        ({"internal_url": "http://127.0.0.1:1"}, "No answer from http://127.0.0.1:1: "),
    ],
    ids=["right", "wrong key", "no service"],
)
def test_the_connection_is_tested_in_a_sentence(
    wordpress: WordPress, admin: Page, fields: dict[str, str], sentence: str
) -> None:
    with wordpress.with_settings(**fields):
        admin.goto(wordpress.url + SETTINGS)
        admin.locator("#also-see-test").click()

        expect(admin.locator("#also-see-connection")).to_contain_text(sentence)


def test_all_posts_are_sent_in_batches_and_continue_after_a_failure(
    service: Service, wordpress: WordPress, admin: Page
) -> None:
    with wordpress.with_settings(key=""):
        first, last = wordpress.run(
            "$post = array( 'post_content' => 'Text', 'post_status' => 'publish' ); $ids = array();"
            "for ( $n = 0; $n < 120; $n++ ) {"
            " $ids[] = wp_insert_post( $post + array( 'post_title' => \"Ferry $n\" ) ); }"
            "return array( $ids[0], end( $ids ) );"
        )
    total = wordpress.run("return also_see_count_posts();")
    with wordpress.with_settings(internal_url="http://127.0.0.1:1"):
        admin.goto(wordpress.url + SETTINGS)
        admin.locator("#also-see-send").click()
        expect(admin.locator("#also-see-sent")).to_contain_text("No answer from")
    admin.reload()
    admin.locator("#also-see-continue").click()
    expect(admin.locator("#also-see-sent")).to_have_text(f"{total} of {total} posts sent.")

    expect(admin.locator("#also-see-continue")).to_be_hidden()
    assert [True, True] == [is_stored(service, first), is_stored(service, last)]
    assert 0 == wordpress.run("return also_see_progress()['before'];")


def test_a_post_that_left_the_trash_unnoticed_is_sent_with_the_others(
    service: Service, wordpress: WordPress
) -> None:
    post = published(service, wordpress, "Lock gates arrive")
    wordpress.run(f"wp_trash_post( {post} );")
    wordpress.until_sent(lambda: not is_stored(service, post))
    with wordpress.with_settings(key=""):
        wordpress.run(f"wp_untrash_post( {post} ); wp_publish_post( {post} );")
    progress = wordpress.run("return also_see_send_batch( also_see_start() );")

    assert (0, True) == (progress["refused"], is_stored(service, post))


def test_a_post_waits_while_the_service_is_away_and_the_screen_counts_it(
    service: Service, wordpress: WordPress, admin: Page
) -> None:
    wordpress.run("delete_post_meta_by_key( '_also_see' );")
    with wordpress.with_settings(internal_url="http://127.0.0.1:1"):
        post = wordpress.publish("Lock keeper retires", "<p>After forty years.</p>")
        admin.goto(wordpress.url + SETTINGS)
        expect(admin.locator("#also-see-unsent")).to_have_text("1 post waits to be sent again.")
        admin.goto(f"{wordpress.url}/wp-admin/edit.php")
        state = admin.locator(f"#post-{post} .column-also_see")
        expect(state).to_have_text("Waits to be sent")
    is_marked = f"return get_post_meta( {post}, '_also_see', true );"
    wordpress.until_sent(lambda: wordpress.run(is_marked) == "sent")
    admin.reload()

    expect(state).to_have_text("Sent")
    assert is_stored(service, post)


@pytest.mark.chaos
def test_the_editor_links_a_phrase_of_the_draft_and_never_sees_the_key(
    service: Service, wordpress: WordPress, posts: list[int], admin: Page
) -> None:
    text = "<p>Nobody in the Kursk region expects peace.</p>"
    block = f"<!-- wp:paragraph -->{text}<!-- /wp:paragraph -->"
    draft = wordpress.publish("What comes after the talks", block, post_status="draft")
    wordpress.open_panel_in_editor()
    admin.goto(f"{wordpress.url}/wp-admin/post.php?post={draft}&action=edit")
    link = admin.locator(".also-see-panel button", has_text="Link “").first
    link.click()
    content = "wp.data.select('core/editor').getEditedPostContent()"
    admin.wait_for_function(f"{content}.includes('<a href=')")

    assert f'<a href="{wordpress.url}/' in admin.evaluate(content)
    assert service.key not in admin.content()


def test_a_draft_that_repeats_a_post_is_shown_what_ran(
    wordpress: WordPress, posts: list[int], admin: Page
) -> None:
    title, body = STORIES["kursk"]
    draft = wordpress.publish(title, f"<p>{body}</p>", post_status="draft")
    answer = wordpress.run(
        "wp_set_current_user( 1 ); $request = new WP_REST_Request( 'POST', '/also-see/v1/draft' );"
        "$request->set_body_params( json_decode( $argv[0], true ) );"
        "return rest_do_request( $request )->get_data();",
        orjson.dumps({"id": draft, "title": title, "body": body}).decode(),
    )

    assert [str(posts[0])] == [post["id"] for post in answer["duplicates"]]
    assert answer["duplicates"][0]["message"].startswith("We already ran this on")


def test_readers_may_not_ask_about_drafts(wordpress: WordPress, posts: list[int]) -> None:
    status = wordpress.run(
        "$request = new WP_REST_Request( 'POST', '/also-see/v1/draft' );"
        f"$request->set_body_params( array( 'id' => {posts[0]}, 'title' => 'a', 'body' => 'b' ) );"
        "return rest_do_request( $request )->get_status();"
    )

    assert 401 == status


def test_the_plugin_causes_no_notices_of_php(wordpress: WordPress, posts: list[int]) -> None:
    log = wordpress.log.read_text() if wordpress.log.exists() else ""

    assert [] == [line for line in log.splitlines() if "/also-see/" in line]
