"""A child process works for its parent and cannot take it down."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from poseway.errors import DecoderError, ServiceError, UnavailableError, VideoError
from poseway.isolation import Isolated, Limits, prepare
from poseway.paths import ROOT
from tests.support.child_work import ChildWork
from tests.support.processes import family
from tests.support.waiting import until

PATIENT = Limits(memory_bytes=1 << 30, silence_seconds=60)
HASTY = Limits(memory_bytes=1 << 30, silence_seconds=3)
FILE = bytes(range(256)) * 5000


@pytest.fixture(scope="module", autouse=True)
def ready() -> None:
    prepare(ChildWork.__module__)
    with child() as ada:
        ada.call("pid")  # the first child waits for the imports


def child(limits: Limits = PATIENT, **answers: object) -> Isolated:
    files = {"file": io.BytesIO(FILE)}.__getitem__
    return Isolated(ChildWork, "Ada", limits=limits, files=files, answers=answers)  # type: ignore[arg-type]


def is_there(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def code(ada: Isolated, method: str, *args: object) -> str:
    with pytest.raises(DecoderError) as raised:
        ada.call(method, *args)
    return raised.value.code


def test_call_returns_the_result_of_the_method() -> None:
    with child() as ada:
        assert ada.call("greet", "Bob") == "Ada greets Bob"
        assert ada.call("pid") != os.getpid()


def test_child_reads_only_the_given_files() -> None:
    with child() as ada:
        assert ada.call("reads", "file") == [FILE, FILE[-3:-1], b""]
        with pytest.raises(KeyError):
            ada.call("reads", "other")


def test_child_writes_through_its_parent() -> None:
    written = bytearray()

    def write(position: int, data: bytes) -> None:
        written[position : position + len(data)] = data

    with child(write=write) as ada:
        ada.call("writes")
    assert written == b"Beginrest"


def test_child_calls_functions_of_its_parent() -> None:
    with child(double=lambda value: 2 * value) as ada:
        assert ada.call("asks", [1, 2, 3]) == [2, 4, 6]


def test_error_in_a_function_of_the_parent_is_raised_to_the_caller() -> None:
    def double(_: int) -> int:
        raise UnavailableError("Storage is away.")

    with child(double=double) as ada, pytest.raises(UnavailableError):
        ada.call("asks", [1])


def test_error_about_the_file_is_raised() -> None:
    with child() as ada:
        with pytest.raises(VideoError, match="too long") as raised:
            ada.call("refuse")
        assert raised.value.code == "too_long"
        assert ada.call("greet", "Bob")


def test_unexpected_exception_is_a_service_error() -> None:
    with child() as ada, pytest.raises(ServiceError, match="in stumble"):
        ada.call("stumble")


@pytest.mark.parametrize("method", ["crash", "leave"])
def test_crash_is_reported(method: str) -> None:
    with child() as ada:
        assert code(ada, method) == "decoder_crashed"
        assert code(ada, "greet", "Bob") == "decoder_crashed"


@pytest.mark.parametrize("method", ["hang", "read_for_ever", "grip"])
def test_child_without_progress_is_killed(method: str) -> None:
    before = set(family(os.getpid()))
    began = time.monotonic()
    with child(HASTY) as ada:
        assert code(ada, method, *([] if method == "hang" else ["file"])) == "decoder_stuck"
    assert time.monotonic() - began < 30
    until(lambda: not set(family(os.getpid())) - before)


def test_child_with_progress_may_take_long() -> None:
    with child(Limits(1 << 30, 6)) as ada:
        assert ada.call("decode", 8.0) == "done"


def test_waiting_for_the_parent_does_not_count() -> None:
    def double(value: int) -> int:
        time.sleep(3.5)
        return 2 * value

    with child(Limits(1 << 30, 6), double=double) as ada:
        assert ada.call("asks", [1, 2]) == [2, 4]


def test_memory_is_limited() -> None:
    with child(Limits(512 << 20, 60)) as ada:
        assert code(ada, "eat") == "out_of_memory"
        # The child is still usable.
        assert ada.call("greet", "Bob")


def test_result_too_large_for_memory_is_not_a_crash() -> None:
    with child(Limits(512 << 20, 60)) as ada:
        assert code(ada, "give", 300 << 20) == "out_of_memory"
        assert len(ada.call("give", 1 << 20)) == 1 << 20


def test_library_error_is_not_mistaken_for_a_closed_connection() -> None:
    with child() as ada, pytest.raises(ServiceError, match="miss_the_end"):
        ada.call("miss_the_end")


def test_sigkill_is_reported_as_out_of_memory() -> None:
    with child() as ada:
        os.kill(ada.call("pid"), signal.SIGKILL)
        assert code(ada, "greet", "Bob") == "out_of_memory"


def test_concurrent_children_report_their_own_exit_status() -> None:
    def one(_: int) -> str:
        with child() as ada:
            os.kill(ada.call("pid"), signal.SIGKILL)
            return code(ada, "greet", "Bob")

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(200))) == {"out_of_memory"}


@pytest.mark.parametrize("orphaned", [False, True])
def test_kill_interrupts_a_waiting_call(orphaned: bool) -> None:
    with child() as ada:
        pid = ada.call("pid")
        if orphaned:
            os.kill(ada.call("parent_pid"), signal.SIGKILL)
            with child() as other:
                assert other.call("greet", "Bob")
        threading.Timer(0.3, ada.kill).start()
        with pytest.raises(UnavailableError):
            ada.call("hang")
    until(lambda: not is_there(pid))


def test_close_leaves_nothing_behind() -> None:
    def held() -> tuple[int, int]:
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    def one(method: str) -> None:
        with child() as ada, suppress(DecoderError):
            ada.call(method)

    one("crash")
    before = held()
    for method in ("crash", "leave", "pid", "pid"):
        one(method)
    until(lambda: held() == before)


def test_child_inherits_no_open_files(tmp_path: Path) -> None:
    with child() as ada:
        few = ada.call("open_files")
        with (tmp_path / "secret").open("wb"), child() as other:
            assert other.call("open_files") <= few


PARENT = """
import io, sys
from poseway.isolation import Isolated, Limits, prepare
from tests.support.child_work import ChildWork

prepare(ChildWork.__module__)
ada = Isolated(ChildWork, limits=Limits(1 << 30, 60), files={}.__getitem__)
print(ada.call("pid"), flush=True)
ada.call("hang")
"""


def test_child_ends_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert is_there(pid)
        host.kill()
    until(lambda: not is_there(pid))


NO_SOCKET = """
import io
from poseway.errors import UnavailableError
from poseway.isolation import Isolated, Limits, clean_up, prepare

prepare()
clean_up()
try:
    Isolated(print, limits=Limits(1 << 30, 60), files={}.__getitem__)
except UnavailableError as error:
    print(error.code, flush=True)
"""


def test_failure_to_start_a_process_does_not_blame_the_file() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_SOCKET], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "unavailable\n"
