"""No deadlines: these machines are shared, and the first call of a solver imports it."""

from hypothesis import settings

settings.register_profile("no-deadline", deadline=None)  # as many examples as of the profile before
settings.load_profile("no-deadline")
