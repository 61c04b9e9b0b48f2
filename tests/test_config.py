"""Settings come from ALSOSEE_* variables, and a mistake in one is named."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from recommender.config import Settings
from recommender.errors import ConfigurationError


def read(**variables: str) -> Settings:
    return Settings.from_environment({f"ALSOSEE_{name}": v for name, v in variables.items()})


def test_without_variables_a_small_service_listens_on_this_machine_only():
    settings = read()

    assert ("127.0.0.1", 8000, ("main",), None) == (
        settings.host,
        settings.port,
        settings.sites,
        settings.redis_url,
    )


def test_every_kind_of_value_is_read():
    settings = read(
        SITES="main, the-other", PORT="80", DEMO="true", DATA_DIR="/srv/see", LOG_LEVEL="debug"
    )

    assert (("main", "the-other"), 80, True, Path("/srv/see"), "debug") == (
        settings.sites,
        settings.port,
        settings.demo,
        settings.data_dir,
        settings.log_level,
    )


def test_only_the_given_environment_counts(monkeypatch):
    monkeypatch.setenv("ALSOSEE_PORT", "9999")

    assert (8000, 8000) == (read().port, Settings().port)


def test_variables_of_other_programs_are_none_of_our_business():
    assert Settings() == Settings.from_environment({"PORT": "1", "REDIS_URL": "x", "alsosee": "y"})


def test_unknown_settings_are_all_named():
    with pytest.raises(ConfigurationError, match="unknown setting: ALSOSEE_PROT, ALSOSEE_TLL"):
        read(TLL="1", PROT="1", PORT="80")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("THREADS", "1.5"),
        ("LIST_TTL_SECONDS", "0"),
        ("STALE_SECONDS", "-1"),
        ("DEMO", "perhaps"),
        ("LOG_LEVEL", "loud"),
        ("SITES", "main,,other"),
        ("SITES", "Main"),
        ("SITES", "a}{b"),
        ("SITES", "*"),
        ("SITES", "a:b"),
        ("SITES", "-main"),
        ("SITES", "a" * 41),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://store"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "unix://store.sock"),
        ("REDIS_URL", "redis://[::1"),
        ("CACHE_URL", "redis://store:port"),
    ],
)
def test_a_bad_value_names_its_variable(name, value):
    with pytest.raises(ConfigurationError, match=f"^ALSOSEE_{name}: "):
        read(**{name: value})


def test_all_bad_values_are_named_at_once():
    with pytest.raises(ConfigurationError, match=r"ALSOSEE_PORT: .*; ALSOSEE_WORKERS: "):
        read(PORT="0", WORKERS="0")


@pytest.mark.parametrize(
    "url", ["redis://store", "rediss://:pw@store:6380/1", "unix:///run/redis.sock?db=1"]
)
def test_a_server_may_be_reached_by_tcp_tls_or_a_socket(url):
    settings = read(REDIS_URL=url)

    assert url == settings.redis_url.get_secret_value()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_is_as_good_as_none(name):
    assert read() == read(**{name.upper(): ""})


def test_an_unknown_variable_is_named_even_when_it_is_empty():
    with pytest.raises(ConfigurationError, match="ALSOSEE_PROT"):
        read(PROT="")


@pytest.mark.parametrize(
    "injected",
    [
        {"PORT": "tcp://10.0.0.1:8000"},
        {"SERVICE_HOST": "10.0.0.1", "SERVICE_PORT": "8000", "PORT": "80"},
        {
            "PORT": "tcp://10.0.0.1:8000",
            "SERVICE_HOST": "10.0.0.1",
            "SERVICE_PORT": "8000",
            "PORT_8000_TCP": "tcp://10.0.0.1:8000",
            "PORT_8000_TCP_ADDR": "10.0.0.1",
        },
    ],
)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_named_as_the_cause(injected):
    with pytest.raises(ConfigurationError, match=r"^Kubernetes.*ALSOSEE_PORT.*enableServiceLinks"):
        read(**injected)


def test_the_password_of_a_server_is_never_printed():
    settings = read(REDIS_URL="redis://:hunter2@store", CACHE_URL="redis://:hunter2@cache")

    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    "url",
    ["redis://:hunter2/x@store", "http://:hunter2@store", "redis://:hunter2@store:no", "hunter2"],
)
def test_not_even_a_piece_of_a_bad_address_is_printed(url):
    with pytest.raises(ConfigurationError) as refused:
        read(REDIS_URL=url)

    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"


def test_settings_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


def test_an_option_that_no_client_knows_is_refused_at_the_start():
    with pytest.raises(ConfigurationError, match=r"ALSOSEE_REDIS_URL.*unknown option"):
        read(REDIS_URL="redis://127.0.0.1/?bogus=1")


def test_a_ranking_that_cannot_be_read_stops_the_start_and_names_the_field(tmp_path):
    (tmp_path / "other.json").write_text('{"weights": {"time": 2}}')

    for path in (tmp_path, tmp_path / "other.json"):
        with pytest.raises(
            ConfigurationError, match=r"^ALSOSEE_RANKING: .*other\.json: weights\.time"
        ):
            read(RANKING=str(path))


def test_a_ranking_that_is_not_there_stops_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match=r"^ALSOSEE_RANKING: .*No such file"):
        read(RANKING=str(tmp_path / "ranking.json"))


def test_a_folder_without_a_ranking_for_any_site_stops_the_start(tmp_path):
    (tmp_path / "sprot.json").write_text("{}")

    with pytest.raises(
        ConfigurationError, match=r"^ALSOSEE_RANKING: .*expected main\.json or sport\.json in it$"
    ):
        read(RANKING=str(tmp_path), SITES="main,sport")
    assert tmp_path == read(RANKING=str(tmp_path), SITES="main,sprot").ranking


def test_no_ranking_is_the_default():
    assert (None, None) == (read().ranking, read(RANKING="").ranking)
