"""The benchmark of imports runs, and its figures are of the same rows on both sides."""

import csv

from tests.bench import imports


def test_a_small_one_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "ALONE_S", 0.1)
    result = imports.run(tmp_path / "bench", 2000, 1)
    assert result["wrong"] == []
    assert result["Contact_Import"]["there"] == result["Contact_Import"]["answered"] == 2000
    assert result["Contact_Import"]["others"]["writes"] > 0
    assert len(imports.table(result).splitlines()) == 7


def test_every_number_stands_once_in_the_file(tmp_path):
    imports.write_file(tmp_path / "rows.csv", 5000)
    with (tmp_path / "rows.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({row["Phone"].replace("+49", "0") for row in rows}) == 5000
