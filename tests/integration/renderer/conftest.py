"""The real renderer, and a job for it."""

from collections.abc import Iterator

import grpc
import pytest

from poseway.jobs import new_job_id
from poseway.local.stack import Stack
from poseway.v1 import renderer_pb2_grpc


@pytest.fixture
def renderer(stack: Stack) -> Iterator[renderer_pb2_grpc.RendererServiceStub]:
    with grpc.insecure_channel(stack.renderer_address) as channel:
        yield renderer_pb2_grpc.RendererServiceStub(channel)


@pytest.fixture
def job(stack: Stack) -> Iterator[str]:
    """Yields a job id; deletes its objects afterwards."""
    job_id = new_job_id()
    yield job_id
    for prefix in (f"uploads/{job_id}/", f"jobs/{job_id}/", f"results/{job_id}/"):
        stack.store.delete_prefix(prefix)
