"""The image: pinned, not root, without secrets, and made of what the project is made of."""

import json
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from gateway.pages.assets import MODULES, VENDORED
from tests.deploy.support import DEPLOY, ROOT, all_variables, is_pinned

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))


def instructions() -> list[tuple[str, str]]:
    """Each instruction and its text, continued lines joined and comments left out."""
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in text.splitlines() if line.strip()]


def texts(instruction: str) -> list[str]:
    return [text for name, text in instructions() if name == instruction]


def environment() -> dict[str, str]:
    return {name: value.strip('"') for text in texts("ENV") for name, value in re.findall(r"(\w+)=(\S+)", text)}


def test_the_stages_of_the_program_begin_with_the_same_pinned_python_that_the_project_takes() -> None:
    images = [text.split()[0] for text in texts("FROM")]
    assert all(map(is_pinned, images))
    (node,) = [image for image in images if image.startswith("node:")]
    (python,) = set(images) - {node}
    assert re.search(r"python:3\.11\.\d+-slim", python)
    assert any(python in text for text in texts("LABEL"))


def test_what_the_pages_load_is_copied_to_where_the_program_looks_for_it() -> None:
    (installed,) = [text for text in texts("RUN") if "npm ci" in text]
    for path in VENDORED.values():
        assert f"node_modules/{path.relative_to(MODULES)}" in installed.split()
    (copied,) = [text for text in texts("COPY") if text.startswith("--from=pages")]
    assert copied.endswith("/lib/python3.11/site-packages/gateway/pages/node_modules")


def test_it_ends_as_a_numbered_user_who_is_not_root() -> None:
    assert [name for name, _ in instructions()].index("USER") > [name for name, _ in instructions()].index("FROM")
    user, group = texts("USER")[-1].split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_it_holds_no_secret() -> None:
    secrets = [name for name, is_secret in all_variables().items() if is_secret]
    for _, text in instructions():
        assert not any(name in text for name in secrets)
        assert not re.search(r"(PASSWORD|SECRET|TOKEN|_KEY)\s*=", text)
        assert not re.search(r"//[^/\s]+:[^/\s]+@", text)
    assert "ADD" not in {name for name, _ in instructions()}


def test_what_is_copied_is_what_the_wheel_is_made_of() -> None:
    copied = {word for text in texts("COPY") for word in text.split()[:-1] if not word.startswith("--")}
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert packages <= copied
    allowed = {
        line[1:]
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    assert allowed == copied - {"/opt/duijie", "/kept/node_modules", "gateway/pages"}
    assert all((ROOT / path).exists() for path in allowed)


def test_dependencies_are_the_locked_ones_and_uv_is_the_one_of_the_makefile() -> None:
    sync = next(text for text in texts("RUN") if "uv sync" in text)
    assert {"--frozen", "--no-dev", "--no-build"} <= set(sync.split())
    assert set(re.findall(r"--extra (\S+)", sync)) <= set(PROJECT["project"].get("optional-dependencies", {}))
    makefile = re.search(r"^UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert makefile is not None
    assert any(f"uv=={makefile[1]}" in text for text in texts("RUN"))
    assert any("--require-hashes" in text for text in texts("RUN") if "uv build" in text)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_dependency_has_a_wheel_for(machine: str) -> None:
    """Else `--no-build` fails on that platform."""
    packages = {(each["name"], each["version"]): each for each in LOCK["package"]}
    needed, waiting = set(), [("duijie", PROJECT["project"]["version"])]
    while waiting:
        package = waiting.pop()
        if package in needed:
            continue
        needed.add(package)
        asked = packages[package].get("dependencies", []) + [
            each for extra in packages[package].get("optional-dependencies", {}).values() for each in extra
        ]
        for each in asked:
            found = [known for known in packages if known[0] == each["name"]]
            waiting.extend([known for known in found if known[1] == each.get("version", known[1])])

    def fits(wheel: str) -> bool:
        python, _, platform = wheel.removesuffix(".whl").rsplit("-", 3)[1:]
        if platform == "any":
            return python.startswith("py")
        return machine in platform and "manylinux" in platform and bool(re.match(r"py3|cp311|cp3\d+$", python))

    without = set()
    for name, _ in needed - {("duijie", PROJECT["project"]["version"])}:
        versions = [each for each in LOCK["package"] if each["name"] == name]
        files = [wheel["url"].rsplit("/", 1)[1] for each in versions for wheel in each.get("wheels", [])]
        if not any(map(fits, files)):
            without.add(name)
    assert not without


def test_it_starts_the_command_line_and_listens_where_it_says() -> None:
    assert json.loads(texts("ENTRYPOINT")[-1])[0] in PROJECT["project"]["scripts"]
    assert environment()["DUIJIE_PORT"] == texts("EXPOSE")[-1]
    assert environment()["DUIJIE_HOST"] == "0.0.0.0"
    assert {name for name in environment() if name.startswith("DUIJIE_")} <= set(all_variables())


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_healthz_and_believes_the_answer(status: int, code: int) -> None:
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    command = json.loads(texts("HEALTHCHECK")[-1].split("CMD", 1)[1])
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            done = subprocess.run(
                [sys.executable, *command[1:]],
                env={"DUIJIE_PORT": str(server.server_port)},
                stderr=subprocess.DEVNULL,
                check=False,
            )
        finally:
            server.shutdown()
            thread.join()
    assert command[0] == "python"
    assert asked == ["/healthz"]
    assert done.returncode == code
