"""Errors a person can act on."""


class ContextalkError(Exception):
    """Bad input. The message is one line: the value seen and the value wanted. Exit status 2."""


class MediaError(ContextalkError):
    """A file that cannot be read as the video, picture or sound it was given for."""


class TargetError(ContextalkError):
    """No face, or no such person, in a scene or a picture."""


class BundleError(ContextalkError):
    """A folder that is no bundle, or a bundle that cannot do what was asked."""


class DatasetError(ContextalkError):
    """A dataset that is missing, empty or of another schema."""


class PlaceError(ContextalkError):
    """A URL out of reach: an unknown protocol, a package that is missing, no permission, no connection."""


class ShapeError(ValueError):
    """Tensors whose shapes disagree: a mistake in our code or in a plug-in."""
