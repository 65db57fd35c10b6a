"""Every code block of the documents runs."""

import re

import pytest

from documents import BUILDING, Document, blocks
from support import EXAMPLES, ROOT

LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


@pytest.mark.timeout(2 * BUILDING)
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_code_block_of_the_document_runs(tmp_path, launch, path):
    assert path.is_file(), f"{path.name} is missing"
    problems = Document(path, tmp_path, launch).run()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_the_document_to_a_file_leads_somewhere(path):
    text = path.read_text()
    for block in blocks(text):
        text = text.replace(block.text, "")
    links = {link for link in LINK.findall(text) if not link.startswith(("http:", "https:", "mailto:", "#"))}
    assert [link for link in sorted(links) if not (path.parent / link.split("#")[0]).exists()] == []


# MARK: the runner itself

HELLO = EXAMPLES / "hello"
HI = 'HTTPServer.register_route("GET", "/", function(request, response) response.body = "hi" end)'


def fenced(language, *lines):
    return "\n".join([f"```{language}", *lines, "```", ""])


GOOD = {
    "a script": fenced("lua", "print('hello')"),
    "named scripts that share globals": fenced("lua", "-- a.lua", "shared = 1")
    + fenced("lua", "-- b.lua: it asserts", "assert(shared == 1)"),
    "a module": fenced("lua", "-- lib/scores.lua", "return 5")
    + fenced("lua", "-- main.lua", "assert(require 'lib.scores' == 5)"),
    "unnamed scripts that share nothing": fenced("lua", "shared = 1")
    + fenced("lua", "assert(not rawget(_G, 'shared'))"),
    "a block in a list": "1. so\n   ```lua\n   print('hello')\n   ```\n",
    "curl on an example": fenced(
        "sh",
        f"mooncast serve {HELLO} --dev  # by hand",
        "curl http://localhost:8080/",
        "curl -N localhost:8080/clock",
        "mooncast tail http://127.0.0.1:8080/clock --json",
    ),
    "curl on a script of the document": fenced("lua", HI)
    + fenced("sh", "mooncast serve my-scripts")
    + "and then\n"
    + fenced("sh", "curl -s \\", "  http://127.0.0.1:8080/ | grep hi"),
    "other commands": fenced(
        "sh", "# look", "mooncast --version", f"mooncast check {HELLO}", "git clone https://example.org/x", "cd x"
    ),
    "a page": fenced(
        "html", "<!doctype html>", "<p>one<p>two<br><ul><li>a<li>b</ul>", "<script>if (1 < 2) {}</script>"
    ),
    "JSON": fenced("json", '{"a": [1, null]}'),
    "a proxy's configuration": fenced("caddy", ":80 {", "  reverse_proxy 127.0.0.1:8080", "}"),
    "settings of Redis": fenced("redis", "# about", "maxmemory 1gb", "user ann on >b ~c:* &c:* -@all +get"),
    "an example's script": fenced("sh", "./examples/cluster/start"),
    "output": fenced("text", "<p> { anything"),
}

BAD = {
    "a script that does not load": ("\n\n" + fenced("lua", "local = 5"), ["doc.md:3:", "main.lua:1:", "local = 5"]),
    "an unknown language": (fenced("rust", "fn main() {}"), ["doc.md:1:", "'rust'", "documents.py", "RUNNERS"]),
    "no language": (fenced("", "x"), ["doc.md:1:", "no runner", "'text'"]),
    "a command that fails": (fenced("sh", "mooncast check no-such-directory"), ["no-such-directory"]),
    "a command that is never run": (fenced("sh", "make install"), ["make install", "NOT_RUN"]),
    "a script that is not there": (fenced("sh", "./scripts/no-such-script"), ["scripts/no-such-script"]),
    "curl without a server": (fenced("sh", "curl http://localhost:8080/"), ["no server"]),
    "tail without a server": (fenced("sh", "mooncast tail http://localhost:8080/"), ["no server"]),
    "tail of what is no stream": (
        fenced("sh", f"mooncast serve {HELLO}", "mooncast tail http://localhost:8080/nothing"),
        ["mooncast tail", "404"],
    ),
    "curl that fails": (
        fenced("sh", f"mooncast serve {HELLO}", "curl --fail http://localhost:8080/nothing"),
        ["curl --fail", "404"],
    ),
    "a stream that is none": (
        fenced("sh", f"mooncast serve {HELLO}", "curl -sN localhost:8080/nothing"),
        ["no event"],
    ),
    "a directory from nowhere": (fenced("sh", "mooncast serve my-scripts"), ["my-scripts", "no lua block"]),
    "a page with an open element": (fenced("html", "<div><p>one"), ["never closed: <div>"]),
    "a page that closes what is not open": (fenced("html", "<b>one</i>"), ["</i>"]),
    "an unknown setting of nginx": (fenced("nginx", "server { listening 80; }"), ["unknown directive", "listening"]),
    "an unknown setting of HAProxy": (fenced("haproxy", "frontend a", "  binding :80"), ["unknown keyword", "binding"]),
    "an unknown setting of Caddy": (fenced("caddy", ":80 {", "  revers_proxy b", "}"), ["revers_proxy"]),
    "an unknown setting of Redis": (fenced("redis", "maxmemories 1gb"), ["maxmemories"]),
    "broken JSON": (fenced("json", "{a: 1}"), ["doc.md:1:"]),
}


def problems_of(text, tmp_path, launch):
    (tmp_path / "doc.md").write_text(text + "\n")
    (tmp_path / "work").mkdir()
    return Document(tmp_path / "doc.md", tmp_path / "work", launch).run()


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_the_runner_accepts_what_works(tmp_path, launch, text):
    assert problems_of(text, tmp_path, launch) == []


@pytest.mark.parametrize("text, said", BAD.values(), ids=BAD.keys())
def test_the_runner_finds_what_does_not_work(tmp_path, launch, text, said):
    [problem] = problems_of(text, tmp_path, launch)
    assert [words for words in said if words not in problem] == [], problem


def test_the_runner_goes_on_after_a_block_that_does_not_work(tmp_path, launch):
    assert len(problems_of(fenced("json", "{") + fenced("lua", "x =") + fenced("json", "1"), tmp_path, launch)) == 2


def test_a_block_that_is_never_closed_is_found():
    with pytest.raises(AssertionError, match="line 2: the block is never closed"):
        blocks("\n```lua\nprint(1)\n")
