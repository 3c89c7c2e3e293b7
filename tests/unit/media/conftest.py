"""What the tests of the media room share."""

from video_maker import make_video

__all__ = ["make_video"]
