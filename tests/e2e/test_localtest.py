# SPDX-License-Identifier: Apache-2.0
"""mse localtest: an app runs here as it would in a TEE, and nothing of it is left afterwards."""

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
from harness import LOCAL, NO, USAGE, YES

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples"

# Answers /health with $STATUS, / with its environment, /touch with what writing to PATH gives.
SERVER = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name, _, path = self.path.partition("?")
        try:
            body = {"/touch": self.touch, "/pid": self.pid}.get(name, self.env)(path)
        except OSError as error:
            body = error.strerror
        self.send_response(STATUS if name == "/health" else 200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def touch(self, path):
        open(os.path.expandvars(path), "w").close()

    def pid(self, path):
        return os.getpid()

    def env(self, path):
        return {"env": dict(os.environ), "cwd": os.getcwd(), "files": sorted(os.listdir())}

    def log_message(self, *words):
        pass

print("\\x1b[31mserver says hello")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class App:
    """A project directory whose app is this Python text."""

    def __init__(self, mse):
        self.mse, self.dir = mse, mse.inputs / "project"
        self.temporary = mse.directory / "tmp"
        for path in (self.dir / "src", self.dir / "tests", self.temporary):
            path.mkdir(parents=True)
        self.write(SERVER.replace("STATUS", "200"))

    def write(self, code, tests_cmd="sh test.sh", test="true", **keys):
        (self.dir / "src/server.py").write_text(code)
        (self.dir / "tests/test.sh").write_text(test)
        self.settings(tests_cmd=tests_cmd, **keys)

    def settings(self, cloud=None, **keys):
        keys = {"name": "app", "command": ["python3", "-u", "server.py"],
                "healthcheck_endpoint": "/health", **keys}  # fmt: skip
        cloud = {"code": "src", "tests": "tests"} if cloud is None else cloud
        lines = [f"{k} = {json.dumps(v)}\n" for k, v in keys.items() if v is not None]
        lines += ["[cloud]\n"] + [f"{k} = {json.dumps(v)}\n" for k, v in cloud.items()]
        (self.dir / "mse.toml").write_text("".join(lines))

    def words(self, *words):
        return ("localtest", "--path", self.dir / "mse.toml", *words)

    def env(self, **more):
        return self.mse.env(TMPDIR=str(self.temporary), **more)

    def run(self, *words, env=None, **options):
        done = self.mse.run(*self.words(*words), env=env or self.env(), **options)
        self.check_clean()
        return done

    def start(self, *words, **options):
        return subprocess.Popen(
            [self.mse.program, *map(str, self.words(*words))], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env(),
            cwd=self.mse.work, **options,
        )  # fmt: skip

    def check_clean(self):
        assert list(self.temporary.iterdir()) == [], "the directory of the run is left"


@pytest.fixture
def app(mse):
    return App(mse)


def lives(pid):
    """A zombie does not live; whoever adopts it will take it away."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


@pytest.fixture
def running(app):
    """(process, URL) with --no-tests; ended by SIGINT, which is success."""
    process = app.start("--no-tests")
    try:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url), process.communicate()
        yield process, url
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == YES
    app.check_clean()


# ---- tests decide --------------------------------------------------------------------------


def test_passing_tests_are_success(app):
    app.write(SERVER.replace("STATUS", "204"), test='echo "at $TEST_REMOTE_URL"; pwd')
    done = app.run()
    assert done.code == YES, str(done)
    out = done.out.decode().splitlines()
    assert re.fullmatch(r"at http://127\.0\.0\.1:\d+/", out[0])
    assert out[1:] == [str(app.dir / "tests"), "tests passed"]
    assert done.err == ""


def test_cloud_localtest_is_the_same_command(app):
    assert app.mse.run("cloud", *app.words(), env=app.env()).code == YES
    for words in (("localtest",), ("cloud", "localtest")):
        assert b"--no-tests" in app.mse.run(*words, "--help").out


def test_failing_tests_are_exit_status_1_and_show_what_the_app_said(app):
    app.write(SERVER.replace("STATUS", "200"), test="exit 7", tests_requirements=["pytest==7"])
    done = app.run()
    assert done.code == NO
    assert "the tests failed: exit status 7" in done.err
    assert "nothing was installed for them" in done.err and "pytest==7" in done.err
    assert "the app's output:\n?[31mserver says hello\n" in done.err
    assert b"passed" not in done.out


def test_a_test_command_that_is_not_there_fails(app):
    app.settings(tests_cmd="no-such-program")
    done = app.run()
    assert done.code == NO and "exit status 127" in done.err


def test_tests_that_are_killed_fail(app):
    app.write(SERVER.replace("STATUS", "200"), test="exit 0", tests_cmd="kill -9 $$")
    done = app.run()
    assert done.code == NO and "signal 9" in done.err


def test_an_app_that_ends_during_the_tests_fails_them(app):
    app.write(
        SERVER.replace("STATUS", "200").replace("return os.getpid()", "os._exit(5)"),
        test='curl -s "${TEST_REMOTE_URL}pid"; sleep 60',
    )
    done = app.run()
    assert done.code == NO and "the app ended during the tests: exit status 5" in done.err


# ---- an app that does not come up ------------------------------------------------------------


def test_an_app_that_crashes_at_start(app):
    app.write("import sys; print('before'); sys.exit('no luck')")
    done = app.run()
    assert done.code == NO
    assert "the app ended before it was healthy: exit status 1" in done.err
    assert "the app's output:\nbefore\nno luck\n" in done.err


def test_a_last_line_without_an_end_is_shown_too(app):
    app.write("import os; os.write(1, b'one\\nlast'); os._exit(1)")
    assert app.run().err.endswith("the app's output:\none\nlast\n")


@pytest.mark.parametrize("status, said", [(500, "answers 500"), (404, "answers 404")])
def test_an_app_that_never_gets_healthy(app, status, said):
    app.write(SERVER.replace("STATUS", str(status)))
    done = app.run("--timeout", 1)
    assert done.code == NO
    assert "the app is not healthy after 1 s" in done.err and said in done.err
    assert "server says hello" in done.err


def test_a_redirect_is_not_healthy(app):
    app.write(SERVER.replace("STATUS", "302"))
    assert app.run("--timeout", 1).code == NO


def test_an_app_that_listens_elsewhere(app):
    app.write("import time; time.sleep(60)")
    done = app.run("--timeout", 1)
    assert done.code == NO
    assert re.search(r"nothing answers GET /health .*\(PORT=\d+\)", done.err)
    assert "the app printed nothing" in done.err


def test_an_app_that_accepts_and_says_nothing(app):
    app.write("import os, socket, time\n"
              "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
              "while True: s.accept()")  # fmt: skip
    assert app.run("--timeout", 1).code == NO


def test_an_answer_without_an_end_is_judged_by_its_status(app):
    app.write("import os, socket\n"
              "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
              "while True:\n"
              "    c, _ = s.accept()\n"
              "    try:\n"
              "        c.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\n')\n"
              "        while True: c.sendall(b'x' * 65536)\n"
              "    except OSError: pass")  # fmt: skip
    assert app.run("--timeout", 10).code == YES


def test_a_program_that_cannot_be_run(app):
    for command, why in (("./absent", "No such file"), ("./server.py", "Permission denied"),
                         ("no-such-program", "No such file")):  # fmt: skip
        app.settings(tests_cmd="true", command=[command])
        done = app.run()
        assert done.code == NO
        assert f"{command}: cannot be started: {why}" in done.err, str(done)


def test_of_much_output_the_end_is_shown_in_whole_lines(app):
    app.write("for i in range(100000): print('line', i)\nraise SystemExit(1)")
    done = app.run()
    assert done.code == NO
    lines = done.err.split("the app's output, the end of it:\n")[1].splitlines()
    assert lines[-1] == "line 99999"
    assert re.fullmatch(r"line \d+", lines[0])
    assert 65000 < sum(map(len, lines)) + len(lines) <= 65536


# ---- what the app finds ----------------------------------------------------------------------


def test_the_environment_is_the_contract_and_nothing_else(app, running):
    (_, url), directory = running, next(app.temporary.iterdir())
    found = get(url)
    # Python adds this one by itself where there is no locale.
    found["env"].pop("LC_CTYPE", None)
    assert found["env"] == {
        "PORT": url.split(":")[2].rstrip("/"),
        "HOME": str(directory / "home"),
        "TMP_PATH": str(directory / "tmp"),
        "MODULE_PATH": str(directory / "code"),
        "SECRETS_PATH": str(directory / "home/.cache/mse/secrets.json"),
        "SEALED_SECRETS_PATH": str(directory / "home/.cache/mse/sealed_secrets.json"),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert found["cwd"] == str(directory / "code")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert list((directory / "home/.cache/mse").iterdir()) == []
    assert get(url + "touch?$TMP_PATH/new") is None
    assert (directory / "tmp/new").exists()


def test_the_code_is_what_would_be_packaged_and_read_only(app, mse):
    (app.dir / "src/.mseignore").write_text("notes.txt\n")
    (app.dir / "src/notes.txt").write_text("not for the TEE\n")
    (app.dir / "src/run.sh").write_text("#!/bin/sh\nexec python3 server.py\n")
    (app.dir / "src/run.sh").chmod(0o755)
    (app.dir / "src/locked").mkdir()
    (app.dir / "src/locked/file").write_text("x")
    app.settings(command=["./run.sh"])
    process = app.start("--no-tests")
    try:
        found = get(process.stdout.readline().strip())
        code = Path(found["env"]["MODULE_PATH"])
        assert found["files"] == [".mseignore", "locked", "run.sh", "server.py"]
        assert code.stat().st_mode & 0o777 == 0o555
        assert (code / "locked").stat().st_mode & 0o777 == 0o555
        assert (code / "run.sh").stat().st_mode & 0o777 == 0o555
        assert (code / "server.py").stat().st_mode & 0o777 == 0o444
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == YES
    app.check_clean()
    assert (app.dir / "src/locked/file").read_text() == "x"


def test_read_only_code_cannot_be_written_and_is_removed_all_the_same(app):
    """Root may write everywhere: without that capability it is a user like others."""
    app.write(DAEMON + SERVER.replace("STATUS", "200"), test="exit 0")
    (app.dir / "src/data").mkdir()
    (app.dir / "src/data/file").write_text("x")
    words = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] * (os.geteuid() == 0)
    process = subprocess.Popen(
        [*words, app.mse.program, *map(str, app.words("--no-tests"))], cwd=app.mse.work,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=app.env(), text=True,
    )  # fmt: skip
    try:
        url = process.stdout.readline().strip()
        assert get(url + "touch?new") == "Permission denied"
        assert get(url + "touch?data/file") == "Permission denied"
        assert get(url + "touch?$HOME/new") is None
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == YES
    app.check_clean()


def test_secrets_reach_app_and_tests(app):
    secrets, sealed = app.mse.put('{"a": 1}'), app.mse.put('{"b": 2}')
    check = "cmp {0} $TEST_SECRET_JSON && cmp {1} $TEST_SEALED_SECRET_JSON".format(secrets, sealed)
    server = "import os\nfor n in 'SECRETS_PATH', 'SEALED_SECRETS_PATH':\n" \
             "    print(open(os.environ[n]).read(), os.stat(os.environ[n]).st_mode & 0o777)\n" \
             + SERVER.replace("STATUS", "200")  # fmt: skip
    app.write(server, test=f"{check} && exit 9")
    done = app.run("--secrets", secrets, "--sealed-secrets", sealed)
    assert done.code == NO and "exit status 9" in done.err, str(done)
    assert f'{{"a": 1}} {0o400}\n{{"b": 2}} {0o400}\n' in done.err


def test_secrets_are_those_of_the_settings_unless_said_otherwise(app):
    (app.dir / "own.json").write_text('"own"')
    app.write(SERVER.replace("STATUS", "200"), test='cat "$TEST_SECRET_JSON"',
              cloud={"code": "src", "tests": "tests", "secrets": "own.json"})  # fmt: skip
    assert app.run().out.startswith(b'"own"')
    assert app.run("--secrets", app.mse.put('"other"')).out.startswith(b'"other"')


def test_without_secrets_the_tests_have_none_either(app):
    app.write(SERVER.replace("STATUS", "200"), test='test -z "${TEST_SECRET_JSON+x}"')
    assert app.run(env=app.env(TEST_SECRET_JSON="/etc/passwd")).code == YES


def test_tests_keep_the_callers_environment(app):
    app.write(SERVER.replace("STATUS", "200"), test='test "$MINE" = 1')
    assert app.run(env=app.env(MINE="1")).code == YES


# ---- what is refused before anything runs ----------------------------------------------------


def test_secrets_that_are_no_json_are_refused(app):
    done = app.run("--secrets", app.mse.put("{"))
    assert done.code == NO and "server" not in done.err


@pytest.mark.parametrize("option", ["--secrets", "--sealed-secrets", "--code"])
def test_a_file_that_is_not_there(app, option):
    done = app.run(option, "/no/such/file")
    assert done.code == LOCAL and "/no/such/file" in done.err


@pytest.mark.parametrize(
    "words, text",
    [
        (("--port", "0"), "--port"),
        (("--port", "65536"), "--port"),
        (("--port", "x"), "--port"),
        (("--timeout", "0"), "--timeout"),
        (("--timeout", "3601"), "--timeout"),
        (("--no-tests", "word"), "word"),
    ],
)
def test_wrong_usage(app, words, text):
    done = app.run(*words)
    assert done.code == USAGE and text in done.err


def test_an_occupied_port(app):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = app.run("--port", port)
    assert done.code == LOCAL
    assert f"127.0.0.1:{port}" in done.err and "in use" in done.err


def test_a_given_port_is_used(app):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    app.write(SERVER.replace("STATUS", "200"), test='echo "$TEST_REMOTE_URL"')
    assert app.run("--port", port).out.startswith(b"http://127.0.0.1:%d/\n" % port)


def test_missing_settings(app):
    app.settings(tests_cmd=None)
    done = app.run()
    assert done.code == USAGE and "no tests_cmd" in done.err and "--no-tests" in done.err
    app.settings(tests_cmd="true", healthcheck_endpoint=None)
    done = app.run()
    assert done.code == NO and "healthcheck_endpoint" in done.err
    app.settings(tests_cmd="true", command=None)
    done = app.run()
    assert done.code == NO and "command" in done.err
    app.settings(tests_cmd="true", cloud={"code": "src", "tests": "absent"})
    done = app.run()
    assert done.code == LOCAL and "absent" in done.err
    (app.dir / "mse.toml").unlink()
    assert app.run().code == LOCAL


def test_the_code_may_be_named_on_the_command_line(app):
    text = (app.dir / "mse.toml").read_text().split("[cloud]")[0]
    (app.dir / "mse.toml").write_text(text.replace("sh test.sh", "test -d src"))
    assert app.run().code == USAGE
    assert app.run("--code", app.dir / "src").code == YES


# ---- nothing stays ---------------------------------------------------------------------------


# The app leaves its process group; the tests write down who runs, and wait for ever.
DAEMON = """
import os, subprocess
child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print("pids", os.getpid(), child.pid, flush=True)
open(os.environ["TMP_PATH"] + "/pids", "w").write(f"{os.getpid()} {child.pid}")
os.makedirs(os.environ["TMP_PATH"] + "/a/b", mode=0o000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_app_and_tests(app, number):
    app.write(DAEMON + SERVER.replace("STATUS", "200"), test="echo $$; exec sleep 1000")
    process = app.start()
    tests = int(process.stdout.readline())
    pids = [int(p) for p in next(app.temporary.glob("*/tmp/pids")).read_text().split()] + [tests]
    assert all(map(lives, pids))
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -number, err
    assert not any(map(lives, pids))
    app.check_clean()


def test_what_left_its_group_ends_too(app):
    app.write(DAEMON + SERVER.replace("STATUS", "200"), test="exit 1")
    done = app.run()
    pids = [int(p) for p in re.search(r"pids (\d+) (\d+)", done.err).groups()]
    assert done.code == NO and not any(map(lives, pids))


def test_an_app_that_ignores_sigterm_ends(app):
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    app.write(ignore + DAEMON + SERVER.replace("STATUS", "200"), test="exit 1")
    done = app.run()
    pids = [int(p) for p in re.search(r"pids (\d+) (\d+)", done.err).groups()]
    assert done.code == NO and not any(map(lives, pids))


def test_a_killed_mse_takes_the_app_with_it(app):
    process = app.start("--no-tests")
    pid = get(process.stdout.readline().strip() + "pid")
    descriptor = os.pidfd_open(pid)
    try:
        process.kill()
        process.communicate(timeout=30)
        ended, _, _ = select.select([descriptor], [], [], 30)
        assert ended
    finally:
        os.close(descriptor)


def test_without_tests_an_app_that_ends_is_a_failure(app):
    app.write(SERVER.replace("STATUS", "200").replace("return os.getpid()", "os._exit(3)"))
    process = app.start("--no-tests")
    url = process.stdout.readline().strip()
    with pytest.raises(OSError):
        get(url + "pid")
    _, err = process.communicate(timeout=30)
    assert process.returncode == NO
    assert "the app ended by itself: exit status 3" in err and "server says hello" in err
    app.check_clean()


# ---- examples --------------------------------------------------------------------------------


BUILD = "mkdir -p app && cc -O2 -static -o app/server server.c"


@pytest.fixture
def example(mse):
    def copy(name):
        place = mse.inputs / name
        shutil.copytree(EXAMPLES / name, place, ignore=shutil.ignore_patterns("app", "__pycache__"))
        if name == "c-http":
            assert BUILD in (place / "README.md").read_text()
            subprocess.run(["sh", "-c", BUILD], cwd=place, check=True, timeout=60)
        return place

    return copy


NAMES = sorted(p.parent.name for p in EXAMPLES.glob("*/mse.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_passes_its_own_tests(mse, example, name):
    path = {"PATH": "/usr/bin:/bin"}  # the Python that has the packages
    done = mse.run("localtest", cwd=example(name), env=mse.env(**path))
    assert done.code == YES, str(done)
    assert done.out.endswith(b"tests passed\n")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_can_be_packaged(mse, example, name):
    done = mse.run("package", "--output", mse.work / "app.tar", cwd=example(name))
    assert done.code == YES, str(done)


def test_the_c_example_with_secrets(mse, example):
    secrets = mse.put('{"key": "value"}')
    done = mse.run("localtest", "--secrets", secrets, cwd=example("c-http"))
    assert done.code == YES and b"ok: /secrets" in done.out, str(done)


def test_there_are_four_examples_with_what_they_need():
    assert NAMES == ["asgi-websocket", "c-http", "flask", "shell"]
    for name in NAMES:
        assert (EXAMPLES / name / "README.md").is_file()
        assert (EXAMPLES / name / "tests").is_dir()
