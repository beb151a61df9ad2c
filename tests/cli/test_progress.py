"""A long work says how far it is: a line now and then where nobody sits at a terminal."""

from edgeprofiler.cli.progress import LINE_EVERY_S, Lines


def test_a_line_says_count_and_time_left_but_not_too_often() -> None:
    said: list[str] = []
    now_s = [0.0]
    lines = Lines("lenet: ", said.append, lambda: now_s[0])
    for done in range(101):
        now_s[0] = done * LINE_EVERY_S / 10
        lines("parts", done, 100)
    assert len(said) == 10
    assert said[0] == "lenet: parts: 10/100, about 90 s left"
    assert said[-1] == "lenet: parts: 100/100, about 0 s left"


def test_quick_work_and_work_of_unknown_size_say_no_more_than_they_know() -> None:
    said: list[str] = []
    now_s = [0.0]
    lines = Lines("", said.append, lambda: now_s[0])
    lines("folds", 1, 2)
    assert said == []
    lines("networks", 5, None)
    now_s[0] = LINE_EVERY_S
    lines("networks", 12_000, None)
    assert said == ["networks: 12,000"]
