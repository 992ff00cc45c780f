"""Scenes on a page of a browser: their marks as numbers, and the script that draws them.

The third backend beside `cells` and `pixels`. A page holds the arrays of all frames once, quantised and compressed,
and a tree that says which of them each mark of each frame is made of. Python lays pages out, for several sizes of a
window, as it does for pixels; the script draws what stands there. A new view needs no script of its own.
"""
