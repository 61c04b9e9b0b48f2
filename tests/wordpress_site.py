"""Debian's WordPress with the plugin, on a loopback port and in a temporary folder."""

import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import orjson
import pytest
from browser_pages import until
from running_service import free_port
from servers import parent_folder

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "integrations/wordpress/also-see"
WORDPRESS = Path("/usr/share/wordpress")
PROGRAMS = ["php", "mariadbd", "mariadb-install-db", "mariadb"]
MODULES = {"mysqli", "xml", "mbstring", "curl"}
PATIENCE_SECONDS = 60
EDITOR = {"user_name": "editor", "password": "correct-horse-battery"}
CONFIG = """<?php
define( 'DB_NAME', 'wordpress' ); define( 'DB_USER', 'root' ); define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{socket}' ); define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' ); define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1' ); define( 'DISABLE_WP_CRON', true );
define( 'AUTH_KEY', 'a' ); define( 'SECURE_AUTH_KEY', 'b' ); define( 'LOGGED_IN_KEY', 'c' );
define( 'NONCE_KEY', 'd' ); define( 'AUTH_SALT', 'e' ); define( 'SECURE_AUTH_SALT', 'f' );
define( 'LOGGED_IN_SALT', 'g' ); define( 'NONCE_SALT', 'h' );
define( 'WP_HOME', '{url}' ); define( 'WP_SITEURL', '{url}' );
define( 'WP_DEBUG', true ); define( 'WP_DEBUG_DISPLAY', false ); define( 'WP_DEBUG_LOG', '{log}' );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
{more}
$table_prefix = 'wp_';
if ( ! defined( 'ABSPATH' ) ) {{ define( 'ABSPATH', __DIR__ . '/' ); }}
require_once ABSPATH . 'wp-settings.php';
"""


class WordPress:
    """
    An installed WordPress.

    Attributes:
        url: of its front page, without a slash at the end.
        log: the file with the notices of PHP.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "debug.log"
        self._files = folder / "wordpress"

    def run(self, code: str, *arguments: str) -> Any:
        """Run PHP inside this WordPress; the result is what the code returns."""
        script = (
            f"$_SERVER['HTTP_HOST'] = '{self.url.removeprefix('http://')}';"
            "require 'wp-load.php';"
            f"$result = ( function ( $argv ) {{ {code} }} )( array_slice( $argv, 1 ) );"
            'echo "\\nRESULT:", wp_json_encode( $result );'
        )
        command = [*php(), "-r", script, "--", *arguments]
        answer = subprocess.run(
            command, check=False, cwd=self._files, capture_output=True, text=True
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return orjson.loads(answer.stdout.rpartition("RESULT:")[2])

    def publish(self, title: str, text: str, **fields: Any) -> int:
        """Publish a post as the editor does, and return its number."""
        post = {"post_title": title, "post_content": text, "post_status": "publish"} | fields
        post_id = self.run(
            "wp_set_current_user( 1 );"
            "return wp_insert_post( wp_slash( json_decode( $argv[0], true ) ), true );",
            orjson.dumps(post).decode(),
        )
        assert isinstance(post_id, int), post_id
        return post_id

    def open_panel_in_editor(self) -> None:
        """Store that the editor has closed the welcome and opened the panel of the plugin."""
        self.run(
            "global $wpdb; update_user_meta( 1, $wpdb->prefix . 'persisted_preferences', array("
            " 'core/edit-post' => array( 'welcomeGuide' => false,"
            "  'openPanels' => array( 'also-see/also-see' ) ),"
            " '_modified' => gmdate( DATE_ATOM ) ) );"
        )

    @contextmanager
    def with_settings(self, **fields: str) -> Iterator[None]:
        """Change settings of the plugin for a while."""
        before = self.run("return (object) get_option( 'also_see', array() );")
        self._store_settings(before | fields)
        try:
            yield
        finally:
            self._store_settings(before)

    def _store_settings(self, fields: dict[str, str]) -> None:
        text = orjson.dumps(fields).decode()
        self.run("update_option( 'also_see', json_decode( $argv[0], true ) );", text)

    def until_sent(self, is_there: Callable[[], bool]) -> None:
        """
        Wait until the service has what the plugin sent.

        On a busy machine a request may take more than the second that the plugin waits, so the
        repetitions that it has planned are done at once, as WP-Cron would do them later.
        """
        until(lambda: is_there() or self._do_planned_tasks(), PATIENCE_SECONDS)

    def _do_planned_tasks(self) -> None:
        self.run(
            "define( 'DOING_CRON', true );"
            "foreach ( _get_cron_array() as $time => $hooks ) {"
            " foreach ( $hooks['also_see_send'] ?? array() as $event ) {"
            "  wp_unschedule_event( $time, 'also_see_send', $event['args'] );"
            "  do_action_ref_array( 'also_see_send', $event['args'] ); } }"
        )


def php() -> list[str]:
    return [str(shutil.which("php")), "-d", "error_reporting=E_ALL", "-d", "memory_limit=256M"]


def skip_without_wordpress() -> None:
    """Skip the test, with the reason, where a program or a package is missing."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if "php" not in missing:
        modules = subprocess.run([*php(), "-m"], check=True, capture_output=True, text=True).stdout
        missing += sorted(f"php-{name}" for name in MODULES - set(modules.lower().split()))
    parts = [WORDPRESS / "wp-load.php", WORDPRESS / "wp-content/themes/twentytwentythree"]
    missing += [str(part) for part in parts if not part.exists()]
    if missing:
        pytest.skip(f"NO WORDPRESS: {', '.join(missing)} missing; .ci/run installs them")


