"""What all tests share: how examples are made up, the same on every machine and however slow it is.

``pytest --hypothesis-profile=explore`` makes up new ones each time.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "same",
    derandomize=True,  # a change that broke nothing is not refused for an example of chance
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")
