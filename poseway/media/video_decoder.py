"""The video stream of an upload, open: its pictures from the front on, or from some keyframe on."""

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

# In a row; then there is nothing more to be had of a file.
_MOST_FAILURES: Final = 100


class VideoDecoder:
    """The pictures of one stream.

    Attributes:
        container: The open container.
        stream: The stream in it. Both are others after `rewind`.
        damaged_packets: Packets that could not be decoded so far, or not all of them.
        held_until: Ticks until which empty packets say that the picture before them is shown; None
            if there were none since decoding began.
        avi_times: The times of pictures where only the order of packets tells them.
    """

    def __init__(
        self,
        file: SeekableFile,
        container: av.container.InputContainer,
        stream: av.VideoStream,
        threads: int,
        alive: Callable[[], None],
    ) -> None:
        """Gets ready to decode.

        Args:
            file: The upload.
            container: It, open; closed by `close`.
            stream: The stream in the container.
            threads: Threads that decode; 0 lets FFmpeg choose.
            alive: Is called for every frame that is decoded.

        Raises:
            VideoError: The stream cannot be decoded, or not all of it.
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
        """Whether the decoder says which pictures are keyframes."""
        return self._decoder is self.stream.codec_context

    @property
    def pixel_aspect(self) -> Fraction | None:
        """Width of a pixel by its height, as the codec tells now."""
        return self._decoder.sample_aspect_ratio

    def close(self) -> None:
        """Lets go of the decoder and of the container."""
        self.container.close()

    def probe(self) -> StreamProbe:
        """Decodes the first picture, and measures the rate; call `rewind` or `seek` afterwards.

        Raises:
            VideoError: There is no picture.
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
                "No frame of the video can be decoded: it is damaged or cut off. Upload the whole "
                "file, or convert it to MP4 (H.264)."
            )
        counted = self.stream.frames if is_counted(self.stream) else None
        frames = counted or (meter.pictures if whole else None)
        return StreamProbe(image, meter.rate(), frames, meter.least_duration())

    def rewind(self) -> None:
        """Goes to the start by opening the file again.

        Not every format can seek, or finds its first frame at its time. And what was read from the
        front once can be read so again.

        Raises:
            VideoError: The file cannot be opened any more.
        """
        index = self.stream.index
        self.container.close()
        container = open_container(self._file)
        self._take(container, next(s for s in container.streams.video if s.index == index))

    def seek(self, ticks: int) -> bool:
        """Goes to the last keyframe at or before a time, as far as the format finds it.

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
        """Counts something that is wrong without keeping a packet from being decoded."""
        self.damaged_packets += 1

    def images(self) -> Iterator[av.VideoFrame]:
        """Decodes from the current position; what cannot be decoded is counted and passed over."""
        for packet in self._packets():
            yield from self._decoded(packet)

    def _take(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.container, self.stream = container, stream
        self._forget()
        self._decoder = alpha_decoder(stream)
        self._decoder.thread_type = "AUTO"
        self._decoder.thread_count = self._threads
        # Frames may be larger than the first, or than the container says.
        self._decoder.options = {"max_pixels": str(MAX_CODED_PIXELS)}

    def _packets(self) -> Iterator[Packet]:
        packets, failures = self.container.demux(self.stream), 0
        while failures < _MOST_FAILURES:
            try:
                packet = next(packets, None)
            # The latter is PyAV's, at the end of a file in which streams began midway.
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
                # Decoders paint over what they cannot read, and say so.
                self.damaged_packets += image.is_corrupt
                self._alive()
                yield image
        except av.error.EOFError:
            pass
        except av.error.FFmpegError as error:  # damage may look like want of a decoder
            raise_if_short(error)
            self.damaged_packets += not shows_nothing(packet, self.stream.codec_context)

    def _forget(self) -> None:
        """Forgets what was before the position that is left."""
        self.held_until = None
        self.avi_times.clear()

    def _hold(self, packet: Packet) -> None:
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            self.held_until = max(self.held_until or 0, time + (packet.duration or 0))
