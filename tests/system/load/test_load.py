"""Bursts and steady streams of jobs: none is lost, and no owner waits for another's jobs.

``make test-load`` sends a burst of 500 jobs and then jobs for ten minutes, and writes
``build/load.json``; `make test` sends a burst of 30 and then jobs for twenty seconds.
"""

import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from poseway.jobs import Job, JobState
from poseway.local.ports import free_ports
from poseway.local.stack import Stack
from poseway.paths import ROOT
from tests.support.upload_burst import median_and_p99
from tests.system.load import report
from tests.system.load.tenants import Tenant
from tests.system.load.watching import Held, Times, held, probed, quarters

ALL = "POSEWAY_TEST_LOAD" in os.environ
# Jobs of the busiest owner, and of owners who arrive when half of those are accepted.
BURST = {"a": 400, "b": 50, "c": 30, "d": 15, "e": 5}
if not ALL:
    BURST = {"a": 18, "b": 5, "c": 4, "d": 2, "e": 1}
AT_ONCE = 64
# Few in the short form: after the machine stalls, all jobs that were due come at once.
STEADY_AT_ONCE = AT_ONCE if ALL else 8
STEADY_SECONDS = 600.0 if ALL else 20.0
# Fraction of the rate that the burst reached.
STEADY_PART = 0.7
# Jobs that were running or next in order.
SPARE_JOBS = 10 if ALL else 6
# The beginning of a process is not flat, and the short form sees little else. The api may keep
# some connections more, to object storage, which counts them, too; not one for each request.
SPARE_PART, SPARE_MB, SPARE_FILES = (0.1, 10, 10) if ALL else (0.5, 50, 40)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Stack]:
    with Stack(tmp_path, free_ports(1)[0], {"POSEWAY_AUTH": "keys"}) as running:
        yield running


@pytest.fixture
def tenants(system: Stack) -> Iterator[list[Tenant]]:
    made = [Tenant(system, name) for name in BURST]
    yield made
    for tenant in made:
        tenant.http.close()


@pytest.mark.essential
@pytest.mark.timeout(3600)
def test_no_job_is_lost_and_owners_are_served_alternately(
    system: Stack, tenants: list[Tenant], tmp_path: Path
) -> None:
    with held(system) as burst_held, probed(tenants[0].http) as burst_times:
        burst(tenants)
    done = ended(tenants)
    share = fairness(done, tenants)
    rate = per_second(done)
    burst_times["submit"] = submitted(tenants)
    with held(system) as steady_held, probed(tenants[0].http) as steady_times:
        steady(tenants, STEADY_PART * rate)
    steady_times["submit"] = submitted(tenants)
    later = {name: jobs[: -BURST[name]] for name, jobs in ended(tenants).items()}
    waiting = unfinished(later)
    figures = {
        "cores": os.cpu_count(),
        "burst": {
            **in_all(done),
            "share": share,
            "milliseconds": milliseconds(burst_times),
        },
        "steady": {
            **in_all(later),
            "unfinished": {"quarters": quarters(waiting), "most": max(waiting)},
            "milliseconds": milliseconds(steady_times),
            "megabytes": {part: quarters(seen) for part, seen in steady_held.megabytes.items()},
            "files": {part: quarters(seen) for part, seen in steady_held.files.items()},
        },
    }
    report.write(figures, ROOT / "build" if ALL else tmp_path)
    assert burst_held.replaced() + steady_held.replaced() == []
    for name, found in share.items():
        assert found["done_after"] <= found["bound"], name
    if ALL:
        before, after = quarters(waiting)
        assert after <= 2 * before + SPARE_JOBS
    assert_flat(steady_held)


