"""Where each object of a job is stored."""


class Keys:
    """Keys of a job's objects in the bucket."""

    def __init__(self, job_id: str) -> None:
        self.upload = f"uploads/{job_id}/source"
        self.record = f"jobs/{job_id}/"
        self.request = f"jobs/{job_id}/request.json"
        self.status = f"jobs/{job_id}/status.json"
        self.cancel = f"jobs/{job_id}/cancel"
        """Exists once a user has asked for the job to be cancelled."""
        self.segments = f"jobs/{job_id}/segments/"
        self.result = f"results/{job_id}/"
        self.manifest = f"results/{job_id}/manifest.json"
        self.video = f"results/{job_id}/video.mp4"
        self.background = f"results/{job_id}/background.mp4"
        """The video without skeletons, if the job asked for it."""
        self.poster = f"results/{job_id}/poster.jpg"
        self.keypoints = f"results/{job_id}/keypoints.jsonl"
        self.tracks = f"results/{job_id}/tracks.json"
        self.contact_sheet = f"results/{job_id}/contact_sheet.jpg"

    def segment(self, number: int, name: str) -> str:
        """Returns the key of an object of a segment; keys sort by number up to a million."""
        return f"{self.segments}{number:06d}/{name}"

    def screenshot(self, frame_index: int) -> str:
        """Returns the key of the screenshot of a frame."""
        return f"{self.result}screenshots/frame_{frame_index:06d}.jpg"

    def still(self, track_id: int) -> str:
        """Returns the key of the best still of a person."""
        return f"{self.result}stills/person_{track_id:03d}.jpg"

    def segment_still(self, segment: int, track_id: int) -> str:
        """Returns the key of the best still of a person in one segment."""
        return self.segment(segment, f"stills/person_{track_id:03d}.jpg")
