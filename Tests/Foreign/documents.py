"""Runs the code blocks of a Markdown file, each by its language.

lua    is put into a directory as main.lua, and `mooncast check` must accept it. A block whose first line is
       `-- NAME.lua`, or begins with `-- NAME.lua:`, is written under that name, and named blocks that follow each
       other share a directory.
sh     each line is run: `./scripts/serve DIR` and `mooncast serve DIR` start a server on a free port, which `curl`
       and `mooncast tail` lines talk to from then on, whatever port they name. A DIR that does not exist stands for
       the directory of the last lua blocks. A script of an example (`./examples/…`) must parse; a test of its own
       runs it. Lines of NOT_RUN are what a reader does once, by hand.
html   is parsed, and every element must be closed.
json   is parsed.
nginx  and haproxy and caddy are configuration, which the proxy itself must accept.
redis  is redis.conf, with which a redis-server must start.
text   is output, and not run.
"""

import json
import os
import re
import shlex
import subprocess
import textwrap
from html.parser import HTMLParser
from typing import NamedTuple

import proxies
from redis_server import RedisServer
from support import BINARY, PATIENCE, ROOT, run

BUILDING = 1800  # seconds for a line that may build the server first
NOT_RUN = ("git clone ", "cd ")
SCRIPTS_NOT_RUN = ("test", "bench", "bench-fanout", "bench-redis")  # they would start these tests, or take minutes


class Block(NamedTuple):
    language: str
    text: str
    line: int


def blocks(text):
    """The fenced code blocks of a document."""
    found = []
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})\s*(.*?)\s*$", line)
        if fence is None and mark:
            fence, language, start, lines = mark[1], mark[2], number, []
        elif fence is not None and mark and not mark[2] and mark[1].startswith(fence):
            found.append(Block(language, textwrap.dedent("\n".join(lines)) + "\n", start))
            fence = None
        elif fence is not None:
            lines.append(line)
    assert fence is None, f"line {start}: the block is never closed"
    return found


def script_name(text):
    """The name that the first line of a script gives; None for none."""
    found = re.match(r"-- (\S+\.lua)(:|$)", text.split("\n", 1)[0])
    return found and found[1]


def groups(blocks):
    """Blocks that belong together: named scripts that follow each other, and every other block by itself."""
    found = []
    for block in blocks:
        is_named = block.language == "lua" and script_name(block.text)
        if is_named and found and found[-1][0].language == "lua" and script_name(found[-1][0].text):
            found[-1].append(block)
        else:
            found.append([block])
    return found


