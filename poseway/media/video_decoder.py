"""Decodes one video stream of an upload, from its start or from a keyframe."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

import av
import av.error

from poseway.errors import VideoError
from poseway.isolation.files import SeekableFile
from poseway.isolation.rlimits import raise_if_short
from poseway.media.container import check_decodable, open_container
from poseway.media.packets import Packet, is_empty, is_end, shows_nothing
from poseway.media.resize import MAX_CODED_PIXELS
from poseway.media.timing import AviTimestamps, RateMeter, StreamProbe, is_counted
from poseway.media.transparency import alpha_decoder

# Consecutive failures to read a packet before the rest of the file is given up.
_MAX_FAILURES: Final = 100


class VideoDecoder:
    """Decodes the frames of one stream.

    Attributes:
        container: The open container.
        stream: The stream in it. `rewind` replaces both.
        damaged_packets: Number of packets so far that could not be decoded completely.
        held_until: Time in ticks up to which empty packets extend the last frame; None if no packet
            has been empty since decoding started.
        avi_times: Presentation times of frames in AVI, derived from the order of packets.
    """

    def __init__(
        self,
        file: SeekableFile,
        container: av.container.InputContainer,
        stream: av.VideoStream,
        threads: int,
        alive: Callable[[], None],
    ) -> None:
        """Prepares the decoder.

        Args:
            file: The upload.
            container: The open upload; closed by `close`.
            stream: The stream in the container.
            threads: Decoding threads; 0 lets FFmpeg choose.
            alive: Called for every decoded frame.

        Raises:
            VideoError: The stream cannot be decoded completely.
        """
        check_decodable(stream, file)
        self.damaged_packets = 0
        self.held_until: int | None = None
        self.avi_times = AviTimestamps()
        self._file = file
        self._threads = threads
        self._alive = alive
        self._take(container, stream)

    @property
    def marks_keyframes(self) -> bool:
        """Whether the decoder flags keyframes."""
        return self._decoder is self.stream.codec_context

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel divided by its height, as the decoder reports it now."""
        return self._decoder.sample_aspect_ratio

    def close(self) -> None:
        """Closes the decoder and the container."""
        self.container.close()

    def probe(self) -> StreamProbe:
        """Decodes the first frame and measures the rate. Call `rewind` or `seek` afterwards.

        Raises:
            VideoError: No frame can be decoded.
        """
        meter, image = RateMeter(self.stream), None
        whole = True
        for packet in self._packets():
            if not is_end(packet):
                meter.add(packet)
            if image is None:
                image = next(self._decoded(packet), None)
                if image is not None:
                    self.avi_times.begin(image)
            elif meter.satisfied:
                whole = False
                break
        if image is None:
            raise VideoError(
                "No frame of the video can be decoded: the file is damaged or incomplete. Upload "
                "the complete file, or convert it to MP4 (H.264)."
            )
        counted = self.stream.frames if is_counted(self.stream) else None
        frames = counted or (meter.frames if whole else None)
        return StreamProbe(image, meter.rate(), frames, meter.least_duration())

    def rewind(self) -> None:
        """Returns to the start by opening the file again.

        Some formats cannot seek, or do not find their first frame by its time. A file that was read
        from the start once can always be read from the start again.

        Raises:
            VideoError: The file can no longer be opened.
        """
        index = self.stream.index
        self.container.close()
        container = open_container(self._file)
        self._take(container, next(s for s in container.streams.video if s.index == index))

    def seek(self, ticks: int) -> bool:
        """Seeks to the last keyframe at or before a time, as precisely as the format allows.

        Returns:
            Whether the position changed.
        """
        self._forget()
        try:
            self.container.seek(ticks, stream=self.stream, backward=True)
        except av.error.FFmpegError:
            return False
        self._decoder.flush_buffers()
        return True

    def count_damage(self) -> None:
        """Counts an error that the decoder itself did not report."""
        self.damaged_packets += 1

    def images(self) -> Iterator[av.VideoFrame]:
        """Decodes from the current position. Undecodable packets are counted and skipped."""
        for packet in self._packets():
            yield from self._decoded(packet)

    def _take(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.container, self.stream = container, stream
        self._forget()
        self._decoder = alpha_decoder(stream)
        self._decoder.thread_type = "AUTO"
        self._decoder.thread_count = self._threads
        # Later frames may be larger than the first one or than the container declares.
        self._decoder.options = {"max_pixels": str(MAX_CODED_PIXELS)}

    def _packets(self) -> Iterator[Packet]:
        packets, failures = self.container.demux(self.stream), 0
        while failures < _MAX_FAILURES:
            try:
                packet = next(packets, None)
            # PyAV raises IndexError at the end of a file whose streams appeared midway.
            except (av.error.EOFError, IndexError):
                return
            except av.error.FFmpegError as error:
                raise_if_short(error)
                self.damaged_packets += 1
                failures += 1
                packets = self.container.demux(self.stream)
                continue
            if packet is None:
                return
            failures = 0
            yield packet

    def _decoded(self, packet: Packet) -> Iterator[av.VideoFrame]:
        if is_empty(packet):
            self._hold(packet)
            return
        self.avi_times.add(packet)
        try:
            for image in self._decoder.decode(packet):
                # Decoders conceal damaged areas and set this flag.
                self.damaged_packets += image.is_corrupt
                self._alive()
                yield image
        except av.error.EOFError:
            pass
        except av.error.FFmpegError as error:  # damage may be reported as a missing decoder
            raise_if_short(error)
            self.damaged_packets += not shows_nothing(packet, self.stream.codec_context)

    def _forget(self) -> None:
        """Clears what belongs to the position before a seek."""
        self.held_until = None
        self.avi_times.clear()

    def _hold(self, packet: Packet) -> None:
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            self.held_until = max(self.held_until or 0, time + (packet.duration or 0))
