"""Whatever is done in a process of its own, the process that wants it goes on."""

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
        ada.call("pid")  # the first waits until all modules are there


def child(limits: Limits = PATIENT, **answers: object) -> Isolated:
    files = {"file": io.BytesIO(FILE)}.__getitem__
    return Isolated(ChildWork, "Ada", limits=limits, files=files, answers=answers)  # type: ignore[arg-type]


def is_there(pid: int) -> bool:
    """Whether a process runs; one that nobody has looked after since it ended does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def code(ada: Isolated, method: str, *args: object) -> str:
    with pytest.raises(DecoderError) as raised:
        ada.call(method, *args)
    return raised.value.code


def test_it_returns_what_the_method_does() -> None:
    with child() as ada:
        assert ada.call("greet", "Bob") == "Ada greets Bob"
        assert ada.call("pid") != os.getpid()


def test_it_reads_the_files_that_it_is_given_and_no_other() -> None:
    with child() as ada:
        assert ada.call("reads", "file") == [FILE, FILE[-3:-1], b""]
        with pytest.raises(KeyError):
            ada.call("reads", "other")


def test_it_writes_where_its_host_says() -> None:
    written = bytearray()

    def write(position: int, data: bytes) -> None:
        written[position : position + len(data)] = data

    with child(write=write) as ada:
        ada.call("writes")
    assert written == b"Beginrest"


def test_it_asks_its_host() -> None:
    with child(double=lambda value: 2 * value) as ada:
        assert ada.call("asks", [1, 2, 3]) == [2, 4, 6]


def test_what_keeps_the_host_from_answering_is_raised_to_whoever_called() -> None:
    def double(_: int) -> int:
        raise UnavailableError("Storage is away.")

    with child(double=double) as ada, pytest.raises(UnavailableError):
        ada.call("asks", [1])


def test_what_it_says_of_the_file_is_raised() -> None:
    with child() as ada:
        with pytest.raises(VideoError, match="too long") as raised:
            ada.call("refuse")
        assert raised.value.code == "too_long"
        assert ada.call("greet", "Bob")


def test_a_mistake_of_ours_is_no_fault_of_the_file() -> None:
    with child() as ada, pytest.raises(ServiceError, match="in stumble"):
        ada.call("stumble")


@pytest.mark.parametrize("method", ["crash", "leave"])
def test_a_crash_says_so(method: str) -> None:
    with child() as ada:
        assert code(ada, method) == "decoder_crashed"
        assert code(ada, "greet", "Bob") == "decoder_crashed"


@pytest.mark.parametrize("method", ["hang", "read_for_ever", "grip"])
def test_one_that_gets_nowhere_is_ended(method: str) -> None:
    before = set(family(os.getpid()))
    began = time.monotonic()
    with child(HASTY) as ada:
        assert code(ada, method, *([] if method == "hang" else ["file"])) == "decoder_stuck"
    assert time.monotonic() - began < 30
    until(lambda: not set(family(os.getpid())) - before)


def test_one_that_gets_on_may_take_its_time() -> None:
    with child(Limits(1 << 30, 6)) as ada:
        assert ada.call("decode", 8.0) == "done"


def test_waiting_for_the_host_does_not_count() -> None:
    def double(value: int) -> int:
        time.sleep(3.5)
        return 2 * value

    with child(Limits(1 << 30, 6), double=double) as ada:
        assert ada.call("asks", [1, 2]) == [2, 4]


def test_one_that_wants_all_memory_gets_what_it_may_have() -> None:
    with child(Limits(512 << 20, 60)) as ada:
        assert code(ada, "eat") == "out_of_memory"
        # It could even go on.
        assert ada.call("greet", "Bob")


def test_an_answer_that_memory_does_not_suffice_for_is_no_crash() -> None:
    with child(Limits(512 << 20, 60)) as ada:
        assert code(ada, "give", 300 << 20) == "out_of_memory"
        assert len(ada.call("give", 1 << 20)) == 1 << 20


def test_what_others_raise_is_not_taken_for_the_end() -> None:
    with child() as ada, pytest.raises(ServiceError, match="miss_the_end"):
        ada.call("miss_the_end")


def test_one_that_the_system_ends_wanted_too_much() -> None:
    with child() as ada:
        os.kill(ada.call("pid"), signal.SIGKILL)
        assert code(ada, "greet", "Bob") == "out_of_memory"


def test_each_of_many_learns_how_its_own_ended() -> None:
    def one(_: int) -> str:
        with child() as ada:
            os.kill(ada.call("pid"), signal.SIGKILL)
            return code(ada, "greet", "Bob")

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(one, range(200))) == {"out_of_memory"}


@pytest.mark.parametrize("orphaned", [False, True])
def test_it_can_be_ended_while_somebody_waits_for_it(orphaned: bool) -> None:
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


def test_nothing_of_it_stays() -> None:
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


def test_a_guest_has_none_of_its_hosts_files(tmp_path: Path) -> None:
    with child() as ada:
        few = ada.call("open_files")
        with (tmp_path / "secret").open("wb"), child() as other:
            assert other.call("open_files") <= few


HOST = """
import io, sys
from poseway.isolation import Isolated, Limits, prepare
from tests.support.child_work import ChildWork

prepare(ChildWork.__module__)
ada = Isolated(ChildWork, limits=Limits(1 << 30, 60), files={}.__getitem__)
print(ada.call("pid"), flush=True)
ada.call("hang")
"""


def test_it_ends_with_its_host() -> None:
    command = [sys.executable, "-c", HOST]
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


def test_where_no_process_can_be_begun_the_file_is_not_to_blame() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_SOCKET], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "unavailable\n"
