"""What Hypothesis is not to complain of. A test that names its own `suppress_health_check` replaces the profile's."""

from hypothesis import HealthCheck

AT_ANY_PACE = (HealthCheck.too_slow,)
"""The profile's: how slow the machine is must not decide."""
ON_FIXTURES = (*AT_ANY_PACE, HealthCheck.function_scoped_fixture)
"""Of a test whose examples share what it was given, and tell their own things apart."""
