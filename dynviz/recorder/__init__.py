"""Recording a training loop of one's own: three lines in a script, and its steps are a recording like any other.

Example:
    with dynviz.record(model, optimizer, out="mine") as rec:
        for batch in loader:
            loss = loss_of(model, batch)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            rec(loss)
"""

from dynviz.recorder.launch import record
from dynviz.recorder.recorder import Recorder

__all__ = ["Recorder", "record"]
