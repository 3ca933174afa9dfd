"""Why a job fails: the codes of `JobError`, each with what it is."""

from typing import Final

FAILURES: Final[dict[str, str]] = {
    "decoder_crashed": "Decoding it made the decoder crash, in every attempt.",
    "decoder_stuck": "Decoding it got nowhere for too long, in every attempt.",
    "empty_file": "The file is empty.",
    "incompatible": "Parts of it were made by versions that do not fit together, twice.",
    "invalid_request": "A service refused what it was asked for.",
    "model_missing": "The weights of the model are not where the network runs.",
    "no_such_stream": "The file has no stream of the kind and index that was asked for.",
    "no_video_stream": "The file has no video: only sound, or sound with a cover picture.",
    "not_found": "The upload is not there any more.",
    "out_of_memory": "Decoding it takes more memory than one file may have.",
    "picture_too_large": "The picture is larger than 8K.",
    "picture_unreadable": "A picture that is damaged, or of a kind that cannot be read.",
    "state_newer": "Parts of it were made by a newer version of the tracker than there is, twice.",
    "state_unreadable": "What the tracker kept of it cannot be read, twice.",
    "timestamps_jump_back": "The times of the video begin again midway.",
    "too_long": "It has too many frames, or what would be made of it is too large for one MP4.",
    "too_many_attempts": "Three attempts broke off without getting any further.",
    "unknown_codec": "The codec of the video is not known.",
    "unknown_model": "There is no model of that name where the network runs.",
    "video_truncated": "The end of the video is missing.",
    "video_unreadable": "No video or picture, or one that is damaged.",
}
"""What went wrong by the code; the job's message says what to do."""
