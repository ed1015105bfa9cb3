"""The refusal of a picture."""


class Refused(Exception):
    """The picture is refused. `reason` is for `refusals.refusal`, `details` are numbers and names for its text."""

    def __init__(self, reason: str, **details: str | int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.details = details
