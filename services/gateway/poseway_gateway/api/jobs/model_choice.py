"""The models that jobs can choose."""

from pathlib import Path

from poseway.errors import InvalidRequestError
from poseway.jobs import JobOptions
from poseway.model_cards import advice, find_card, load_cards


class ModelChoice:
    """The models of a folder, as far as they are fetched.

    Attributes:
        offered: Cards of the models that can be chosen, the default first. Where not even that is
            fetched, as in a container without weights, these are all: inference has them.
    """

    def __init__(self, directory: Path) -> None:
        cards = load_cards(directory)
        fetched = [card for card in cards if card.is_fetched(directory)]
        self.offered = fetched if cards[0] in fetched else cards
        self._default = cards[0].name
        self._missing = {card.name: card for card in cards if card not in self.offered}

    def chosen(self, options: JobOptions) -> JobOptions:
        """The options with the name of their model written out; raises what `choose` does."""
        return options.model_copy(update={"model": self.choose(options.model)})

    def choose(self, name: str | None) -> str:
        """Name of the model for a job that asks for `name`; None asks for the default.

        Raises:
            InvalidRequestError: There is no such model, or it is not fetched.
        """
        name = name or self._default
        if name in self._missing:
            raise InvalidRequestError(
                f"The weights of the model {name!r} are not here. "
                f"{advice(self._missing[name], missing=True)} Then start Poseway again.",
                "model_missing",
            )
        return find_card(name, self.offered).name