def burst(tenants: list[Tenant]) -> None:
    """Sends all jobs of a burst, and waits for them."""
    first, *others = tenants
    with ThreadPoolExecutor(AT_ONCE) as greedy, ThreadPoolExecutor(AT_ONCE) as small:
        sent = [greedy.submit(first.send, number) for number in range(BURST[first.name])]
        for accepted in sent[: len(sent) // 2]:
            accepted.result()
        # Interleaved, not one tenant after the other.
        for number in range(max(BURST.values())):
            sent += [small.submit(t.send, number) for t in others if number < BURST[t.name]]
        _all(sent)
    with ThreadPoolExecutor(len(tenants)) as waiting:
        _all([waiting.submit(tenant.wait) for tenant in tenants])


def steady(tenants: list[Tenant], rate: float) -> None:
    """Submits jobs at a steady rate, alternating between tenants, and waits for them."""
    began = time.monotonic()
    sent = []
    with ThreadPoolExecutor(STEADY_AT_ONCE) as pool:
        for number, tenant in enumerate(itertools.cycle(tenants)):
            due = began + number / rate
            if due > began + STEADY_SECONDS:
                break
            time.sleep(max(0.0, due - time.monotonic()))
            sent.append(pool.submit(tenant.send, number))
        _all(sent)
    for tenant in tenants:
        tenant.wait()


def _all(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()


def ended(tenants: list[Tenant]) -> dict[str, list[Job]]:
    """Checks and returns the jobs of each tenant: every accepted one, once, with all frames."""
    found = {}
    for tenant in tenants:
        jobs = found[tenant.name] = tenant.listed()
        assert [job.id for job in jobs] == sorted(tenant.sent)
        assert {job.state for job in jobs} == {JobState.SUCCEEDED}
        assert {job.id: tenant.frames(job.id) for job in jobs} == tenant.sent
    return found


def fairness(done: dict[str, list[Job]], tenants: list[Tenant]) -> dict[str, dict[str, int]]:
    """For each tenant, the number of all jobs that ended before its last one.

    Counts from the time when all its own jobs were queued. Also gives the permitted number, and the
    number in order of arrival: the bound means something only if the latter is larger.
    """
    jobs = [job for theirs in done.values() for job in theirs]
    found = {}
    for tenant in tenants:
        own, queued = done[tenant.name], max(tenant.queued)
        newest = max(job.created_at for job in own)
        last = max(at_end(job) for job in own)
        found[tenant.name] = {
            "jobs": len(own),
            "in_line": sum(job.created_at <= newest and queued < at_end(job) for job in jobs),
            "bound": len(tenants) * len(own) + SPARE_JOBS,
            "done_after": sum(queued < at_end(job) <= last for job in jobs),
        }
    return found


def at_end(job: Job) -> datetime:
    assert job.finished_at is not None
    return job.finished_at


def span(done: dict[str, list[Job]]) -> tuple[datetime, datetime]:
    """When the first job was accepted, and when the last ended."""
    jobs = [job for theirs in done.values() for job in theirs]
    return min(job.created_at for job in jobs), max(at_end(job) for job in jobs)


def per_second(done: dict[str, list[Job]]) -> float:
    began, over = span(done)
    return sum(map(len, done.values())) / (over - began).total_seconds()


def in_all(done: dict[str, list[Job]]) -> dict[str, Any]:
    """Describes the numbers of jobs and the time."""
    began, over = span(done)
    return {
        "jobs": sum(map(len, done.values())),
        "tenants": len(done),
        "seconds": round((over - began).total_seconds(), 1),
    }


def unfinished(done: dict[str, list[Job]]) -> list[int]:
    """Number of unfinished jobs, twice a second during submission."""
    jobs = [job for theirs in done.values() for job in theirs]
    began, last = span(done)[0], max(job.created_at for job in jobs)
    moments = (
        began + timedelta(seconds=0.5 * number)
        for number in range(1 + int((last - began).total_seconds() / 0.5))
    )
    return [sum(job.created_at <= moment < at_end(job) for job in jobs) for moment in moments]


def submitted(tenants: list[Tenant]) -> list[float]:
    """Durations of requests that created jobs since the previous call."""
    seconds = [second for tenant in tenants for second in tenant.seconds]
    for tenant in tenants:
        tenant.seconds.clear()
    return seconds


def milliseconds(times: Times) -> dict[str, dict[str, float]]:
    """Median and 99th percentile of each."""
    found = {}
    for what, seconds in times.items():
        middle, slow = median_and_p99(seconds)
        found[what] = {"median": round(middle, 1), "p99": round(slow, 1), "times": len(seconds)}
    return found


def assert_flat(seen: Held) -> None:
    for part in seen.pids:
        before, after = quarters(seen.megabytes[part])
        assert after <= (1 + SPARE_PART) * before + SPARE_MB, part
        before, after = quarters(seen.files[part])
        assert after <= before + SPARE_FILES, part