@contextmanager
def wordpress_site(**constants: str) -> Iterator[WordPress]:
    """A WordPress with one editor and the plugin, without posts; *constants* of wp-config.php."""
    with tempfile.TemporaryDirectory(prefix="wp", dir=parent_folder()) as name:
        folder = Path(name)
        port = free_port()
        site = WordPress(folder, port)
        socket = folder / "db.sock"
        with _database(folder, socket):
            _lay_out(folder, socket, site, constants)
            with _web_server(folder, port):
                _install(site)
                yield site


@contextmanager
def _database(folder: Path, socket: Path) -> Iterator[None]:
    user = f"--user={getpass.getuser()}"
    data = f"--datadir={folder / 'db'}"
    prepare = ["mariadb-install-db", "--no-defaults", user, data]
    prepare += ["--auth-root-authentication-method=normal", "--skip-test-db"]
    done = subprocess.run(prepare, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    server = [str(shutil.which("mariadbd")), "--no-defaults", user, data, f"--socket={socket}"]
    server += ["--skip-networking", "--skip-grant-tables", f"--pid-file={folder / 'db.pid'}"]
    server += ["--innodb-flush-log-at-trx-commit=0", f"--log-error={folder / 'db.log'}"]
    with _background(server):
        create = ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "--execute"]
        create.append("CREATE DATABASE IF NOT EXISTS wordpress CHARACTER SET utf8mb4")
        until(lambda: _succeeds(create), PATIENCE_SECONDS)
        yield


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _lay_out(folder: Path, socket: Path, site: WordPress, constants: dict[str, str]) -> None:
    files = folder / "wordpress"
    # Debian's package has links into other packages' folders, also to some that are not installed.
    shutil.copytree(WORDPRESS, files, ignore_dangling_symlinks=True)
    shutil.copytree(PLUGIN, files / "wp-content/plugins/also-see")
    lines = [f"define( '{name}', '{value}' );" for name, value in constants.items()]
    config = CONFIG.format(socket=socket, url=site.url, log=site.log, more="\n".join(lines))
    (files / "wp-config.php").write_text(config)


@contextmanager
def _web_server(folder: Path, port: int) -> Iterator[None]:
    command = [*php(), "-d", "opcache.enable_cli=1", "-S", f"127.0.0.1:{port}", "-t"]
    command.append(str(folder / "wordpress"))
    with _background(command, PHP_CLI_SERVER_WORKERS="4"):
        until(lambda: _answers(port), PATIENCE_SECONDS)
        yield


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/license.txt", timeout=PATIENCE_SECONDS):
            return True
    except OSError as problem:
        return getattr(problem, "code", None) is not None


def _install(site: WordPress) -> None:
    form = EDITOR | {
        "weblog_title": "The Courier",
        "admin_password": EDITOR["password"],
        "admin_password2": EDITOR["password"],
        "admin_email": "editor@courier.example",
        "pw_weak": "1",
    }
    address = f"{site.url}/wp-admin/install.php?step=2"
    with urlopen(address, urlencode(form).encode(), timeout=PATIENCE_SECONDS) as answer:
        page = answer.read().decode()
    assert "wp-login.php" in page, page
    problem = site.run(
        "require_once ABSPATH . 'wp-admin/includes/plugin.php';"
        "foreach ( get_posts( array( 'post_type' => 'any', 'numberposts' => -1 ) ) as $post ) {"
        " wp_delete_post( $post->ID, true ); }"
        "switch_theme( 'twentytwentythree' );"
        "$problem = activate_plugin( 'also-see/also-see.php' );"
        "return is_wp_error( $problem ) ? $problem->get_error_message() : null;"
    )
    assert problem is None, problem


@contextmanager
def _background(command: list[str], **variables: str) -> Iterator[None]:
    """A program in a process group of its own, because PHP's server has workers."""
    process = subprocess.Popen(
        command,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


if __name__ == "__main__":
    with wordpress_site() as running:
        sys.stdout.write(f"{running.url}/wp-admin/ for {EDITOR}. Enter ends it.\n")
        sys.stdin.readline()
