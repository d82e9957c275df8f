"""Keys on the public surface."""

from typing import Self

from pydantic import AwareDatetime, BaseModel

from gateway.clients.queries import Known


class ClientOut(BaseModel):
    """A key without its secret. `last_used_at`: when a session that it began was last renewed or begun; null where
    none of them lasts."""

    client_id: str
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None

    @classmethod
    def of(cls, known: Known) -> Self:
        return cls(client_id=known.client_id, created_at=known.created_at, last_used_at=known.last_used_at)


class ClientWithSecret(BaseModel):
    """A key with its secret, which is shown this once."""

    client_id: str
    client_secret: str
