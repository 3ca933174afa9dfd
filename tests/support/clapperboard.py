"""Videos with a flash and a click at the same time, like a clapperboard."""

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

RATE: Final = 48_000
FRAME_RATE: Final = 25
SAMPLES: Final = RATE // FRAME_RATE


def make_clap(
    container: str,
    sound: str,
    *,
    frames: int = 75,
    clap: int = 40,
    silent: range = range(0),
    video: str = "libx264",
    sound_options: dict[str, str] | None = None,
) -> bytes:
    """Makes a video with one white frame and a click at its start.

    Args:
        container: FFmpeg's name of the format.
        sound: FFmpeg's name of the audio encoder.
        frames: Number of frames, at 25 per second.
        clap: Index of the white frame.
        silent: Frames without audio, as if a recorder had paused.
        video: FFmpeg's name of the video encoder.
        sound_options: Options of the audio encoder.
    """
    data = io.BytesIO()
    with av.open(data, "w", format=container) as output:
        stream = cast(
            "VideoStream", output.add_stream(video, rate=FRAME_RATE, width=160, height=120)
        )
        tone = cast("AudioStream", output.add_stream(sound, rate=RATE, options=sound_options or {}))
        form = tone.codec_context.format.name
        for index in range(frames):
            grey = np.full((120, 160, 3), 255 if index == clap else 30, np.uint8)
            image = av.VideoFrame.from_ndarray(grey, format="rgb24")
            image.pts, image.time_base = index, Fraction(1, FRAME_RATE)
            output.mux(stream.encode(image))
            if index not in silent:
                output.mux(tone.encode(_sound(index, form, click=index == clap)))
        output.mux(stream.encode())
        output.mux(tone.encode())
    return data.getvalue()


def _sound(index: int, form: str, *, click: bool) -> av.AudioFrame:
    """Returns the stereo audio of one frame: soft noise, with the click if it is due."""
    wave = np.random.default_rng(index).uniform(-0.01, 0.01, (2, SAMPLES)).astype(np.float32)
    if click:
        wave[:, :48] = 0.9
    frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
    frame.sample_rate = RATE
    frame.pts, frame.time_base = index * SAMPLES, Fraction(1, RATE)
    converted = av.AudioResampler(form, "stereo", RATE).resample(frame)[0]
    converted.pts, converted.time_base = frame.pts, frame.time_base
    return converted


def flash_and_click(data: bytes) -> tuple[float, float]:
    """Returns the seconds at which the white frame is shown and at which the click starts."""
    with av.open(io.BytesIO(data), "r") as container:
        bright = {
            float(frame.time or 0): float(frame.to_ndarray(format="gray").mean())
            for frame in container.decode(video=0)
        }
    return max(bright, key=lambda time: bright[time]), click(data)


def click(data: bytes) -> float:
    """Returns the seconds at which the click starts."""
    times, waves = [], []
    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler("fltp", "mono", RATE)
        for sound in container.decode(audio=0):
            for frame in resampler.resample(sound):
                wave = cast("NDArray[np.float32]", frame.to_ndarray())[0]
                times.append(float(frame.time or 0) + np.arange(len(wave)) / RATE)
                waves.append(np.abs(wave))
    loud = np.concatenate(waves)
    first = int(np.argmax(loud > loud.max() / 2))
    return float(np.concatenate(times)[first])
