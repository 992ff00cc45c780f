"""Direct labels: the names and values of what moves, beside it."""

from dynviz.frozen import frozen
from dynviz.scene.naming import named


@frozen
class DirectLabel:
    """The name and the value of what moves: words that travel with it, over all shapes and not over one another.

    On axes that are no map, room for them is kept at the right of the plot, where they come to stand.

    Attributes:
        x: Where it is.
        y: Where it is; NaN where it is nowhere.
        name: Whose.
        color: Its role.
        value: What it is now.
        widest: The widest value that it will have in the film.
        leftward: Whether it stands at the left of its place on a map, if it can.
    """

    x: float
    y: float
    name: str
    color: str
    value: str = ""
    widest: str = ""
    leftward: bool = False

    def words(self, value: str) -> str:
        """The name and a value.

        >>> DirectLabel(0, 0, "adamw", "lane0").words("0.371"), DirectLabel(0, 0, "", "lane0").words("0.371")
        ('adamw 0.371', '0.371')
        """
        return named(self.name, value)
