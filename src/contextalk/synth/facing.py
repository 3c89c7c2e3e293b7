"""How far people of synthetic scenes turn to each other: the direction from one seat to another."""

import numpy as np

_NEAR_YAW, _FAR_YAW = 22.0, 40.0
"""A speaker's yaw towards the next and the farthest neighbour, degrees."""

_NEAR_PX, _FAR_PX = 172.0, 600.0


def towards(x: float, other_x: float) -> tuple[int, float]:
    """Side (−1 image left, 1 right) and yaw in degrees ≥ 0 of a head at image x (scene px) that looks at another's."""
    distance = other_x - x
    return (1 if distance > 0 else -1), float(np.interp(abs(distance), (_NEAR_PX, _FAR_PX), (_NEAR_YAW, _FAR_YAW)))
