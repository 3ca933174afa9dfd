"""What the dispatcher sends to inference with each batch."""

from poseway.jobs import JobOptions, JobRequest, new_job_id, now
from poseway.media.letterbox import Box
from poseway.media.yuv import Yuv
from poseway.v1 import inference_pb2
from poseway_gateway.dispatcher.clients import batch_header
from poseway_gateway.dispatcher.frames.batches import Batch, Image, Position

OF_THE_BATCH = {"job_id", "model", "source_width", "source_height"}


def header(options: JobOptions) -> inference_pb2.BatchHeader:
    request = JobRequest(
        id=new_job_id(), name="a.mp4", size=1, sha256=None, created_at=now(), options=options
    )
    yuv = Yuv(4, 4, bytes(Yuv.size(4, 4)), matrix=1, full=False)
    batch = Batch(
        segment=0,
        images=[Image(0, 0, yuv)],
        box=Box(left=0, top=10, width=640, height=340),
        closes=True,
        following=None,
        memory=Position(0, 0),
        end=1,
        seconds=0.0,
        damaged_packets=0,
        reshaped=0,
    )
    return batch_header(request, inference_pb2.Model(name="small"), batch)


def test_every_field_is_an_option_or_of_the_batch() -> None:
    fields = {field.name for field in inference_pb2.BatchHeader.DESCRIPTOR.fields}
    assert fields == OF_THE_BATCH | (fields & set(JobOptions.model_fields))


def test_options_are_sent_by_name() -> None:
    sent = header(JobOptions(model="other", accurate=True, max_people=3))
    assert (sent.accurate, sent.max_people) == (True, 3)
    # Chosen by the dispatcher, which knows the default.
    assert sent.model == "small"
    assert (sent.source_width, sent.source_height) == (640, 340)


def test_options_that_are_not_given_are_zero() -> None:
    sent = header(JobOptions())
    assert (sent.accurate, sent.max_people) == (False, 0)
