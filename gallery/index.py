"""Writes index.html: the pages of the gallery, each alive and with what it shows in words."""

import re
from pathlib import Path

HERE = Path(__file__).parent
LONGEST = 220
"""Letters of a description, up to the end of a sentence."""
CARD = """<article>
<a href="pages/{name}"><iframe src="pages/{name}" title="{title}" loading="lazy" tabindex="-1"></iframe></a>
<h2><a href="pages/{name}">{title}</a></h2>
<p>{words}</p>
</article>
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gallery of dynviz</title>
<style>
body {{ max-width: 1180px; margin: 0 auto; padding: 24px 16px; font: 15px/1.5 system-ui, sans-serif; }}
body {{ color: #1f262e; background: #ffffff; color-scheme: light dark; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); gap: 32px; }}
article a {{ color: inherit; text-decoration: none; }}
article > a {{ display: block; height: 330px; overflow: hidden; border: 1px solid #e4e7ea; border-radius: 8px; }}
article > a:hover {{ border-color: #66707b; }}
iframe {{ width: 200%; height: 660px; border: 0; transform: scale(.5); transform-origin: 0 0; pointer-events: none; }}
h1 {{ font-size: 24px; }}
h2 {{ margin: 12px 0 4px; font-size: 18px; }}
p {{ margin: 0; color: #66707b; }}
h1 + p {{ margin: -8px 0 24px; }}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e8ebef; background: #0f141a; }}
  p {{ color: #97a1ac; }}
  article > a {{ border-color: #29313a; }}
}}
</style>
</head>
<body>
<h1>What optimizers do</h1>
<p>Each page holds the numbers of a run: play it, point at a curve, hide a lane, switch views.</p>
<main>
{cards}</main>
</body>
</html>
"""


def card(page: Path) -> str:
    """A page, its title and the beginning of its description, all as they are escaped there."""
    text = page.read_text(encoding="utf-8")
    title, alt = (re.search(part, text)[1] for part in (r"<title>(.*?)</title>", r'name="description" content="(.*?)"'))
    words = alt[:LONGEST]
    return CARD.format(name=page.name, title=title, words=words[: words.rfind(". ") + 1] or words)


def index(folder: Path) -> str:
    """The page that lists the pages in a folder."""
    return PAGE.format(cards="".join(card(page) for page in sorted(folder.glob("*.html"))))


if __name__ == "__main__":
    (HERE / "index.html").write_text(index(HERE / "pages"), encoding="utf-8")
