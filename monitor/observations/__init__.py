"""What the follower and others saw of the logs: availability, progress, heads shown elsewhere, promises."""

from monitor.observations.store import Observations

__all__ = ["Observations"]
