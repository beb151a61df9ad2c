"""Quantities as people write them."""

import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.impact import quantities


def test_duty_is_a_share_of_the_day() -> None:
    assert quantities.parse_duty("12h/day") == 0.5
    assert quantities.parse_duty("15min/h") == 0.25
    assert quantities.parse_duty("100%") == 1


def test_a_watt_hour_is_3600_joules() -> None:
    assert quantities.parse_battery("50Wh") == 180_000
    assert quantities.parse_battery("5000 mAh @ 3.7 V") == pytest.approx(66_600)
    assert quantities.parse_battery("2Ah@12V") == pytest.approx(86_400)


def test_intensities_and_prices() -> None:
    assert quantities.parse_intensity("220 g/kWh") * 3.6e6 == pytest.approx(220)
    assert quantities.parse_intensity("0.22kg/kWh") * 3.6e6 == pytest.approx(220)
    price, currency = quantities.parse_price("0.30 EUR/kWh")
    assert (price * 3.6e6, currency) == (pytest.approx(0.3), "EUR")


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (quantities.parse_duty, "25h/day"),
        (quantities.parse_duty, "0%"),
        (quantities.parse_duty, "often"),
        (quantities.parse_battery, "5000mAh"),
        (quantities.parse_battery, "0Wh"),
        (quantities.parse_intensity, "220"),
        (quantities.parse_price, "cheap"),
        (quantities.parse_battery, "1e400Wh"),
        (quantities.parse_battery, "1e308Ah@12V"),
        (quantities.parse_intensity, "1e400 g/kWh"),
    ],
)
def test_what_is_no_quantity_is_refused_with_an_example(parse, text: str) -> None:
    with pytest.raises(UsageError, match=r"write|all the time"):
        parse(text)
