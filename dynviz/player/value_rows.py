"""The rows of a form in which hyperparameters are changed."""

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from dynviz.text import clean


class ValueRows(Vertical):
    """Hyperparameters with editable values."""

    DEFAULT_CSS = "ValueRows { height: auto; }"

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__()
        self._values = dict(values)

    def compose(self) -> ComposeResult:
        for name, value in self._values.items():
            with Horizontal(classes="field"):
                yield Static(clean(name), classes="label", markup=False)
                yield Input(value, placeholder="" if value else "differs between lanes", name=name)

    async def show(self, values: Mapping[str, str]) -> None:
        """Show other hyperparameters."""
        if values != self._values:
            self._values = dict(values)
            await self.recompose()

    @property
    def changed(self) -> dict[str, str]:
        """The edited values, by name."""
        texts = {field.name or "": field.value.strip() for field in self.query(Input)}
        return {name: text for name, text in texts.items() if text != self._values.get(name)}
