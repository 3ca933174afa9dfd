"""The models that jobs can use."""

from pathlib import Path

from poseway.errors import InvalidRequestError
from poseway.jobs import JobOptions
from poseway.model_cards import advice, find_card, load_cards


class ModelChoice:
    """The models of a folder whose weights are installed.

    Attributes:
        offered: Cards of the models that jobs can use, the default first. If the weights of the
            default are missing, as in a container without weights, all models are offered, since
            the inference service has them.
    """

    def __init__(self, directory: Path) -> None:
        cards = load_cards(directory)
        fetched = [card for card in cards if card.is_fetched(directory)]
        self.offered = fetched if cards[0] in fetched else cards
        self._default = cards[0].name
        self._missing = {card.name: card for card in cards if card not in self.offered}

    def chosen(self, options: JobOptions) -> JobOptions:
        """Returns the options with the name of their model filled in.

        Raises:
            InvalidRequestError: There is no such model, or its weights are missing.
        """
        return options.model_copy(update={"model": self.choose(options.model)})

    def choose(self, name: str | None) -> str:
        """Returns the name of a model that jobs can use; the default for None.

        Raises:
            InvalidRequestError: There is no such model, or its weights are missing.
        """
        name = name or self._default
        if name in self._missing:
            raise InvalidRequestError(
                f"The weights of the model {name!r} are not installed. "
                f"{advice(self._missing[name], missing=True)} Then start Poseway again.",
                "model_missing",
            )
        return find_card(name, self.offered).name
