"""What is promised of a listing or an order, in grams: the same books on both sides of every match."""

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column


def quantities_hold() -> CheckConstraint:
    """For a table with these columns."""
    return CheckConstraint("held_g >= 0 AND agreed_g >= 0 AND quantity_g - held_g - agreed_g >= 0", name="quantities")


class Books:
    """held + agreed never exceed the quantity: the table itself refuses it, whoever writes."""

    quantity_g: Mapped[int] = mapped_column(BigInteger)
    held_g: Mapped[int] = mapped_column(BigInteger, default=0)
    agreed_g: Mapped[int] = mapped_column(BigInteger, default=0)

    @property
    def promised_g(self) -> int:
        """Held or agreed: what a quantity can't fall below."""
        return self.held_g + self.agreed_g

    @property
    def free_g(self) -> int:
        """What rounds may still match."""
        return self.quantity_g - self.promised_g

    def settle(self, quantity_g: int) -> None:
        """What was held is agreed now."""
        self.held_g -= quantity_g
        self.agreed_g += quantity_g

    def give_back_held(self, quantity_g: int) -> None:
        self.held_g -= quantity_g

    def give_back_agreed(self, quantity_g: int) -> None:
        self.agreed_g -= quantity_g
