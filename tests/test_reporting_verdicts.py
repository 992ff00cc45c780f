"""Verdicts: holds, fails, depends on the seed, or not decided."""

import json
import re

import numpy as np
import pytest

from dynviz.reporting.account import account, to_json
from dynviz.reporting.document import Claim, Claims, Expectation, Quantity
from dynviz.reporting.markdown import markdown
from dynviz.reporting.page import page
from dynviz.reporting.strips import strip
from dynviz.reporting.verdicts import Finding, Ruling, judge

EIGHT = np.arange(1.0, 9.0)


def finding(values, *, quick=False, single=False, **expect):
    claim = Claim("c", "s", value=Quantity(run="r"), expect=Expectation(**expect), single=single)
    return judge(claim, np.asarray(values, float), tuple(range(len(values))), quick=quick)


@pytest.mark.parametrize(
    ("values", "expect", "ruling"),
    [
        (EIGHT, {"above": 0}, Ruling.HOLDS),
        (EIGHT, {"above": 1}, Ruling.DEPENDS),  # 7 of 8, although the interval is (2, 7)
        (EIGHT, {"below": 1}, Ruling.FAILS),
        (EIGHT, {"below": 0}, Ruling.FAILS),
        (EIGHT, {"above": 4.5}, Ruling.DEPENDS),
        (EIGHT, {"above": 0, "below": 9}, Ruling.HOLDS),
        (EIGHT, {"equals": 4.5, "tolerance": 3.5}, Ruling.HOLDS),
        (EIGHT, {"equals": 20, "tolerance": 1}, Ruling.FAILS),
        (EIGHT, {"equals": 4.5, "tolerance": 0.1}, Ruling.DEPENDS),
        ([*EIGHT[:7], np.inf], {"above": 0}, Ruling.HOLDS),
        ([*EIGHT[:7], np.inf], {"below": 9}, Ruling.DEPENDS),
        ([np.inf] * 8, {"below": 9}, Ruling.FAILS),
        ([1.0] * 9 + [-1.0], {"above": 0}, Ruling.HOLDS),  # nine of ten
        ([1.0] * 8 + [-1.0] * 2, {"above": 0}, Ruling.DEPENDS),
        ([0.0] * 8, {"below": 0}, Ruling.FAILS),  # equal is not lower
        ([0.0] * 8, {"equals": 0}, Ruling.HOLDS),
        (EIGHT[:5], {"above": 0}, Ruling.UNDECIDED),
        (EIGHT[:6], {"above": 0}, Ruling.HOLDS),
        ([*EIGHT[:7], np.nan], {"above": 0}, Ruling.UNDECIDED),
    ],
)
def test_a_verdict_goes_by_the_interval_and_by_the_seeds(values, expect, ruling):
    assert finding(values, **expect).ruling is ruling


def test_one_instance_decides_what_is_about_one():
    assert finding([1.0], above=0).ruling is Ruling.UNDECIDED
    assert finding([1.0], above=0, single=True).ruling is Ruling.HOLDS
    assert finding([1.0], below=0, single=True).ruling is Ruling.FAILS


@pytest.mark.parametrize("values", [EIGHT, -EIGHT, EIGHT - 4.5])
@pytest.mark.parametrize("single", [False, True])
def test_a_quick_look_decides_nothing(values, single):
    result = finding(values, above=0, quick=True, single=single)
    assert result.ruling is Ruling.UNDECIDED
    assert "quick look" in result.reason
    assert "holds" not in result.reason


def test_too_few_seeds_are_said():
    assert finding(EIGHT[:3], above=0).reason == "3 seeds are too few; it takes six"
    lost = finding([1.0, np.nan, 2, 3, 4, 5], above=0)
    assert lost.reason == "the number does not exist for 1 of 6 seeds, such as seed 1"


def test_nothing_in_a_report_is_obeyed():
    evil = "<script>x</script> [a](javascript:b) | *c*"
    claim = Claim("c", evil, where=evil, out_of_reach=evil)
    decided = finding(EIGHT, above=0)
    claims = Claims(evil, evil, evil, {}, (claim,))
    report = account(claims, "c.toml", [Finding(claim, Ruling.UNDECIDED, evil), decided], seeds="0:8", quick=False)
    assert "<script" not in page(report)
    text = markdown(report)
    assert "<script" not in text
    assert "](javascript" not in text.replace("\\](", "")
    assert re.search(r"\\\| \\\*c\\\*", text)
    tree = json.loads(to_json(report))
    assert tree["counts"] == {"holds": 1, "fails": 0, "depends on the seed": 0, "not decided here": 1}
    assert tree["claims"][1]["interval"] == [2, 7]
    assert report.summary == "2 claims: 1 holds, 0 fail, 0 depend on the seed, 1 is not decided here"


@pytest.mark.parametrize("values", [EIGHT, [1e-9, 1, 1e9, 2, 3, 4, 5, 6], [np.inf] * 5 + [1, 2, 3], [0.0] * 8])
@pytest.mark.parametrize("expect", [{"above": 0.5}, {"below": 1e4}, {"equals": 3, "tolerance": 1}])
def test_a_strip_has_a_dot_for_each_seed_inside_of_it(values, expect):
    drawn = strip(finding(values, **expect))
    places = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawn)]
    assert len(places) == 8
    assert all(14 <= place <= 466 for place in places)
    assert [value for _, value in sorted(zip(places, values, strict=True))] == sorted(values)
