"""``poseway models``: lists models and fetches their weights."""

import sys
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from poseway.cli.result import print_json
from poseway.cli.terminal import Exit, Json, console, ending, notes, say
from poseway.errors import PosewayError
from poseway.model_cards import MODELS_DIR, ModelCard, find_card, load_cards

models = typer.Typer(help="Lists the models and fetches their weights.")


@models.callback(invoke_without_command=True)
def list_models(context: typer.Context, json: Json = False) -> None:
    """Lists the models of this machine and fetches their weights."""
    if context.invoked_subcommand is not None:
        return
    with ending():
        cards = load_cards()
    if json:
        print_json([_described(card) for card in cards])
        return
    table = Table("model", "AP", "accurate", "licence", "weights", "", box=None, pad_edge=False)
    for card in cards:
        measured = card.measured
        table.add_row(
            escape(card.name),
            "" if measured is None else f"{measured.ap:.1f}",
            "" if measured is None or measured.ap_accurate is None else f"{measured.ap_accurate}",
            escape(card.licence),
            "fetched" if card.is_fetched() else "not fetched",
            "default" if card.default else "",
        )
    console.print(table, soft_wrap=not console.is_terminal)


def _described(card: ModelCard) -> dict[str, object]:
    return {
        "name": card.name,
        "title": card.title,
        "licence": card.licence,
        "default": card.default,
        "fetched": card.is_fetched(),
        "measured": card.measured.model_dump() if card.measured else None,
    }


@models.command("fetch")
def fetch_models(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME…",
            help="Models to fetch; all of them if none is named.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Fetches missing weights and checks their hashes."""
    with ending():
        from poseway.local.downloads import fetch

        known = load_cards()
        cards = [find_card(name, known) for name in names or ()]
        fetched, failed = [], False
        for card in cards or [card for card in known if card.source]:
            try:
                with notes.status(f"Fetching {escape(card.name)}…"):
                    fetch(card, card.paths())
            except PosewayError as error:
                say(error)
                failed = True
            else:
                fetched.append(card.name)
    if json:
        print_json({"fetched": fetched, "folder": str(MODELS_DIR / "weights")})
    for name in fetched if not json else ():
        console.print(f"{escape(name)} is ready.", highlight=False)
    sys.exit(Exit.ERROR if failed else Exit.OK)
