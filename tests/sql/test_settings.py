"""Settings: every key is written and explained, unknown ones stop the start, the environment wins."""

import pytest

from sql import settings


def test_the_first_file_holds_every_key_explained(tmp_path):
    path = settings.write_first(tmp_path / "home", 9000)
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    for section, key in settings.KEYS:
        assert f"\n{key} =" in text, (section, key)
    assert text.count("\n# ") == len(settings.KEYS)
    read = settings.read(tmp_path / "home")
    assert read.port("api") == 9000
    assert read.port("carrier_rtp_end") == 11999
    assert len(read.text("ami", "secret")) == 48


def test_an_existing_file_is_left_as_it_is(tmp_path):
    settings.write_first(tmp_path, 9000)
    before = (tmp_path / "carillon.ini").read_bytes()
    settings.write_first(tmp_path, 9500)
    assert (tmp_path / "carillon.ini").read_bytes() == before


def test_the_environment_wins_and_unknown_names_are_told(tmp_path, monkeypatch, capsys):
    settings.write_first(tmp_path)
    monkeypatch.setenv("CARILLON_CALLING_COUNTRY", "DE")
    monkeypatch.setenv("CARILLON_CALLING_CONTRY", "DE")
    assert settings.read(tmp_path).text("calling", "country") == "DE"
    assert "CARILLON_CALLING_CONTRY names no setting" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[calling]\ncontry = DE\n", r"unknown key \[calling\] contry"),
        ("[kalling]\ncountry = DE\n", r"unknown key \[kalling\] country"),
        ("country = DE\n", "cannot be read"),
        ("[calling]\ncountry = DE\ncountry = AT\n", "cannot be read"),
    ],
)
def test_a_wrong_file_stops_the_start(tmp_path, text, says):
    (tmp_path / "carillon.ini").write_text(text)
    with pytest.raises(settings.SettingsError, match=says):
        settings.read(tmp_path)


def test_no_installation_is_said_so(tmp_path):
    with pytest.raises(settings.SettingsError, match=r"carillon init --home .* writes one"):
        settings.read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "ami"),
    [
        ({}, ("127.0.0.1", 7001, "carillon", "s")),
        ({"CARILLON_AMI_HOST": "10.0.0.5"}, ("10.0.0.5", 5038, "carillon", "s")),
        ({"CARILLON_AMI_HOST": "10.0.0.5", "CARILLON_AMI_PORT": "5039"}, ("10.0.0.5", 5039, "carillon", "s")),
    ],
)
def test_which_asterisk_is_spoken_to(tmp_path, monkeypatch, changes, ami):
    settings.write_first(tmp_path, ami__secret="s")
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    read = settings.read(tmp_path)
    assert read.ami == ami
    assert read.own_asterisk == (not changes)
