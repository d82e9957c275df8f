"""Every table of the gateway, for its migrations."""

from gateway.accounts import models as accounts
from gateway.tables import Base

METADATA = Base.metadata
TABLES = [accounts.Account, accounts.Client, accounts.Code]
