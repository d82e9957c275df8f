"""Every table of the gateway, for its migrations."""

from gateway.accounts import models as accounts
from gateway.sessions import models as sessions
from gateway.tables import Base

METADATA = Base.metadata
TABLES = [accounts.Account, accounts.Client, accounts.Code, sessions.Session, sessions.EndedSession]
