"""Board totals follow NVIDIA's tables."""

import pytest

from edgeprofiler.measurement.sensors.boards import TOTAL_RAILS, total_rails


@pytest.mark.parametrize(("boards", "rails"), TOTAL_RAILS)
def test_each_board_s_own_rails_give_its_total(boards, rails):
    assert total_rails((*rails, "SOMETHING_ELSE")) == rails


def test_orin_nano_s_cpu_gpu_rail_is_never_the_total():
    """VDD_CPU_GPU_CV is CPU, GPU and CV together, not the board."""
    assert total_rails(("VDD_CPU_GPU_CV", "VDD_IN", "VDD_SOC")) == ("VDD_IN",)
