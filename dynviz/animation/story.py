"""Stories: of a view, the panel that tells it and at most two that support it."""

from collections.abc import Sequence
from dataclasses import replace

from dynviz.film import Film
from dynviz.layout.counter import step_words
from dynviz.scene.marks import Panel, Scene

SUPPORTS = 2
"""Panels besides those that lead, at most."""
LEADS = 2
"""Maps of one title that lead together, at most: one of each recording."""


def told(film: Film) -> Film:
    """The film with its first map, or the same map of two recordings, in the lead; without maps the first panel.

    Of a view that has a story of its own, the film of that, with the panels in the lead that it names, or with all of
    them where they are alike and stand in columns.
    """
    own = film.story is not None
    film = film.story() if film.story else film
    last = film.scene(int(film.steps[-1]))
    if own and last.columns:
        return film
    panels = last.panels
    lead = list(range(last.lead)) or leading(panels)
    others = [index for index in range(len(panels)) if index not in lead and not panels[index].square]
    shown = [*lead, *others[:SUPPORTS]]

    def scene(step: int) -> Scene:
        whole = film.scene(step)
        return replace(whole, panels=tuple(whole.panels[index] for index in shown), lead=len(lead))

    return replace(film, scene=scene)


def alone(film: Film) -> Film:
    """The film with what leads alone: one panel, or the same map of two recordings."""
    lead = leading(film.scene(int(film.steps[-1])).panels)

    def scene(step: int) -> Scene:
        whole = film.scene(step)
        return replace(whole, panels=tuple(whole.panels[index] for index in lead), lead=0)

    return replace(film, scene=scene)


def tile(scene: Scene) -> Scene:
    """The scene as it stands among others under one header: its step is its title."""
    title = step_words(replace(scene, steps=min(scene.steps, 0)))
    panels = tuple(replace(panel, title="") for panel in scene.panels)
    return replace(scene, title=title, panels=panels, readouts=(), steps=-1)


def printed(film: Film, title: str) -> Film:
    """The film for a document that has captions: with this title or none, and which colour is which."""

    def scene(step: int) -> Scene:
        whole = film.scene(step)
        names = tuple(readout for readout in whole.readouts if readout.color not in ("text", "muted"))
        return replace(whole, title=title, readouts=names, steps=-1)

    return replace(film, scene=scene)


def leading(panels: Sequence[Panel]) -> list[int]:
    """Which panels lead."""
    maps = [index for index, panel in enumerate(panels) if panel.square or panel.perspective]
    first = maps[0] if maps else 0
    alike = [index for index in maps if panels[index].title == panels[first].title]
    return alike if 1 < len(alike) <= LEADS else [first]
