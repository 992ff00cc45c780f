"""Child processes: how they are started, asked and ended."""

import signal

from dynviz.process import child
from dynviz.process.child import Worker


def echo(job):
    """What a worker of these tests does: it prefixes each request."""
    with child.answering() as answers:
        print("this is no answer")
        for line in child.Requests():
            answers.write(job["prefix"].encode() + line)
            answers.flush()


def started():
    return Worker("tests.test_child:echo", {"prefix": "re: "}, "echoes")


def test_a_worker_answers_in_turn_and_ends_when_nothing_more_is_asked(capfd):
    worker = started()
    worker.ask(b"one\n")
    assert worker.answers.readline() == b"re: one\n"
    worker.ask(b"two\n")
    assert worker.answers.readline() == b"re: two\n"
    worker.hang_up()
    assert worker.answers.read() == b""
    worker.close()
    assert capfd.readouterr().err == "this is no answer\n"


def test_a_worker_that_was_killed_can_be_asked_and_says_how_it_ended(capfd):
    worker = started()
    worker.send(signal.SIGKILL)
    worker.wait()
    worker.ask(b"one\n")
    assert worker.answers.read() == b""
    assert child.ending(worker.close()) == "SIGKILL"
