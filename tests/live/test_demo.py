"""The demo, as a new user starts it: the carrier's table, the rows and the pushes agree for all 200."""

import json
import subprocess
import sys


def test_demo(asterisk, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "dialplan.carillon", "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    result = json.loads((tmp_path / "var" / "demo" / "result.json").read_text())
    assert result["contacts"] == 200
    assert result["expected"] == result["recorded"] == result["pushed"]
    assert sum(result["pushed"].values()) == 200
    assert len(result["expected"]) == 8
    assert result["calls_per_second"] > 0
    assert result["seconds"] < 45
    assert "All three accounts agree for all 200 contacts." in done.stdout
