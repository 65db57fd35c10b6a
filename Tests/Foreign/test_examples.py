"""Every example loads, and is tested."""

import re
from pathlib import Path

import pytest

from support import EXAMPLES, ROOT, run

NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


def test_there_are_examples():
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_example_passes_check(name):
    result = run("check", f"examples/{name}")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", NAMES)
def test_the_example_begins_with_a_line_that_says_what_it_does(name):
    for script in (EXAMPLES / name).glob("*.lua"):
        assert re.match(r"-- [A-Z].*\.$", script.read_text().splitlines()[0]), script


@pytest.mark.parametrize("name", NAMES)
def test_the_example_has_a_test_that_names_it(name):
    files = [*Path(__file__).parent.glob("test_*.py"), *(ROOT / "Tests" / "ScriptingTests").glob("*.swift")]
    used = re.compile(rf"""examples['")]*\W+['"]{re.escape(name)}['"]""", re.IGNORECASE)
    assert any(used.search(file.read_text()) for file in files), (
        f"no test in Tests/Foreign or Tests/ScriptingTests uses {name}"
    )