class Document:
    """One document at work."""

    def __init__(self, path, directory, launch):
        self._path = path
        self._directory = directory
        self._launch = launch
        self._server = None
        self._scripts = None

    def run(self):
        """What is wrong with the document, a text per block."""
        problems = []
        for group in groups(blocks(self._path.read_text())):
            try:
                runner = RUNNERS.get(group[0].language)
                assert runner, (
                    f"no runner for the language {group[0].language!r} (there are: {', '.join(RUNNERS)}). For output "
                    "use 'text'; for a new language add a method to Document in Tests/Foreign/documents.py, and name "
                    "it in RUNNERS"
                )
                runner(self, *(block.text for block in group))
            except (AssertionError, ValueError, OSError, subprocess.SubprocessError) as problem:
                problems.append(f"{self._path.name}:{group[0].line}: {problem}")
        return problems

    # MARK: languages

    def lua(self, *texts):
        self._scripts = self._new_directory()
        for text in texts:
            file = self._scripts / (script_name(text) or "main.lua")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        result = run("check", self._scripts)
        assert result.returncode == 0, result.stderr

    def sh(self, text):
        for line in text.replace("\\\n", " ").splitlines():
            line = re.sub(r"\s#\s.*$", "", line.strip())
            if line and not line.startswith(("#", *NOT_RUN)):
                self._run_line(line)

    def html(self, text):
        BalancedParser().check(text)

    def json(self, text):
        json.loads(text)

    def text(self, text):
        pass

    def nginx(self, text):
        proxies.check("nginx", text, self._new_directory())

    def haproxy(self, text):
        proxies.check("haproxy", text, self._new_directory())

    def caddy(self, text):
        proxies.check("caddy", text, self._new_directory())

    def redis(self, text):
        directory = self._new_directory()
        (directory / "redis.conf").write_text(text)
        RedisServer(directory, file=directory / "redis.conf").clean_up()

    def _new_directory(self):
        directory = self._directory / f"block{len(list(self._directory.iterdir()))}"
        directory.mkdir()
        return directory

    # MARK: commands

    def _run_line(self, line):
        words = shlex.split(line)
        if words[:2] == ["mooncast", "serve"]:
            self._serve([BINARY, "serve"], words[2:])
        elif words[0] == "./scripts/serve":
            self._check_script(words[0])
            self._serve([ROOT / "scripts" / "serve"], words[1:])
        elif words[:2] == ["mooncast", "tail"]:
            self._tail(line)
        elif words[0] == "mooncast":
            result = run(*words[1:])
            assert result.returncode == 0, f"{line}: {result.stderr}"
        elif words[0] == "curl":
            self._curl(line)
        elif words[0].startswith("./scripts/"):
            self._script(words)
        elif words[0].startswith("./examples/"):
            self._check_script(words[0])
        else:
            raise AssertionError(
                f"'{line}' is never run: begin it with ./scripts/, mooncast or curl, or add it to NOT_RUN"
            )

    def _check_script(self, path):
        script = ROOT / path
        assert script.is_file(), f"there is no {path.removeprefix('./')}"
        assert os.access(script, os.X_OK), f"{path} is not executable"
        subprocess.run(["bash", "-n", script], check=True, capture_output=True, timeout=PATIENCE)

    def _script(self, words):
        name = words[0].removeprefix("./scripts/")
        self._check_script(words[0])
        if name in SCRIPTS_NOT_RUN or words[1:] in (["bench"], ["bench-fanout"], ["bench-redis"]):
            return
        result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=BUILDING)
        assert result.returncode == 0, f"{' '.join(words)}: {result.stderr}"

    def _serve(self, command, words):
        directory, options = words[0], words[1:]
        if not (ROOT / directory).is_dir():
            assert self._scripts, f"there is no directory {directory}, and no lua block before this line"
            directory = self._scripts
        if self._server:
            self._server.stop()
        self._server = self._launch([*command, directory, *options, "--port", 0, "--log-format", "json"])
        self._server.wait_until_listening(timeout=BUILDING)

    def _with_port(self, line):
        assert self._server, f"{line}: no server was started before"
        address = r"\b(localhost|127\.0\.0\.1):\d+"
        assert re.search(address, line), f"{line}: names no port of this machine"
        return re.sub(address, f"127.0.0.1:{self._server.port}", line)

    def _tail(self, line):
        """Runs `mooncast tail` up to the first event."""
        result = run(*shlex.split(self._with_port(line))[1:], "--count", 1)
        assert result.returncode == 0 and result.stdout, f"{line}: {result.stderr}"

    def _curl(self, line):
        line = self._with_port(line)
        if re.search(r"\s(-\w*N|--no-buffer)\b", line):
            return self._follow(line)
        result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE)
        assert result.returncode == 0, f"{line}: {result.stderr}"
        assert result.stdout, f"{line}: prints nothing"

    def _follow(self, line):
        """Runs curl on a stream until the first event is complete."""
        with subprocess.Popen(
            ["bash", "-c", f"exec {line}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as client:
            try:
                lines = iter(client.stdout.readline, "")
                assert any(line.startswith("data:") for line in lines), f"{line}: no event: {client.stderr.read()}"
                assert next(lines, None) is not None
            finally:
                client.terminate()


LANGUAGES = ("lua", "sh", "html", "json", "text", "nginx", "haproxy", "caddy", "redis")
RUNNERS = {language: getattr(Document, language) for language in LANGUAGES}


class BalancedParser(HTMLParser):
    """Finds elements that are never closed, or closed in the wrong place."""

    VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
    OPTIONAL = {"html", "head", "body", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "option"}

    def check(self, text):
        self.open = []
        self.feed(text)
        self.close()
        left = [name for name in self.open if name not in self.OPTIONAL]
        assert not left, f"never closed: <{'>, <'.join(left)}>"

    def handle_starttag(self, name, attributes):
        if name not in self.VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        while self.open and self.open[-1] != name and self.open[-1] in self.OPTIONAL:
            self.open.pop()
        assert self.open and self.open[-1] == name, f"</{name}> closes nothing at line {self.getpos()[0]}"
        self.open.pop()
