"""Public logs in the forms that people have give their right numbers."""

import pytest

from edgeprofiler.measurement.sensors.replay import ReplaySensor

KNOWN = {
    # lines, seconds from first to last, first and mean watts of the board, by hand
    "agxorin_jp7.log": (60, 59, 5.0 + 3.268 + 5.5, 14.4347),
    "joulescope.csv": (79, 0.039, 5.0, 5.0),
    "jtop.csv": (79, 78, 5.012, 5.012),
    "nvsmi.csv": (79, 78, 25.37, 25.37),
    "orinnano_header.log": (60, 59, 5.0, 5.6667),
    "orinnano_partialsec.log": (53, 5.2, 5.0, 5.7547),
    "otii.csv": (79, 7.8, 5.0, 5.0),
    "thor_neg_first.log": (60, 59, 15.004, 15.004),
    "thor_neg_later.log": (60, 59, 15.004, 15.004),
    "ts_100ms_iso.log": (80, 7.9, 5.0, 5.0),
    "zeus.csv": (79, 7.8, 25.3, 25.3),
}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_public_log_has_its_lines_its_span_and_its_power(shared, name):
    sensor = ReplaySensor(path=str(shared / "inputs/power_logs" / name), align="start")
    lines, span_s, first_w, mean_w = KNOWN[name]
    trace = sensor.trace(100.0, 100.0 + span_s)
    assert len(trace) == lines - 1  # the last one stands at the end, which is not asked for
    assert trace.time_s[0] == 100.0
    assert trace.time_s[-1] - 100.0 == pytest.approx(span_s * (lines - 2) / (lines - 1), rel=1e-6)
    assert trace.total_w[0] == pytest.approx(first_w)
    assert trace.total_w.mean() == pytest.approx(mean_w, rel=0.01)


def test_all_of_them_are_known(shared):
    assert {path.name for path in (shared / "inputs/power_logs").iterdir()} == KNOWN.keys()
